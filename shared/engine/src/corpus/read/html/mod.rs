//! Owns web pages: the words that a reader would see, in blocks under their headings, with the bytes they came from.
//! Never what is hidden, and never menus, cookie banners and footers; a manual is read whole, not cut to an article.
//! Next: `tokens` feeds `tree`, `chaff` judges its nodes, `flow` writes what is left, `meta` has title and date.

mod chaff;
mod flow;
mod grid;
mod meta;
mod tags;
mod tokens;
mod tree;

use super::ReadError;
use super::draft::Draft;
use tree::Tree;

pub(super) fn draft(page: &str) -> Result<Draft, ReadError> {
    let mut tree = Tree::default();
    tokens::feed(page, &mut tree);
    let page = tree.finish()?;
    let mut draft = flow::write(&page, chaff::Strictness::Usual);
    if draft.blocks.is_empty() {
        // A page of links alone is still what somebody asked to have read.
        draft = flow::write(&page, chaff::Strictness::None);
    }
    draft.title = page.meta.title(page.headings.first().map(String::as_str));
    draft.date = page.meta.date(&page.words);
    Ok(draft)
}
