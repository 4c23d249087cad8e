//! Owns what each kind of file is read into, by small inputs that show one thing each.
//! Never the sample sources: `read_samples` has those.
//! Next: `read_bad_input` has what is broken or hostile.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use contract::documents::{ColumnKind, Typed};
use engine::corpus::{Raw, ReadError, Reading, read};

fn reading_of(address: &str, mediatype: Option<&str>, bytes: &[u8]) -> Reading {
    let reading = read(Raw { collection: "default", address, mediatype, bytes }).unwrap();
    for passage in &reading.passages {
        assert!(passage.stands_in(&reading.text));
        assert!(passage.origin.end as usize <= bytes.len(), "{:?} of {}", passage.origin, bytes.len());
    }
    reading
}

fn page(body: &str) -> Reading {
    reading_of("page.html", None, body.as_bytes())
}

fn quotes(reading: &Reading) -> Vec<&str> {
    reading.passages.iter().map(|passage| passage.quote.as_str()).collect()
}

fn all_quotes(reading: &Reading) -> String {
    quotes(reading).join("\n")
}

fn origin<'a>(reading: &Reading, passage: usize, raw: &'a str) -> &'a str {
    let origin = reading.passages[passage].origin;
    &raw[origin.start as usize..origin.end as usize]
}

#[test]
fn the_origin_of_a_quote_is_where_its_first_and_last_word_stand() {
    let raw =
        "<title>x</title><p>Salt &amp; <b>pepper</b>,\n   caf&eacute; &#8212; 8&nbsp;000 <!-- no --> grains</p><p>End";
    let reading = page(raw);
    assert_eq!(quotes(&reading), ["Salt & pepper, café — 8 000 grains\n\nEnd"]);
    assert_eq!(origin(&reading, 0, raw), &raw[raw.find("Salt").unwrap()..]);
}

#[test]
fn a_character_reference_at_the_edge_of_a_quote_is_in_its_origin_whole() {
    let raw = "<h1>A</h1><p>&lt;tag&gt;</p><h1>B</h1><p>&copy 2026</p>";
    let reading = page(raw);
    assert_eq!(quotes(&reading), ["<tag>", "© 2026"]);
    assert_eq!(origin(&reading, 0, raw), "&lt;tag&gt;");
    assert_eq!(origin(&reading, 1, raw).trim_start_matches('>'), "&copy 2026");
}

#[test]
fn headings_are_a_path_and_not_in_the_quote() {
    let reading = page("<h1>Manual</h1><p>One.</p><h2>Setup</h2><h3>Linux</h3><p>Two.</p><h2>Use</h2><p>Three.</p>");
    let paths: Vec<Vec<&str>> =
        reading.passages.iter().map(|passage| passage.headings.iter().map(String::as_str).collect()).collect();
    assert_eq!(paths, [vec!["Manual"], vec!["Manual", "Setup", "Linux"], vec!["Manual", "Use"]]);
    assert_eq!(quotes(&reading), ["One.", "Two.", "Three."]);
}

#[test]
fn a_long_explanation_keeps_its_term_among_the_headings() {
    let long = "This sentence explains the option at length and without haste. ".repeat(60);
    let reading = page(&format!(
        "<h1>Options</h1><dl><dt>--prune</dt><dd><p>{long}</p></dd><dt>--quiet</dt><dd>No words.</dd></dl>"
    ));
    assert!(reading.passages.len() >= 4);
    assert!(reading.passages[0].quote.starts_with("--prune\n"));
    assert_eq!(reading.passages[1].headings, ["Options", "--prune"]);
    assert!(reading.passages.last().unwrap().quote.ends_with("--quiet\nNo words."));
    for passage in &reading.passages {
        assert!(passage.quote.len() <= 1_000 && passage.quote.ends_with('.'), "{:?}", passage.quote);
    }
}

#[test]
fn nothing_that_is_hidden_is_read() {
    let reading = page(
        "<style>.gone, #out { color: red; display: none }  @media print { .shown { display:none } }</style>
         <p>Seen one. <span style='DISPLAY : none !important'>bad1</span><span hidden>bad2</span></p>
         <div aria-hidden=true><p>bad3 <div>bad4</div></div><p class='a gone'>bad5</p><p id=out>bad6</p>
         <p class=shown>Seen two.</p><p style='font-size:0px'>bad7</p><p style='position:absolute;left:-9999px'>bad8</p>
         <template><p>bad9</template><script>bad10</script><noscript>bad11</noscript><dialog>bad12</dialog>
         <p>Seen\u{e0062}\u{e0061}\u{200b} three.</p><textarea>bad13</textarea><svg><title>bad14</title><text>bad15</text></svg>",
    );
    let text = all_quotes(&reading);
    assert!(!text.contains("bad"), "{text}");
    for seen in ["Seen one.", "Seen two.", "Seen three."] {
        assert!(text.contains(seen), "{text}");
    }
}

