//! Owns what is found: every quote with its source and text, other scripts, tables, and nothing where nothing is said.
//! Never a score: the figure of `make eval` says how well it ranks.
//! Next: `engine::corpus::library`.

use std::path::Path;
use std::sync::Arc;

use contract::Artifacts;
use contract::artifact::fetch;
use contract::documents::{PassageId, Source};
use engine::corpus::library::{ByWords, Weights};
use engine::corpus::{Found, Library, Query, ingest};
use testkit::memory::MemoryArtifacts;

use super::readings::{addresses, ask, publish, query, reading};

async fn samples() -> anyhow::Result<Arc<dyn Artifacts>> {
    let store: Arc<dyn Artifacts> = Arc::new(MemoryArtifacts::new());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../compose/samples/pricing");
    let ingested = ingest(&folder, "pricing", &store, &engine::corpus::ingest::quiet()).await?;
    assert!(ingested.failed.is_empty() && ingested.read > 15, "{ingested:?}");
    Ok(store)
}

async fn text_of(source: &Source, store: &Arc<dyn Artifacts>) -> anyhow::Result<String> {
    let text = source.text.as_ref().ok_or_else(|| anyhow::anyhow!("{} has no text", source.address))?;
    Ok(String::from_utf8(fetch(&**store, text).await?)?)
}

