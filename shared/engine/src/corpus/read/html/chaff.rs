//! Owns what of a page is no content: hidden parts, menus, banners, footers, lists of links.
//! Never drops what has the page's heading or half of its words: a wrong word in a class must not cost a page.
//! Next: `tree` asks while it reads, `flow` when it writes.

use super::tags::Tag;
use super::tokens::Attributes;
use super::tree::Node;

/// What the names of an element say about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hint {
    None,
    /// Said of content as well: only with many links or few words.
    Weak,
    Strong,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strictness {
    Usual,
    /// Hidden parts alone stay out.
    None,
}

const STRONG: [&str; 15] = [
    "breadcrumb",
    "breadcrumbs",
    "consent",
    "cookie",
    "cookies",
    "footer",
    "gdpr",
    "nav",
    "navbar",
    "navfooter",
    "navheader",
    "navigation",
    "newsletter",
    "pagination",
    "skiplink",
];
const WEAK: [&str; 33] = [
    "ad",
    "ads",
    "advert",
    "banner",
    "chat",
    "header",
    "login",
    "logo",
    "mainmenu",
    "masthead",
    "menu",
    "modal",
    "overlay",
    "popup",
    "promo",
    "related",
    "search",
    "searchmenu",
    "share",
    "sharing",
    "sidebar",
    "signup",
    "skip",
    "social",
    "sponsor",
    "submenu",
    "subscribe",
    "tagline",
    "toc",
    "toolbar",
    "top",
    "topbar",
    "widget",
];

pub(super) fn hint(attributes: &Attributes) -> Hint {
    if !attributes.has("class") && !attributes.has("id") {
        return Hint::None;
    }
    let names = format!("{} {}", attributes.lower("class"), attributes.lower("id"));
    let mut hint = Hint::None;
    for word in names.split(|c: char| c.is_whitespace() || c == '-' || c == '_') {
        if STRONG.contains(&word) {
            return Hint::Strong;
        }
        if WEAK.contains(&word) {
            hint = Hint::Weak;
        }
    }
    hint
}

/// Elements that are beside the page by their name or role.
pub(super) fn is_apart(name: &[u8], attributes: &Attributes) -> bool {
    match name {
        b"aside" => {
            let class = attributes.lower("class");
            !["note", "warning", "tip", "important", "caution", "callout", "admonition", "hint"]
                .iter()
                .any(|word| class.contains(word))
        }
        b"dialog" => !attributes.has("open"),
        _ if attributes.has("role") => {
            matches!(
                attributes.lower("role").trim(),
                "navigation" | "contentinfo" | "search" | "dialog" | "alertdialog"
            )
        }
        _ => false,
    }
}

/// Whether nobody who looks at the page sees it: such words are no evidence of what a page says.
pub(super) fn is_hidden(attributes: &Attributes, hidden_names: &[String]) -> bool {
    (attributes.has("hidden") && attributes.lower("hidden") != "until-found")
        || attributes.lower("aria-hidden").trim() == "true"
        || (attributes.has("style") && hides(&attributes.lower("style")))
        || (!hidden_names.is_empty() && is_named(attributes, hidden_names))
}

fn is_named(attributes: &Attributes, hidden_names: &[String]) -> bool {
    let id = attributes.get("id").unwrap_or_default();
    attributes
        .get("class")
        .unwrap_or_default()
        .split_whitespace()
        .any(|class| hidden_names.iter().any(|name| name.strip_prefix('.') == Some(class)))
        || hidden_names.iter().any(|name| name.strip_prefix('#') == Some(id.as_str()))
}

/// Whether these declarations, in lower case, make a thing invisible.
fn hides(declarations: &str) -> bool {
    declarations.split(';').any(|declaration| {
        let Some((property, value)) = declaration.split_once(':') else { return false };
        let value = value.trim().trim_end_matches("!important").trim();
        let is_zero = || value.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%').parse() == Ok(0.0_f64);
        match property.trim() {
            "display" => value == "none",
            "visibility" => matches!(value, "hidden" | "collapse"),
            "opacity" | "font-size" => is_zero(),
            "left" | "top" | "text-indent" | "margin-left" => {
                let number: String = value.chars().take_while(|c| c.is_ascii_digit() || "-.".contains(*c)).collect();
                number.parse().is_ok_and(|offset: f64| offset <= -900.0)
            }
            _ => false,
        }
    })
}

/// Classes and ids that the page's own style sheet hides without a condition. Only selectors of one name are understood.
pub(super) fn hidden_by_style(sheet: &[u8], hidden_names: &mut Vec<String>) {
    const NAMES_MAX: usize = 256;
    let sheet = String::from_utf8_lossy(sheet);
    let mut depth = 0_usize;
    let mut selector_start = 0;
    let mut rule: Option<(&str, usize)> = None;
    for (at, c) in sheet.char_indices() {
        match c {
            '{' => {
                depth += 1;
                if depth == 1 {
                    rule = Some((sheet[selector_start..at].trim(), at + 1));
                }
            }
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    if let Some((selectors, start)) = rule.take()
                        && !selectors.starts_with('@')
                        && hides(&sheet[start..at].to_ascii_lowercase())
                    {
                        let names = selectors.split(',').map(str::trim).filter(|selector| is_one_name(selector));
                        hidden_names
                            .extend(names.map(str::to_owned).take(NAMES_MAX.saturating_sub(hidden_names.len())));
                    }
                    selector_start = at + 1;
                }
            }
            ';' if depth == 0 => selector_start = at + 1,
            _ => {}
        }
    }
}

fn is_one_name(selector: &str) -> bool {
    selector
        .strip_prefix(['.', '#'])
        .is_some_and(|name| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_'))
}

/// Whether a node is left out, beside all the words of its page.
pub(super) fn is_chaff(node: &Node, page_text: u32, strictness: Strictness) -> bool {
    if strictness == Strictness::None || node.text == 0 || matches!(node.tag, Tag::Link | Tag::Heading(_)) {
        return false;
    }
    let of_links = f64::from(node.link) / f64::from(node.text);
    let is_small = u64::from(node.text) * 2 < u64::from(page_text);
    match node.hint {
        Hint::Strong if is_small && !node.has_heading => true,
        // A banner of cookies may have a heading of its own.
        Hint::Strong if is_small && node.text < 300 => true,
        Hint::Weak if is_small && !node.has_heading && (of_links > 0.3 || node.text < 250) => true,
        Hint::Weak if is_small && of_links > 0.5 => true,
        _ => {
            let is_group =
                matches!(node.tag, Tag::List | Tag::Terms | Tag::Table | Tag::Block | Tag::Section | Tag::Cell(_));
            is_group && !node.has_heading && node.links >= 8 && of_links > 0.8
                || matches!(node.tag, Tag::Cell(_) | Tag::List) && is_small && node.links >= 4 && of_links > 0.75
        }
    }
}