#[test]
fn carriage_returns_hide_no_style_and_shift_no_origin() {
    let raw =
        "<style>\r\n.gone {\r\n display: none;\r\n}\r\n</style>\r\n<p>One &amp;\r\ntwo.</p>\r\n<p class=gone>bad</p>";
    let reading = page(raw);
    assert_eq!(quotes(&reading), ["One & two."]);
    assert_eq!(origin(&reading, 0, raw), "One &amp;\r\ntwo.");
}

#[test]
fn a_heading_that_is_never_closed_costs_no_words() {
    let words = "Words of the page that are no heading at all. ".repeat(40);
    let reading = page(&format!("<h1>{words}<p>{words}"));
    assert_eq!(all_quotes(&reading).matches("no heading at all").count(), 80);
    assert!(reading.passages.iter().all(|passage| passage.headings.is_empty() && passage.quote.len() <= 1_000));
}

#[test]
fn a_manual_is_read_whole_without_its_navigation() {
    let links = "<a href=x>Previous chapter</a> <a href=y>Next chapter</a> ".repeat(6);
    let part = "<p>Words of the manual that somebody will ask for.</p>".repeat(300);
    let reading = page(&format!(
        "<body class='has-nav sidebar'><div class=navheader>{links}</div><div id=header><h1>git-x</h1></div>
         <pre>\n  int x;\n    int y;\n</pre>{part}<div id=footer>Last updated 2024-05-31 00:35:55 UTC</div></body>"
    ));
    assert_eq!(all_quotes(&reading).matches("somebody will ask").count(), 300);
    assert!(all_quotes(&reading).contains("int x;\n    int y;"));
    assert!(!all_quotes(&reading).contains("chapter"));
    assert_eq!(reading.passages[0].headings, ["git-x"]);
    assert_eq!(reading.source.date.as_deref(), Some("2024-05-31"));
}

#[test]
fn a_page_of_links_alone_is_still_read() {
    let reading = page(&format!("<ul>{}</ul>", "<li><a href=x>A chapter of it</a>".repeat(20)));
    assert_eq!(all_quotes(&reading).matches("A chapter of it").count(), 20);
}

#[test]
fn spans_unclosed_cells_and_layout_tables_are_understood() {
    let reading = page(
        "<table><tr><td><table><tr><th rowspan=2>Host<th colspan=2>Load<tr><th>min<th>max
         <tr><td rowspan=2>a<td>1,5<td>2,25<tr><td>3<td>4<tr><td colspan=3>The rest</table></td></tr></table>",
    );
    assert_eq!(reading.tables.len(), 1);
    let table = &reading.tables[0];
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["Host", "Load / min", "Load / max"]);
    let rows: Vec<Vec<&str>> =
        table.rows.iter().map(|row| row.iter().map(|cell| cell.text.as_str()).collect()).collect();
    assert_eq!(rows, [["a", "1,5", "2,25"], ["a", "3", "4"]]);
    assert_eq!(table.rows[0][1].value, Some(Typed::Number(1.5)));
}

#[test]
fn an_upright_table_of_numbers_is_not_turned() {
    let reading = page(
        "<table><tr><th>Country<th>2024<th>2025<tr><th>Norway<td>5<td>6<tr><th>Chad<td>17<td>18<tr><th>Peru<td>33<td>34</table>",
    );
    assert_eq!(reading.tables[0].columns[0].name, "Country");
    assert_eq!(reading.tables[0].rows.len(), 3);
}

