//! Owns what tags mean to somebody who reads: which begin a block, which close others, which are never read.
//! Never the state of a page.
//! Next: `tree` keeps the open ones.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    Title,
    Meta,
    Script,
    Style,
    /// h1 to h6.
    Heading(u8),
    Paragraph,
    List,
    Item,
    Terms,
    Term,
    Meaning,
    Table,
    Caption,
    /// True for a `thead`.
    RowGroup(bool),
    Row,
    /// True for a `th`.
    Cell(bool),
    Pre,
    Link,
    Time,
    Break,
    Header,
    Main,
    Form,
    /// A paragraph on its own that says what comes next.
    Summary,
    Section,
    Block,
    /// Never read, with all that it holds.
    Unread,
    /// Without an end.
    Void,
    Inline,
}

impl Tag {
    pub(super) fn of(name: &[u8]) -> Tag {
        match name {
            b"title" => Tag::Title,
            b"meta" => Tag::Meta,
            b"script" => Tag::Script,
            b"style" => Tag::Style,
            b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6" => Tag::Heading(name[1] - b'0'),
            b"p" => Tag::Paragraph,
            b"ul" | b"ol" | b"menu" | b"dir" => Tag::List,
            b"li" => Tag::Item,
            b"dl" => Tag::Terms,
            b"dt" => Tag::Term,
            b"dd" => Tag::Meaning,
            b"table" => Tag::Table,
            b"caption" => Tag::Caption,
            b"thead" => Tag::RowGroup(true),
            b"tbody" | b"tfoot" => Tag::RowGroup(false),
            b"tr" => Tag::Row,
            b"th" => Tag::Cell(true),
            b"td" => Tag::Cell(false),
            b"pre" | b"listing" | b"xmp" | b"plaintext" => Tag::Pre,
            b"a" => Tag::Link,
            b"time" => Tag::Time,
            b"br" => Tag::Break,
            b"header" => Tag::Header,
            b"main" => Tag::Main,
            b"form" => Tag::Form,
            b"summary" => Tag::Summary,
            b"article" | b"section" => Tag::Section,
            b"div" | b"blockquote" | b"figure" | b"figcaption" | b"details" | b"address" | b"fieldset" | b"legend"
            | b"center" | b"body" | b"html" | b"hgroup" | b"search" | b"aside" | b"dialog" => Tag::Block,
            b"nav" | b"footer" | b"noscript" | b"template" | b"svg" | b"iframe" | b"object" | b"canvas" | b"audio"
            | b"video" | b"select" | b"button" | b"textarea" | b"datalist" | b"noembed" | b"noframes" | b"map"
            | b"frameset" | b"applet" | b"progress" | b"meter" | b"rp" => Tag::Unread,
            b"area" | b"base" | b"col" | b"embed" | b"hr" | b"img" | b"input" | b"link" | b"param" | b"source"
            | b"track" | b"wbr" | b"basefont" | b"frame" | b"keygen" => Tag::Void,
            _ => Tag::Inline,
        }
    }

    pub(super) fn has_no_end(self) -> bool {
        matches!(self, Tag::Void | Tag::Break | Tag::Meta)
    }

    /// Whether the words before it and in it are apart.
    pub(super) fn is_block(self) -> bool {
        !matches!(self, Tag::Inline | Tag::Link | Tag::Time | Tag::Void | Tag::Break | Tag::Unread)
    }

    pub(super) fn is_of_tables(self) -> bool {
        matches!(self, Tag::Table | Tag::Caption | Tag::RowGroup(_) | Tag::Row | Tag::Cell(_))
    }
}
