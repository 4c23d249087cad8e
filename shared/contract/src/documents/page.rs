//! Owns how every page of ours opens: nothing from outside, no script, light and dark, and the colours of both.
//! Never what a page says, nor colours that only one of them has: those follow in its own template.
//! Next: the writer's report and the command line's story include it in their templates, with `title` in the context.

/// What a template includes it by.
pub const OPENING_NAME: &str = "opening.html";
/// Up to the middle of its style. It ends with an empty line: a template's last line break is taken off where it is read.
pub const OPENING: &str = include_str!("opening.html");

#[cfg(test)]
mod tests {
    use super::OPENING;

    #[test]
    fn a_page_opens_with_its_policy_and_both_its_grounds_and_leaves_its_style_open() {
        assert!(OPENING.starts_with("<!doctype html>\n") && OPENING.ends_with("}\n\n"));
        for part in ["default-src 'none'", "<title>{{ title }}</title>", "prefers-color-scheme: dark", "<style>"] {
            assert_eq!(OPENING.matches(part).count(), 1, "{part}");
        }
        assert!(!OPENING.contains("</style>") && OPENING.matches("--ground:").count() == 2);
    }
}
