//! Owns the proof that no input hurts: broken, hostile, enormous or odd files end in a reading or in a named error.
//! Never a long test: sizes are as large as their point needs.
//! Next: `ingest_folder` has what is odd about folders.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::io::Write as _;
use std::time::Duration;

use tokio::time::Instant;

use engine::corpus::{Raw, ReadError, Reading, read};
use proptest::prelude::*;

fn try_read(address: &str, bytes: &[u8]) -> Result<Reading, ReadError> {
    let begun = Instant::now();
    let reading = read(Raw { collection: "default", address, mediatype: None, bytes });
    assert!(begun.elapsed() < Duration::from_secs(60), "{address} took {:?}", begun.elapsed());
    if let Ok(reading) = &reading {
        assert_sound(reading, bytes.len());
    }
    reading
}

fn assert_sound(reading: &Reading, bytes: usize) {
    assert!(!reading.passages.is_empty());
    for passage in &reading.passages {
        assert!(passage.stands_in(&reading.text), "{passage:?}");
        assert!(!passage.quote.trim().is_empty());
        assert!(
            passage.origin.start <= passage.origin.end && passage.origin.end as usize <= bytes,
            "{:?}",
            passage.origin
        );
    }
    for table in &reading.tables {
        assert_eq!(table.passages.len(), table.rows.len());
        assert!(table.rows.iter().all(|row| row.len() == table.columns.len()));
        assert!(table.passages.iter().all(|id| reading.passages.iter().any(|passage| passage.id == *id)));
    }
}

#[test]
fn what_is_too_large_is_refused_with_its_size() {
    let page = vec![b'x'; 50 << 20];
    assert_eq!(try_read("a.html", &page), Err(ReadError::TooLarge(50 << 20, 32 << 20)));
    assert_eq!(try_read("a.html", &page[..20 << 20]), Err(ReadError::TooLarge(20 << 20, 16 << 20)));
}

#[test]
fn a_million_nested_elements_are_read_without_recursion() {
    let page = format!("{}deep words{}", "<div>".repeat(1_000_000), "</div>".repeat(1_000_000));
    assert_eq!(try_read("a.html", page.as_bytes()).unwrap().passages[0].quote, "deep words");
    let unclosed = format!("<p>top{}", "<blockquote><b></p></i>".repeat(200_000));
    assert!(try_read("a.html", unclosed.as_bytes()).is_ok());
    let tables = format!("{}x", "<table><tr><td>".repeat(100_000));
    assert!(try_read("a.html", tables.as_bytes()).is_ok());
    let nested = format!("{}x", "> ".repeat(50_000));
    let _ = try_read("a.md", nested.as_bytes());
    let brackets = "[".repeat(200_000);
    assert!(try_read("a.json", brackets.as_bytes()).is_ok(), "what is not JSON is still text");
}

#[test]
fn more_elements_than_any_page_has_are_refused() {
    let page = "<p>".repeat(2_000_001);
    assert!(matches!(try_read("a.html", page.as_bytes()), Err(ReadError::Damaged(_))));
}

#[test]
fn spans_that_lie_make_no_table_larger_than_it_is() {
    let page = "<table><tr><th colspan=65535>a<th>b<tr><td rowspan=65535 colspan=60000>1<td>2<tr><td>3<td>4</table>";
    let reading = try_read("a.html", page.as_bytes()).unwrap();
    assert!(reading.tables.iter().all(|table| table.columns.len() <= 256));
}

