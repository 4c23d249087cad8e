//! `bench-figures` as a person runs it: documents in, a page with tables and its plots out.
//! Never a page of this repository.
//! Next: `figures::page` and `figures::plot` have the rules.

use std::fs;
use std::process::Command;

#[test]
fn the_program_writes_tables_between_the_marks_and_plots_beside_the_page() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (from, docs) = (folder.path().join("bench"), folder.path().join("docs"));
    fs::create_dir_all(&from)?;
    fs::create_dir_all(&docs)?;
    let document = r#"{"bench":"peers","at":"2026-11-20","load":"0.1 before, 0.2 after","command":"make bench-peers",
        "rows":[{"what":"one","unit":"messages/s","samples":[10,11,12]},{"what":"two","unit":"messages/s","samples":[5]},
        {"what":"delay","unit":"ms","group":"slow","samples":[7],"bar":{"by":"median","at_most":5.0}}]}"#;
    fs::write(from.join("peers.json"), document)?;
    let page = docs.join("page.md");
    fs::write(
        &page,
        "# P\n<!-- figures: peers -->\nold\n<!-- end figures -->\n<!-- figures: peers, slow -->\n<!-- end figures -->\n",
    )?;
    let ran = Command::new(env!("CARGO_BIN_EXE_bench-figures"))
        .arg("--from")
        .arg(&from)
        .arg("--plots")
        .arg(docs.join("figures"))
        .arg(&page)
        .output()?;
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout));
    let text = fs::read_to_string(&page)?;
    for wanted in ["| one | 11.0 messages/s |", "](figures/peers-messages-s.svg)", "**missed**", "0.2 after"] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert!(!text.contains("old") && text.matches("| delay |").count() == 2, "{text}");
    assert!(fs::read_to_string(docs.join("figures/peers-messages-s.svg"))?.contains("</svg>"));
    Ok(())
}
