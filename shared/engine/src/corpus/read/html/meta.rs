//! Owns what a page says about itself: its title and its day, wherever pages say that.
//! Never a day that is not said: the day that it was fetched is not one.
//! Next: `mod` puts both into the draft.

use super::super::date;
use super::tokens::Attributes;

/// How much of a script of data, or of a footer, is looked at.
const BYTES_MAX: usize = 64 << 10;

/// Ways to name a page's day, the most telling first.
const DAYS: [&str; 22] = [
    "article:modified_time",
    "og:updated_time",
    "datemodified",
    "dcterms.modified",
    "dc.date.modified",
    "last-modified",
    "last_modified",
    "lastmod",
    "revised",
    "date",
    "dcterms.date",
    "dc.date",
    "dcterms.issued",
    "dc.date.issued",
    "article:published_time",
    "datepublished",
    "dcterms.created",
    "dc.date.created",
    "pubdate",
    "publish_date",
    "datecreated",
    "created",
];

#[derive(Default)]
pub(super) struct Meta {
    title: String,
    in_title: bool,
    title_done: bool,
    other_title: Option<String>,
    /// By the rank of how it was said.
    day: Option<(usize, String)>,
    time: Option<String>,
    in_data: bool,
    data: String,
    unread: String,
}

impl Meta {
    pub(super) fn tag(&mut self, attributes: &Attributes) {
        let Some(content) = attributes.get("content") else { return };
        for name in ["property", "name", "itemprop", "http-equiv"] {
            let name = attributes.lower(name);
            if name == "og:title" {
                self.other_title = Some(content.clone());
            }
            let Some(rank) = DAYS.iter().position(|known| *known == name) else { continue };
            if self.day.as_ref().is_none_or(|(best, _)| rank < *best)
                && let Some(day) = date::stated(&content)
            {
                self.day = Some((rank, day));
            }
        }
    }

    pub(super) fn time(&mut self, attributes: &Attributes) {
        if self.time.is_none() {
            self.time = attributes.get("datetime").and_then(|day| date::stated(&day));
        }
    }

    /// False for a title that is not the page's, as drawings have.
    pub(super) fn title_begins(&mut self) -> bool {
        self.in_title = !self.title_done;
        self.in_title
    }

    pub(super) fn title_text(&mut self, text: &[u8]) {
        if self.in_title && self.title.len() < 4096 {
            self.title.push_str(&String::from_utf8_lossy(text));
        }
    }

    pub(super) fn title_ends(&mut self) {
        self.title_done |= self.in_title;
        self.in_title = false;
    }

    pub(super) fn script_begins(&mut self, attributes: &Attributes) {
        self.in_data = attributes.lower("type").trim() == "application/ld+json";
    }

    pub(super) fn script(&mut self, text: &[u8]) {
        if self.in_data && self.data.len() + text.len() <= BYTES_MAX {
            self.data.push_str(&String::from_utf8_lossy(text));
        }
    }

    pub(super) fn script_ends(&mut self) {
        if std::mem::take(&mut self.in_data) {
            self.data.push('\n');
        }
    }

    /// Words that are no content may still say when the page was changed.
    pub(super) fn unread_text(&mut self, text: &[u8]) {
        if self.unread.len() + text.len() <= BYTES_MAX {
            self.unread.push_str(&String::from_utf8_lossy(text));
        }
    }

    pub(super) fn title(&self, heading: Option<&str>) -> Option<String> {
        let said = [Some(self.title.as_str()), self.other_title.as_deref(), heading];
        said.into_iter().flatten().find(|title| !title.trim().is_empty()).map(str::to_owned)
    }

    pub(super) fn date(&self, words: &str) -> Option<String> {
        let day = self.day.as_ref().map(|(_, day)| day.clone());
        day.or_else(|| data_day(&self.data))
            .or_else(|| self.time.clone())
            .or_else(|| date::of_change(words))
            .or_else(|| date::of_change(&self.unread))
    }
}

/// Of JSON-LD, by its keys alone: what it is said of does not matter, and it need not be valid.
fn data_day(data: &str) -> Option<String> {
    ["\"dateModified\"", "\"datePublished\"", "\"dateCreated\""].iter().find_map(|key| {
        let (_, rest) = data.split_once(key)?;
        let value = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
        date::stated(value.split('"').next()?)
    })
}