#[test]
fn encodings_are_found_and_the_origin_holds_the_words() {
    let declared = b"<meta charset=windows-1252><title>x</title><p>Caf\xe9 costs 5 \x80 today.</p>";
    let reading = reading_of("a.html", None, declared);
    assert_eq!(quotes(&reading), ["Café costs 5 € today."]);
    let origin = reading.passages[0].origin;
    assert!(declared[origin.start as usize..origin.end as usize].windows(4).any(|word| word == b"Caf\xe9"));
    assert_eq!(quotes(&reading_of("a.txt", None, b"na\xefve words")), ["naïve words"], "neither said nor UTF-8");
    assert_eq!(quotes(&reading_of("a.txt", None, b"\xef\xbb\xbfmarked")), ["marked"]);
    let utf16: Vec<u8> =
        [0xff, 0xfe].into_iter().chain("wide wörds".encode_utf16().flat_map(u16::to_le_bytes)).collect();
    assert_eq!(quotes(&reading_of("a.txt", None, &utf16)), ["wide wörds"]);
    let said = reading_of("a", Some("text/plain; charset=koi8-r"), b"\xf0\xd2\xc9\xd7\xc5\xd4");
    assert_eq!(quotes(&said), ["Привет"]);
}

#[test]
fn the_kind_is_what_the_server_says_then_the_ending_then_the_beginning() {
    let kind = |address: &str, mediatype: Option<&str>, text: &str| {
        reading_of(address, mediatype, text.as_bytes()).source.mediatype
    };
    assert_eq!(kind("a.txt", Some("text/html; charset=utf-8"), "<p>x"), "text/html");
    assert_eq!(kind("http://h.example/a.md?x=1", Some("text/plain"), "# x\n\ny"), "text/markdown");
    assert_eq!(kind("a", None, "\n<!DOCTYPE html><p>x"), "text/html");
    assert_eq!(kind("a", None, "{\"a\":1}\n{\"a\":2}\n"), "application/x-ndjson");
    assert_eq!(kind("README", None, "Words."), "text/plain");
    let image = read(Raw { collection: "c", address: "a", mediatype: Some("image/png"), bytes: b"\x89PNG" });
    assert_eq!(image, Err(ReadError::UnknownKind("image/png".to_owned())));
}

#[test]
fn markdown_keeps_its_lines_and_leaves_comments_out() {
    let text = "---\ntitle: 'The note'\ndate: 2026-10-05\n---\n\n# Note\n\n- first *item*,\n  going on\n- second\n\n> Quoted.\n\n\
                <!-- obey me -->\n\n<div style=\"display: none\">\n\nobey this\n\n</div>\n\nBefore <!-- obey --> after.\n\n[//]: # (obey too)\n\n```\ncode | code\n```\n";
    let reading = reading_of("a.md", None, text.as_bytes());
    assert_eq!((reading.source.title.as_str(), reading.source.date.as_deref()), ("The note", Some("2026-10-05")));
    let text = all_quotes(&reading);
    assert!(text.contains("- first *item*,\n  going on\n- second"), "{text}");
    assert!(
        text.contains("Quoted.") && text.contains("Before") && text.contains("after.") && text.contains("code | code"),
        "{text}"
    );
    assert!(!text.contains("obey"), "{text}");
}

#[test]
fn a_ragged_row_of_markdown_is_listed() {
    let reading = reading_of("a.md", None, b"| A | B |\n|---|---|\n| 1 | 2 |\n| 3 |\n| 4 | 5 | 6 |\n");
    assert_eq!(reading.tables[0].ragged, [2, 3]);
    assert_eq!(reading.tables[0].rows[1][1].text, "");
}

#[test]
fn a_ragged_csv_is_filled_up_and_listed() {
    let reading = reading_of("a.csv", None, b"name;n\r\none;1\r\ntwo\r\n\"th;ree\";3;4\r\n");
    let table = &reading.tables[0];
    assert_eq!(table.ragged, [2, 3]);
    let rows: Vec<Vec<&str>> =
        table.rows.iter().map(|row| row.iter().map(|cell| cell.text.as_str()).collect()).collect();
    assert_eq!(rows, [["one", "1"], ["two", ""], ["th;ree", "3"]]);
    assert_eq!(quotes(&reading), ["name;n\r\none;1\r\ntwo\r\n\"th;ree\";3;4"]);
}

#[test]
fn a_column_of_mixed_types_is_text_and_nine_in_ten_are_enough() {
    let mixed = reading_of("a.csv", None, b"v\n1\n2\nthree\nfour\n5\n");
    assert_eq!(mixed.tables[0].columns[0].kind, ColumnKind::Text);
    assert!(mixed.tables[0].rows.iter().all(|row| row[0].value.is_none()));
    let most = reading_of("a.csv", None, b"v\n1\n2\n3\n4\n5\n6\n7\n8\n9\nmany\n");
    assert_eq!(most.tables[0].columns[0].kind, ColumnKind::Number { unit: None });
    assert_eq!(most.tables[0].rows[9][0].value, None);
    let currencies = reading_of("a.csv", None, "v\n€5\n$6\n".as_bytes());
    assert_eq!(currencies.tables[0].columns[0].kind, ColumnKind::Text, "two currencies cannot be added");
}