/// Ten thousand names in each line: what looks for each of them from the start of its line takes minutes.
#[test]
fn records_of_very_many_names_take_no_longer_than_their_size() {
    let fields: Vec<String> = (0..5_000).map(|number| format!("\"n{number}\":1")).collect();
    let line = format!("{{{}}}\n", fields.join(","));
    assert!(line.len() < 64 << 10);
    let begun = Instant::now();
    assert!(try_read("a.jsonl", line.repeat(100).as_bytes()).is_ok());
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn empty_files_say_that_they_are_empty() {
    for (address, bytes) in [
        ("a.md", ""),
        ("a.html", ""),
        ("a.csv", " \n\n"),
        ("a.txt", "\n \t\r\n"),
        ("a.jsonl", "\n"),
        ("a.json", " "),
        ("a.html", "<html><head><title>Only a title</title></head><body><script>x</script></body>"),
        ("a.md", "<!-- x -->"),
    ] {
        assert_eq!(try_read(address, bytes.as_bytes()), Err(ReadError::Empty), "{address} {bytes:?}");
    }
}

#[test]
fn binary_files_are_named_as_such_and_a_few_nul_bytes_are_borne() {
    let binary: Vec<u8> = (0..4096_u32).map(|n| (n * 7 % 256) as u8).collect();
    for address in ["a.bin", "a", "a.txt", "a.html", "a.csv"] {
        assert!(matches!(try_read(address, &binary), Err(ReadError::UnknownKind(_))), "{address}");
    }
    let page = format!("<p>one\0two</p>{}", "<p>Words enough to be a text.</p>".repeat(20));
    assert!(try_read("a.html", page.as_bytes()).unwrap().text.starts_with("onetwo"));
}

#[test]
fn a_monstrous_sentence_is_cut_at_words() {
    let reading = try_read("a.txt", "wordy ".repeat(10_000).as_bytes()).unwrap();
    assert!(reading.passages.len() > 50);
    assert!(reading.passages.iter().all(|passage| passage.quote.len() <= 1_000 && passage.quote.ends_with("wordy")));
    assert!(try_read("a.txt", "x".repeat(100_000).as_bytes()).is_ok());
}

#[test]
fn a_broken_pdf_is_damaged_and_does_not_take_the_reader_with_it() {
    for bytes in [&b"%PDF-1.7\n"[..], b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\ntrailer << /Root 1 0 R >>", b"no pdf"]
    {
        assert!(matches!(try_read("a.pdf", bytes), Err(ReadError::Damaged(_))), "{bytes:?}");
    }
    let mut cut = pdf("Words that were whole.", "");
    cut.truncate(cut.len() / 2);
    assert!(try_read("a.pdf", &cut).is_err());
}

#[test]
fn the_text_of_a_pdf_is_read_and_an_encrypted_one_is_named() {
    let reading = try_read("a.pdf", &pdf("The price of a lantern is nine crowns.", "")).unwrap();
    assert!(reading.passages[0].quote.contains("The price of a lantern is nine crowns."), "{:?}", reading.text);
    let zeros = "00".repeat(32);
    let locked = format!("/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <{zeros}> /U <{zeros}> >> /ID [<00><00>]");
    assert_eq!(try_read("a.pdf", &pdf("Secret words.", &locked)), Err(ReadError::Encrypted));
}

/// A file of two hundred kilobytes, whose only page is two hundred megabytes of nothing.
#[test]
fn a_pdf_that_unpacks_to_a_thousand_times_its_size_is_refused() {
    let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..200 {
        packer.write_all(&[b' '; 1 << 20]).unwrap();
    }
    let packed = packer.finish().unwrap();
    let head = format!("<< /Length {} /Filter /FlateDecode >>\nstream\n", packed.len());
    let content = [head.as_bytes(), &packed, b"\nendstream"].concat();
    let objects = page("", "").into_iter().chain([content, FONT.to_vec()]).collect::<Vec<_>>();
    let refused = try_read("a.pdf", &file(&objects, "")).unwrap_err().to_string();
    assert!(refused.contains("unpack to too much"), "{refused}");
}

#[test]
fn a_pdf_whose_forms_draw_themselves_is_refused() {
    let (content, form) = (stream("", "/Me Do"), stream("/Type /XObject /Subtype /Form /BBox [0 0 9 9]", "/Me Do"));
    let objects = page("/XObject << /Me 6 0 R >>", "").into_iter().chain([content, FONT.to_vec(), form]);
    let refused = try_read("a.pdf", &file(&objects.collect::<Vec<_>>(), "")).unwrap_err().to_string();
    assert!(refused.contains("without end"), "{refused}");
}

#[test]
fn a_pdf_whose_forms_draw_ten_others_each_is_refused() {
    let mut objects = page("/XObject << /Next 6 0 R >>", "");
    objects.extend([stream("", "/Next Do"), FONT.to_vec()]);
    for number in 6..16 {
        let next = format!("/Subtype /Form /Resources << /XObject << /Next {} 0 R >> >>", number + 1);
        objects.push(stream(&next, &"/Next Do ".repeat(10)));
    }
    objects.push(stream("/Subtype /Form", "q Q"));
    let refused = try_read("a.pdf", &file(&objects, "")).unwrap_err().to_string();
    assert!(refused.contains("draw more than"), "{refused}");
}

#[test]
fn a_pdf_whose_pages_are_part_of_each_other_is_refused() {
    let objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 /Parent 3 0 R >>".to_vec(),
        b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R >>".to_vec(),
        stream("", "BT (words) Tj ET"),
    ];
    let refused = try_read("a.pdf", &file(&objects, "")).unwrap_err().to_string();
    assert!(refused.contains("part of each other"), "{refused}");
}

#[test]
fn a_pdf_whose_font_has_more_characters_than_there_are_is_refused() {
    let table = "begincmap 1 beginbfrange <00000000> <FFFFFFFE> <00000041> endbfrange endcmap";
    let font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 6 0 R >>".to_vec();
    let mut objects = page("", "");
    objects.extend([stream("", "BT /F1 12 Tf (words) Tj ET"), font, stream("", table)]);
    let refused = try_read("a.pdf", &file(&objects, "")).unwrap_err().to_string();
    assert!(refused.contains("characters"), "{refused}");
}

/// One page with one line, and more in the trailer.
fn pdf(line: &str, trailer: &str) -> Vec<u8> {
    let mut objects = page("", "");
    objects.extend([stream("", &format!("BT /F1 12 Tf 72 720 Td ({line}) Tj ET")), FONT.to_vec()]);
    file(&objects, trailer)
}

const FONT: &[u8] = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>";

/// The first three objects: its content is the fourth, its font the fifth.
fn page(resources: &str, more: &str) -> Vec<Vec<u8>> {
    let page = format!(
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R \
         /Resources << /Font << /F1 5 0 R >> {resources} >> {more} >>"
    );
    let tree = ["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>", &page];
    tree.map(|object| object.as_bytes().to_vec()).into()
}

fn stream(dictionary: &str, content: &str) -> Vec<u8> {
    format!("<< /Length {} {dictionary} >>\nstream\n{content}\nendstream", content.len()).into_bytes()
}

fn file(objects: &[Vec<u8>], trailer: &str) -> Vec<u8> {
    let mut file = b"%PDF-1.4\n".to_vec();
    let mut places = Vec::new();
    for (number, object) in (1..).zip(objects) {
        places.push(file.len());
        file.extend(format!("{number} 0 obj\n").bytes().chain(object.iter().copied()).chain(*b"\nendobj\n"));
    }
    let xref = file.len();
    file.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).bytes());
    for place in places {
        file.extend(format!("{place:010} 00000 n \n").bytes());
    }
    let size = objects.len() + 1;
    file.extend(format!("trailer\n<< /Size {size} /Root 1 0 R {trailer} >>\nstartxref\n{xref}\n%%EOF\n").bytes());
    file
}

