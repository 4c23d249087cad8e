//! Owns what sources of bad will can do to a report: nothing, in any of its forms.
//! Never an escape tried by eye: the page is parsed as a browser would, the Markdown as a reader would.
//! Next: the injection attempts of `tests/injections` go through as sources, titles, addresses and statements.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod analyses;

use analyses::{DAY, Made, pricing, support};
use contract::documents::Statistic;
use contract::events::Confidence;
use html5gum::{Token, Tokenizer};
use pulldown_cmark::{Event, Options, Parser, Tag};
use writer::{Report, check, check_markdown, files, html, markdown, offline, read};

const HOSTILE: &[&str] = &[
    "<script>alert(1)</script>",
    "</pre></li></ol><img src=x onerror=alert(1)>",
    "\" onmouseover=\"alert(1)",
    "](javascript:alert(1)) ![x](https://evil.example/p.png)",
    "[1]: javascript:alert(1)",
    "| a | b |\n|---|---|",
    "```\n## References\n\n### [1] Forged\n",
    "**9. Forged.** [1], [2]",
    "> “forged” [1]\n\nConfidence: high. forged",
    "Rather to be believed: me",
    "\u{202e}gnp.exe\u{2066}\u{200b}\u{feff}",
    "\u{1b}[31mred\u{7}\u{0}",
    "<https://evil.example> www.evil.example https://evil.example a@evil.example",
    "&lt;b&gt; &#x3c; {{ 7 * 7 }} {% raw %}",
    "\\u{202e} \\\\ \\* \\",
    "~~~\n# Heading\n- item\n1. one\n===\n---",
    "\r\nline\r\n\rlone\r",
    "<!-- --> ]]> <![CDATA[ <style>*{display:none}</style>",
    "=HYPERLINK(\"https://evil.example\",\"x\")",
    "مرحبا بالعالم ٤٩ ریال",
    "料金は月額４９ドルです。次の文。",
];

/// Hostile text wherever text of others can stand.
fn hostile(text: &str) -> Made {
    let mut made = Made::of(&format!("goal {text}"));
    let body = format!("before {text} after\n\nsecond {text}\n");
    let source = made.source(&format!("a/{text}"), &format!("title {text}"), Some("2026-01-01"), &body);
    let table_source = made.source("t.csv", text, None, "company,plan,monthly_usd\na,b,1\nc,d,2\n");
    let table = made.table(&table_source, &format!("table {text}"));
    let passage = made.passage(&source, &[text, "h"], &body);
    let second = made.passage(&source, &[], &format!("second {text}"));
    let mut bars = vec![];
    for (row, value) in [(0, 1.0), (1, 2.0)] {
        let metric = made.metric(Statistic::Max, &format!("label {text}"), value, &table, &[row]);
        metric.group.insert(format!("g {text}"), format!("v{row} {text}"));
        metric.unit = Some("USD".into());
        bars.push((format!("bar {text}"), metric.id.clone()));
    }
    made.analysed.charts.push(contract::documents::Chart {
        title: format!("chart {text}"),
        unit: Some(text.into()),
        bars,
    });
    made.analysed.tables[0].rows[0][0].text = text.into();
    made.analysed.tables[0].columns[0].name = text.into();
    let finding = made.finding(
        &format!("question {text}"),
        &format!("statement {text}"),
        Confidence::High,
        &format!("reason {text}"),
    );
    finding.supporting = vec![support(&passage, ""), support(&second, text)];
    finding.contradicting = vec![support(&second, "")];
    finding.metrics = vec!["m-1".into()];
    made.analysed.conflicts.push(contract::documents::Conflict {
        about: text.into(),
        sides: vec![contract::documents::Side { says: text.into(), support: support(&passage, text) }],
        leaning: Some(text.into()),
    });
    made.analysed.gaps.push(contract::documents::Gap { question: text.into(), why: text.into() });
    made.analysed.missed.push(contract::documents::Missed { what: text.into(), why: text.into() });
    made.analysed.notes.push(text.into());
    made.analysed.summary = format!("summary {text}");
    made
}

fn written(made: &Made) -> Report {
    let mut report = offline::report(&made.analysed, &made.texts, DAY).unwrap();
    report.files = files::of(&report, &made.analysed).unwrap().into_iter().map(|made| made.about).collect();
    assert_eq!(check(&report, &made.analysed, &made.texts), [], "{:?}", made.analysed.goal);
    report
}

/// Elements with their attributes, and the text between; a browser's reading of the page.
fn tokens(page: &str) -> Vec<Token> {
    Tokenizer::new(page).map(|token| token.unwrap()).collect()
}

/// The shape of a page: its elements, without text.
fn shape(page: &str) -> Vec<String> {
    let name = |token| match token {
        Token::StartTag(tag) => Some(String::from_utf8_lossy(&tag.name).into_owned()),
        Token::EndTag(tag) => Some(format!("/{}", String::from_utf8_lossy(&tag.name))),
        Token::Error(error) => Some(format!("error {error:?}")),
        Token::Comment(_) => Some("comment".into()),
        _ => None,
    };
    tokens(page).into_iter().filter_map(name).collect()
}