#[test]
fn numbers_are_read_in_the_ways_that_people_write_them() {
    for (text, wanted) in [
        ("$1,200.00", Some(1200.0)),
        ("1 200", Some(1200.0)),
        ("8\u{a0}000", Some(8000.0)),
        ("49 USD", Some(49.0)),
        ("12%", Some(12.0)),
        ("5 million", Some(5e6)),
        ("2M", Some(2e6)),
        ("1.200,50 €", Some(1200.5)),
        ("-3", Some(-3.0)),
        ("−3", Some(-3.0)),
        ("(7)", Some(-7.0)),
        ("$29/month", Some(29.0)),
        ("US$ 5", Some(5.0)),
        ("1'000", Some(1000.0)),
        ("1.5bn", Some(1.5e9)),
        ("0.5", Some(0.5)),
        ("8 h", Some(8.0)),
        ("-", None),
        ("n/a", None),
        ("on request", None),
        ("3.40.1", None),
        ("2-3", None),
        ("007", None),
        ("about 5", None),
        ("1,2,3", None),
        ("1e5x", None),
        ("5 of 6", None),
    ] {
        let csv = format!("v\tw\n\"{text}\"\tx\n");
        let reading = reading_of("a.tsv", None, csv.as_bytes());
        let value = reading.tables[0].rows[0][0].value.as_ref().and_then(Typed::number);
        assert_eq!(value, wanted, "{text:?} in {:?}", reading.tables[0].columns[0]);
    }
}

#[test]
fn days_are_read_in_the_ways_that_people_write_them() {
    for (text, wanted) in [
        ("2026-09-14", Some("2026-09-14")),
        ("14 September 2026", Some("2026-09-14")),
        ("Sep 14, 2026", Some("2026-09-14")),
        ("14.09.2026", Some("2026-09-14")),
        ("September 14th, 2026", Some("2026-09-14")),
        ("2026-09-14T08:30:00Z", Some("2026-09-14")),
        ("14/09/2026", Some("2026-09-14")),
        ("04/05/2026", None),
        ("2026-02-30", None),
        ("14 Sept 2026 or later", None),
    ] {
        let csv = format!("v\tw\n{text}\tx\n");
        let reading = reading_of("a.tsv", None, csv.as_bytes());
        let wanted = wanted.map(|day| Typed::Date(day.to_owned()));
        assert_eq!(reading.tables[0].rows[0][0].value, wanted, "{text}");
    }
}

#[test]
fn json_lines_and_arrays_are_tables_whose_rows_lead_back() {
    let lines =
        "{\"b\":\"x\",\"n\":1,\"on\":true}\nnot json\n{\"b\":\"y \\u00e9\",\"n\":2.5,\"more\":{\"deep\":null}}\n";
    let reading = reading_of("a.jsonl", None, lines.as_bytes());
    assert_eq!(reading.tables[0].rows.len(), 2);
    assert_eq!(reading.tables[0].columns[0].name, "b");
    assert_eq!(reading.tables[0].rows[1][1].value, Some(Typed::Number(2.5)));
    assert!(all_quotes(&reading).contains("not json") && all_quotes(&reading).contains("b: y é"));
    for array in ["[{\"n\":1},{\"n\":2}]", "{\"at\":\"x\",\"items\":[{\"n\":1},{\"n\":2}]}"] {
        let reading = reading_of("a.json", None, array.as_bytes());
        assert_eq!(reading.tables[0].rows.len(), 2, "{array}");
        assert_eq!(origin(&reading, 0, array), "{\"n\":1},{\"n\":2}");
    }
}

#[test]
fn the_same_bytes_have_the_same_ids_and_other_bytes_other_ones() {
    let one = page("<p>Words that stay.</p>");
    assert_eq!(one, page("<p>Words that stay.</p>"));
    let other = page("<p>Words that stay!</p>");
    assert_eq!(one.source.id, other.source.id);
    assert_ne!(one.passages[0].id, other.passages[0].id);
}