const ADDRESSES: [&str; 8] = ["a.md", "a.txt", "a.html", "a.csv", "a.tsv", "a.json", "a.jsonl", "a"];

/// What readers take apart.
const PARTS: &[&str] = &[
    "<table>",
    "<tr>",
    "<td rowspan=3>",
    "<th colspan=2>",
    "</table>",
    "<p>",
    "</p>",
    "<h2>",
    "</h2>",
    "<pre>",
    "</pre>",
    "<li>",
    "<ul>",
    "</ul>",
    "<dl><dt>",
    "<dd>",
    "</dl>",
    "<a href=x>",
    "</a>",
    "<div hidden>",
    "</div>",
    "<br>",
    "&amp;",
    "&nbsp;",
    "&#x0;",
    "&notit;",
    "&",
    "<!--",
    "-->",
    "<script>",
    "</script>",
    "<title>",
    "<main>",
    "<style>.a{",
    "}",
    "# ",
    "## h\n",
    "- ",
    "> ",
    "| a | b |\n|---|---|\n",
    "| 1 | 2 |\n",
    "```\n",
    "---\n",
    "+++\n",
    "title: x\n",
    "\n",
    "\n\n",
    "\r\n",
    "\r",
    ",",
    ";",
    "\t",
    "\"",
    "\"\"",
    "{\"a\":",
    "1}",
    "[{\"b\":\"c\"}]",
    "\\",
    "é",
    "\u{200b}",
    "漢字",
    "5 million",
    "$1,200.00",
    "2026-09-14",
    "word ",
    "A sentence. ",
    "\u{0}",
    "<",
    ">",
    "=",
    "'",
];

/// Bytes that are nearly of some kind, in any order.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let parts = prop::sample::select(PARTS);
    prop::collection::vec(prop_oneof![9 => parts.prop_map(|part| part.as_bytes().to_vec()), 1 => prop::collection::vec(any::<u8>(), 1..4)], 0..80)
        .prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reading_never_panics_and_every_passage_stands_in_its_text(bytes in nearly(), address in prop::sample::select(ADDRESSES.to_vec())) {
        if let Ok(reading) = read(Raw { collection: "c", address, mediatype: None, bytes: &bytes }) {
            assert_sound(&reading, bytes.len());
        }
    }

    #[test]
    fn arbitrary_bytes_hurt_no_reader(bytes in prop::collection::vec(any::<u8>(), 0..600), address in prop::sample::select(ADDRESSES.to_vec())) {
        if let Ok(reading) = read(Raw { collection: "c", address, mediatype: Some("text/plain; charset=utf-16"), bytes: &bytes }) {
            assert_sound(&reading, bytes.len());
        }
        if let Ok(reading) = read(Raw { collection: "c", address, mediatype: None, bytes: &bytes }) {
            assert_sound(&reading, bytes.len());
        }
    }
}