#[tokio::test]
async fn every_quote_stands_in_the_stored_text_of_its_source() -> anyhow::Result<()> {
    let store = samples().await?;
    let library = Library::new();
    for question in [
        "Which customers left over a surprise bill?",
        "monthly price of Heronpost Flock",
        "EU data residency",
        "overage per million",
    ] {
        let found = ask(&library, &store, "pricing", question).await?;
        assert!(!found.passages.is_empty(), "{question}");
        for passage in &found.passages {
            let source = found.sources.iter().find(|source| source.id == passage.source);
            let source = source.ok_or_else(|| anyhow::anyhow!("{} has no source", passage.id))?;
            assert!(passage.stands_in(&text_of(source, &store).await?), "{}: {}", source.address, passage.quote);
            assert!((0.0..=1.0).contains(&passage.relevance));
        }
        for table in &found.tables {
            let is_here = |id: &PassageId| found.passages.iter().any(|passage| passage.id == *id);
            assert!(table.passages.iter().all(is_here), "rows of {} lead nowhere", table.title);
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_question_that_no_source_speaks_of_finds_nothing() -> anyhow::Result<()> {
    let store = samples().await?;
    let library = Library::new();
    for question in [
        "How long must sourdough bread prove at high altitude?",
        "xyzzy plugh frobnicate",
        "Which vaccine protects toddlers against measles?",
        "What is it and why is it so?",
        "富士山の高さは何メートルですか。",
        "?",
    ] {
        let found = ask(&library, &store, "pricing", question).await?;
        let quotes: Vec<_> = found.passages.iter().map(|passage| &passage.quote).collect();
        assert!(quotes.is_empty() && found.tables.is_empty() && found.sources.is_empty(), "{question}: {quotes:?}");
        assert_eq!(found.versions, [("pricing".to_owned(), 1)]);
    }
    Ok(())
}

#[tokio::test]
async fn a_table_is_found_by_its_columns_with_its_types() -> anyhow::Result<()> {
    let store = samples().await?;
    let found =
        ask(&Library::new(), &store, "pricing", "Which segment has the lowest willingness to pay a month?").await?;
    let table = found.tables.first().ok_or_else(|| anyhow::anyhow!("no table was found"))?;
    assert!(table.columns.iter().any(|column| column.is_numeric()), "{:?}", table.columns);
    let source = found.sources.iter().find(|source| source.id == table.source);
    assert_eq!(source.map(|source| source.address.as_str()), Some("churn-survey.csv"));
    Ok(())
}

#[tokio::test]
async fn the_same_content_gives_the_same_results_however_it_was_built() -> anyhow::Result<()> {
    let plain = |found: Found| serde_json::to_value((found.passages, found.tables));
    let whole = samples().await?;
    let pieces: Arc<dyn Artifacts> = Arc::new(MemoryArtifacts::new());
    publish(&pieces, "pricing", &[("gone.md", "# Gone\n\nPrices of plans that nobody remembers, in dollars.\n")])
        .await?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../compose/samples/pricing");
    ingest(&folder.join("notes"), "pricing", &pieces, &engine::corpus::ingest::quiet()).await?;
    ingest(&folder, "pricing", &pieces, &engine::corpus::ingest::quiet()).await?;
    for question in ["Research competitive pricing for our new product", "outliers of monthly price", "churn"] {
        let once = plain(ask(&Library::new(), &whole, "pricing", question).await?)?;
        assert_eq!(once, plain(ask(&Library::new(), &whole, "pricing", question).await?)?);
        assert_eq!(once, plain(ask(&Library::new(), &pieces, "pricing", question).await?)?, "{question}");
    }
    Ok(())
}

#[tokio::test]
async fn which_of_many_equal_passages_is_found_does_not_depend_on_their_order() -> anyhow::Result<()> {
    let store: Arc<dyn Artifacts> = Arc::new(MemoryArtifacts::new());
    let page = "# Refunds\n\nRefunds are paid within fourteen days.\n";
    let mut readings = Vec::new();
    for number in 0..900 {
        readings.push(reading("web", &format!("https://moltbus.example/{number}.md"), page)?);
    }
    let query = query("", "When are refunds paid?");
    let found = Library::among(&query, readings.clone(), &store).await?;
    readings.reverse();
    assert_eq!(found, Library::among(&query, readings, &store).await?);
    assert_eq!(found.passages.len(), 1);
    Ok(())
}

#[tokio::test]
async fn any_script_is_found() -> anyhow::Result<()> {
    let store: Arc<dyn Artifacts> = Arc::new(MemoryArtifacts::new());
    let all = [
        ("ja.md", "# 料金\n\nチームプランの料金は月額四千円です。請求は毎月一日に行われます。\n"),
        ("zh.md", "# 数据\n\n欧洲的数据存储在法兰克福的机房中。\n"),
        ("ko.md", "# 환불\n\n환불은 구매 후 십사일 이내에 가능합니다.\n"),
        ("ru.md", "# Тарифы\n\nСкидка для студентов составляет половину цены.\n"),
        ("el.md", "# Τιμές\n\nΗ έκπτωση ισχύει για φοιτητές.\n"),
        ("ar.md", "# الأسعار\n\nالخصم متاح للطلاب فقط.\n"),
        ("hi.md", "# मूल्य\n\nछात्रों के लिए छूट उपलब्ध है।\n"),
        ("th.md", "# ราคา\n\nส่วนลดสำหรับนักเรียนมีครึ่งราคา\n"),
        ("de.md", "# Preise\n\nStudierende erhalten fünfzig Prozent Ermäßigung.\n"),
    ];
    publish(&store, "worlds", &all).await?;
    let library = Library::new();
    for (question, address) in [
        ("チームプランの料金はいくらですか", "ja.md"),
        ("数据存储在哪里", "zh.md"),
        ("환불 기간", "ko.md"),
        ("скидка студентов", "ru.md"),
        ("ΕΚΠΤΩΣΗ φοιτητες", "el.md"),
        ("الخصم للطلاب", "ar.md"),
        ("छात्रों छूट", "hi.md"),
        ("ส่วนลดนักเรียน", "th.md"),
        ("ermassigung studierende ERMÄSSIGUNG Ermäßigung", "de.md"),
    ] {
        let found = ask(&library, &store, "worlds", question).await?;
        assert_eq!(addresses(&found).first(), Some(&address), "{question}");
    }
    Ok(())
}

#[tokio::test]
async fn what_two_sources_say_in_the_same_words_is_found_once() -> anyhow::Result<()> {
    let store: Arc<dyn Artifacts> = Arc::new(MemoryArtifacts::new());
    let text = "# Limits\n\nThe limit of uploads is forty files an hour, and nobody may raise it.\n";
    publish(&store, "plans", &[("a.md", text), ("b.md", text)]).await?;
    let found = ask(&Library::new(), &store, "plans", "limit of uploads").await?;
    assert_eq!(addresses(&found).len(), 1);
    Ok(())
}

#[tokio::test]
async fn several_collections_are_asked_as_one() -> anyhow::Result<()> {
    let store: Arc<dyn Artifacts> = Arc::new(MemoryArtifacts::new());
    publish(&store, "default", &[("a.md", "# Herons\n\nHerons stand still in shallow water.\n")]).await?;
    publish(&store, "web", &[("b.md", "# Egrets\n\nEgrets stand in water near herons.\n")]).await?;
    let library = Library::new();
    let both = Query {
        collections: ["default", "nowhere", "web", "web"].map(String::from).to_vec(),
        ..query("", "Where do herons stand?")
    };
    let found = library.search(&both, &store).await?;
    assert_eq!(addresses(&found).len(), 2);
    assert_eq!(found.versions, [("default".to_owned(), 1), ("web".to_owned(), 1)]);
    assert_eq!(found.unknown, ["nowhere"]);
    let named_none = Query { collections: vec![], ..both };
    assert_eq!(addresses(&library.search(&named_none, &store).await?), ["a.md"]);
    Ok(())
}

#[tokio::test]
async fn readings_of_no_collection_are_asked_like_those_of_one() -> anyhow::Result<()> {
    let store: Arc<dyn Artifacts> = Arc::new(MemoryArtifacts::new());
    let page = "# Refunds\n\nRefunds are paid within fourteen days.\n\n# Weather\n\nIt rained all week.\n";
    let readings = vec![reading("web", "https://moltbus.example/refunds.md", page)?];
    let found = Library::among(&query("", "When are refunds paid?"), readings, &store).await?;
    assert_eq!(found.passages.len(), 1);
    assert!(found.passages[0].stands_in(&text_of(&found.sources[0], &store).await?));
    Ok(())
}

#[tokio::test]
async fn a_question_of_a_megabyte_is_asked_by_its_first_words() -> anyhow::Result<()> {
    let store = samples().await?;
    let library = Library::ranking(vec![Arc::new(ByWords::with(Weights::default()))]);
    let question = format!("monthly price of Heronpost Flock {}", "padding ".repeat(130_000));
    assert!(!ask(&library, &store, "pricing", &question).await?.passages.is_empty());
    Ok(())
}
