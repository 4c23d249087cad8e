//! Owns the place of generated text in a page: between two marks, and nothing outside of them changes.
//! Never a page without marks: somebody must have wanted it there.
//! Next: `bin/bench-figures` writes the page.

use anyhow::Context as _;

pub fn wants(page: &str, name: &str) -> bool {
    page.contains(&begin(name))
}

fn begin(name: &str) -> String {
    format!("<!-- figures: {name} -->\n")
}

/// The page with this text between `<!-- figures: NAME -->` and `<!-- end figures -->`.
pub fn with(page: &str, name: &str, text: &str) -> anyhow::Result<String> {
    let begin = begin(name);
    let end = "<!-- end figures -->";
    let (before, rest) = page.split_once(&begin).with_context(|| format!("the page has no mark {}", begin.trim()))?;
    let (_, after) = rest.split_once(end).with_context(|| format!("{} is never closed by {end}", begin.trim()))?;
    Ok(format!("{before}{begin}{}\n{end}{after}", text.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_changes_and_twice_is_as_once() -> anyhow::Result<()> {
        let page = "# A\n<!-- figures: b -->\nold\n<!-- end figures -->\nkept\n";
        let once = with(page, "b", "new\n")?;
        assert_eq!(once, "# A\n<!-- figures: b -->\nnew\n<!-- end figures -->\nkept\n");
        assert_eq!(with(&once, "b", "new\n")?, once);
        assert!(wants(page, "b") && !wants(page, "c") && with(page, "c", "new").is_err());
        Ok(())
    }
}