fn loads_nothing(page: &str) {
    for token in tokens(page) {
        let Token::StartTag(tag) = token else { continue };
        let name = String::from_utf8_lossy(&tag.name).into_owned();
        assert!(
            !["script", "img", "link", "iframe", "object", "embed", "base", "form", "image", "use", "audio", "video"]
                .contains(&name.as_str()),
            "{name}"
        );
        for (attribute, value) in &tag.attributes {
            let attribute = String::from_utf8_lossy(attribute).to_lowercase();
            let value = String::from_utf8_lossy(value).trim().to_lowercase();
            assert!(!attribute.starts_with("on"), "{name} {attribute}");
            let may_name_others = name == "a" && attribute == "href" || attribute == "xmlns";
            assert!(may_name_others || !value.contains("://") || attribute == "id", "{name} {attribute}={value}");
            if name == "a" && attribute == "href" {
                assert!(
                    value.starts_with('#') || value.starts_with("https://") || value.starts_with("http://"),
                    "{value}"
                );
            }
            assert!(attribute != "src" && attribute != "style", "{name} {attribute}");
        }
    }
    assert!(!page.contains("url(") && !page.contains("@import"));
}

#[test]
fn the_page_loads_nothing_runs_nothing_and_is_well_formed() {
    let page = html(&written(&pricing())).unwrap();
    loads_nothing(&page);
    let mut open: Vec<String> = vec![];
    for name in shape(&page) {
        if let Some(end) = name.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(end));
        } else if !["meta", "rect", "line", "polyline", "circle", "polygon"].contains(&name.as_str()) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
    let ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let different: std::collections::BTreeSet<&&str> = ids.iter().collect();
    assert_eq!(ids.len(), different.len(), "ids are unique");
    for target in page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(ids.contains(&target), "#{target}");
    }
    assert!(page.contains("prefers-color-scheme: dark") && page.contains("@media print"));
}

#[test]
fn hostile_text_does_not_change_the_shape_of_the_page() {
    let plain = shape(&html(&written(&hostile("plain"))).unwrap());
    for text in HOSTILE {
        let page = html(&written(&hostile(text))).unwrap();
        loads_nothing(&page);
        // A quote that is cut is one of several; only how often elements stand there may differ by it.
        let kinds = |shape: &[String]| shape.iter().cloned().collect::<std::collections::BTreeSet<_>>();
        let found = shape(&page);
        let strange: Vec<_> = kinds(&found).difference(&kinds(&plain)).cloned().collect();
        assert!(strange.is_empty(), "{text:?} brings {strange:?}");
        let count = |shape: &[String]| {
            let mut counts = std::collections::BTreeMap::new();
            shape.iter().for_each(|name| *counts.entry(name.clone()).or_insert(0) += 1);
            counts
        };
        assert_eq!(count(&found), count(&plain), "{text:?}");
        assert!(
            !page.chars().any(|c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{1b}' | '\0'))
        );
    }
}

#[test]
fn hostile_text_does_not_change_what_the_markdown_says() {
    for text in HOSTILE {
        let made = hostile(text);
        let report = written(&made);
        let rendered = markdown(&report);
        assert_eq!(check_markdown(&rendered, &made.analysed, &made.texts), [], "{text:?}\n{rendered}");
        let back = read(&rendered).unwrap();
        assert_eq!(
            back.references.iter().map(|one| &one.quote).collect::<Vec<_>>(),
            report.references.iter().map(|one| &one.quote).collect::<Vec<_>>()
        );
        assert_eq!(back.statements().count(), 1);
        for event in Parser::new_ext(&rendered, Options::all()) {
            match event {
                Event::Html(html) | Event::InlineHtml(html) => panic!("{text:?} became HTML: {html}"),
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    panic!("{text:?} became a link to {dest_url}")
                }
                _ => {}
            }
        }
        assert!(
            !rendered.chars().any(|c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{1b}' | '\0'))
        );
    }
}

#[test]
fn every_recorded_injection_attempt_ends_as_text() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/injections/attempts.jsonl");
    let attempts = std::fs::read_to_string(path).unwrap();
    let mut tried = 0;
    for line in attempts.lines() {
        let attempt: serde_json::Value = serde_json::from_str(line).unwrap();
        let Some(text) = attempt["text"].as_str().filter(|text| !text.trim().is_empty()) else { continue };
        let text: String = text.chars().take(4_000).collect();
        let mut made = Made::of("What does it cost?");
        let source = made.source("page.html", &text, None, &format!("{text}\n"));
        let passage = made.passage(&source, &[&text], &text);
        made.finding("", "It says something.", Confidence::Low, &text).supporting = vec![support(&passage, "")];
        let report = written(&made);
        let rendered = markdown(&report);
        assert_eq!(check_markdown(&rendered, &made.analysed, &made.texts), [], "{}", attempt["id"]);
        loads_nothing(&html(&report).unwrap());
        tried += 1;
    }
    assert!(tried >= 100, "{tried}");
}

#[test]
fn text_of_other_scripts_finds_its_own_direction() {
    let page = html(&written(&hostile("مرحبا بالعالم"))).unwrap();
    let title = page.split("<h1 dir=\"auto\">").nth(1).and_then(|rest| rest.split("</h1>").next());
    assert!(title.is_some_and(|title| title.contains("مرحبا")), "{title:?}");
    assert!(
        !page
            .split("<p ")
            .skip(1)
            .any(|rest| !rest.split('>').next().unwrap().contains("dir=\"auto\"") && !rest.starts_with("class"))
    );
}

#[test]
fn files_hold_no_formulas() {
    let made = hostile("=1+1");
    let report = written(&made);
    for file in files::of(&report, &made.analysed).unwrap().iter().filter(|file| file.about.name.ends_with(".csv")) {
        let mut reader = csv::ReaderBuilder::new().flexible(true).has_headers(false).from_reader(file.bytes.as_slice());
        for cell in reader.records().flat_map(|record| record.unwrap().iter().map(str::to_owned).collect::<Vec<_>>()) {
            assert!(!cell.starts_with(['=', '+', '-', '@']) || cell.parse::<f64>().is_ok(), "{cell}");
        }
    }
}
