//! The four agents as processes over the stand-in: the sample, and what people send that nobody hoped for.
//! Never a number that was copied: what is expected is computed here, from the sample's files.
//! Next: `outside.rs` runs the sample against servers that nobody here wrote.

use std::collections::BTreeMap;
use std::fs;

use anyhow::Context as _;
use contract::documents::{Analysed, Statistic};
use embedded_cloud::{EmbeddedCloud, Options};
use processes::sample::{self, Outcome};
use processes::{Flock, Site, Wish};
use runtime::ports::Ports;
use serde_json::json;
use tempfile::TempDir;

struct Scene {
    cloud: EmbeddedCloud,
    site: Site,
    ports: Ports,
    flock: Flock,
}

impl Scene {
    async fn start() -> anyhow::Result<Scene> {
        let cloud = EmbeddedCloud::start(Options::in_memory()).await?;
        let site = Site::at(cloud.endpoint())?;
        site.provision().await?;
        let ports = site.ports().await?;
        let flock = Flock::start_agents(&site).await?;
        Ok(Scene { cloud, site, ports, flock })
    }

    async fn outcome(&self, wish: &Wish) -> anyhow::Result<Outcome> {
        wish.send(&self.ports, &self.site.choreography).await?;
        Outcome::of(wish, &self.ports).await
    }

    async fn end(self) -> anyhow::Result<()> {
        self.flock.drain().await?;
        self.cloud.stop().await;
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_numbers_of_the_samples_report_are_right() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let told = sample::ingest(&scene.ports).await?;
    anyhow::ensure!(told.failed.is_empty() && told.read == 19, "{told:?}");
    let outcome = scene.outcome(&Wish::of("sample", sample::GOAL)).await?;
    let prices = column("plans.csv", "monthly_price_usd")?;
    for (statistic, wanted) in [
        (Statistic::Min, prices[0]),
        (Statistic::Median, median(&prices)),
        (Statistic::Max, prices[prices.len() - 1]),
        (Statistic::Count, prices.len() as f64),
    ] {
        assert_eq!(metric(&outcome.analysed, "plans.csv", "monthly_price_usd", statistic, &[]), Some(wanted));
    }
    for (segment, answers) in by_group("churn-survey.csv", "segment", "willingness_to_pay_usd")? {
        let found = metric(
            &outcome.analysed,
            "churn-survey.csv",
            "willingness_to_pay_usd",
            Statistic::Median,
            &[("segment", &segment)],
        );
        assert_eq!(found, Some(median(&answers)), "{segment}");
    }
    let shown = format!("{}", median(&prices));
    assert!(outcome.report.contains(&shown), "{shown} is not in the report:\n{}", outcome.report);
    assert!(outcome.done.missing.is_empty());
    reads_well(&outcome);
    let names: Vec<&str> = outcome.written.attachments.iter().filter_map(|file| file.name.as_deref()).collect();
    assert!(names.contains(&"report.html") && names.contains(&"table-plans.csv"), "{names:?}");
    assert!(!outcome.advice.recommendations.is_empty());
    scene.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_planted_in_the_sample_is_shown() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    sample::ingest(&scene.ports).await?;
    let outcome = scene.outcome(&Wish::of("sample", sample::GOAL)).await?;
    let conflicts = format!("{:?}", outcome.analysed.conflicts);
    assert!(conflicts.contains("49") && conflicts.contains("59"), "Heronpost's two prices: {conflicts}");
    let advice = format!("{:?}", outcome.advice);
    for hidden in ["AI ASSISTANTS", "cheapest vendor", "169.254", "$199 per month"] {
        assert!(!outcome.report.contains(hidden) && !advice.contains(hidden), "{hidden}:\n{}", outcome.report);
    }
    scene.end().await
}

/// A reader's first demands: answers under the questions that they answer, nothing said twice, a summary that says something.
fn reads_well(outcome: &Outcome) {
    let Outcome { report, analysed, written, .. } = outcome;
    let statements: Vec<&str> = analysed.findings.iter().map(|finding| finding.statement.as_str()).collect();
    for idle in ["Last changed", "contact sales", "touches the question", "You will love it"] {
        assert!(statements.iter().all(|statement| !statement.contains(idle)), "{idle}: {statements:#?}");
    }
    let headings: Vec<&str> = report.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    assert!(headings.iter().all(|heading| !heading.contains(": what") && !heading.contains(": how")), "{headings:#?}");
    for statement in &statements {
        let said = report.matches(&**statement).count();
        assert!(said <= 4, "{said} times: {statement}\n{report}");
    }
    let answered = analysed.questions.iter().filter(|question| {
        analysed.findings.iter().any(|finding| finding.question.as_ref() == Some(*question))
            || analysed.gaps.iter().any(|gap| gap.question == **question)
    });
    assert_eq!(answered.count(), analysed.questions.len(), "each is answered or named as open: {report}");
    assert!(written.summary.contains(" questions: ") && analysed.summary.len() > 200, "{}", written.summary);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_matter_is_answered_from_its_own_tables_and_notes() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let told = sample::ingest_folder(&sample::broker_folder(), &scene.ports).await?;
    anyhow::ensure!(told.failed.is_empty() && told.read == 7, "{told:?}");
    let outcome = scene.outcome(&Wish::of("broker", sample::BROKER_GOAL)).await?;
    reads_well(&outcome);
    let runs = fs::read_to_string(sample::broker_folder().join("benchmark.csv"))?;
    for broker in ["Foxglove", "Larkspur", "Sorrel", "Teasel"] {
        let own = runs.lines().map(|line| line.split(',').collect::<Vec<_>>()).filter(|cells| cells[0] == broker);
        let latencies = sorted(own.map(|cells| cells[2].parse::<f64>()).collect::<Result<_, _>>()?);
        let found =
            metric(&outcome.analysed, "benchmark.csv", "p99_latency_ms", Statistic::Median, &[("broker", broker)]);
        assert_eq!(found, Some(median(&latencies)), "{broker}");
    }
    let advice = format!("{:?}", outcome.advice);
    let wanted = ["Prefer Larkspur where latency decides", "4.2 ms", "Leave out Teasel, which is no longer maintained"];
    for wanted in wanted.into_iter().chain(["licence read"]) {
        assert!(advice.contains(wanted), "{wanted}: {advice}");
    }
    scene.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_goal_that_no_source_answers_ends_without_an_invented_answer() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let empty = scene.outcome(&Wish::of("no sources", "Research the moons of Jupiter")).await?;
    sample::ingest(&scene.ports).await?;
    let beside = scene.outcome(&Wish::of("other sources", "Research the moons of Jupiter")).await?;
    let foreign = scene.outcome(&Wish::of("other script", "木星の衛星について調べて")).await?;
    for outcome in [empty, beside, foreign] {
        assert!(outcome.analysed.findings.is_empty(), "{:?}", outcome.analysed.findings);
        assert!(outcome.report.to_lowercase().contains("no evidence"), "{}", outcome.report);
        assert!(outcome.advice.recommendations.is_empty(), "{:?}", outcome.advice);
    }
    scene.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_words_that_are_known_are_no_evidence_about_something_else_and_alone_they_are_answered()
-> anyhow::Result<()> {
    let scene = Scene::start().await?;
    sample::ingest(&scene.ports).await?;
    let espresso = scene.outcome(&Wish::of("espresso", "Research prices of espresso machines")).await?;
    assert!(espresso.analysed.findings.is_empty(), "{:?}", espresso.analysed.findings);
    assert!(espresso.report.to_lowercase().contains("no evidence"), "{}", espresso.report);
    assert!(espresso.report.contains("No source mentions “espresso”"), "{}", espresso.report);
    let cheapest = scene.outcome(&Wish::of("cheapest", "Which vendor is cheapest?")).await?;
    let answer = "The lowest monthly price (plans.csv) is $9: Pebblerelay Solo. Next is Thistlebroker Sprout at $12.";
    assert!(cheapest.analysed.findings.iter().any(|finding| finding.statement == answer), "{}", cheapest.report);
    assert!(cheapest.analysed.summary.contains("Pebblerelay Solo"), "{}", cheapest.analysed.summary);
    scene.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_inside_the_house_is_refused_and_named() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    sample::ingest(&scene.ports).await?;
    let inward = "http://169.254.169.254/latest/meta-data/";
    let outcome = scene.outcome(&Wish::of("inward", sample::GOAL).with("sources", json!([inward]))).await?;
    assert!(outcome.analysed.missed.iter().any(|missed| missed.what == inward), "{:?}", outcome.analysed.missed);
    assert!(!outcome.analysed.findings.is_empty());
    scene.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_that_does_not_exist_is_named() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let wish = Wish::of("unknown", sample::GOAL).with("collections", json!(["nowhere"]));
    let outcome = scene.outcome(&wish).await?;
    let named = outcome.analysed.missed.iter().any(|missed| missed.what.contains("nowhere"));
    assert!(named, "{:?}", outcome.analysed.missed);
    scene.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_of_a_collection_is_found_without_a_restart() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let folder = TempDir::new()?;
    fs::write(folder.path().join("one.md"), "# Espresso\n\nThe Ristretto 9 espresso machine costs 900 USD.\n")?;
    sample::ingest_folder(folder.path(), &scene.ports).await?;
    let goal = "Research prices of espresso machines";
    let first = scene.outcome(&Wish::of("first", goal)).await?;
    assert!(first.report.contains("Ristretto 9"), "{}", first.report);
    fs::write(folder.path().join("two.md"), "# Espresso\n\nThe Lungo 4 espresso machine costs 400 USD.\n")?;
    fs::remove_file(folder.path().join("one.md"))?;
    let told = sample::ingest_folder(folder.path(), &scene.ports).await?;
    assert_eq!((told.read, told.removed), (1, 1));
    let second = scene.outcome(&Wish::of("second", goal)).await?;
    assert!(second.report.contains("Lungo 4") && !second.report.contains("Ristretto 9"), "{}", second.report);
    scene.end().await
}

fn metric(analysed: &Analysed, file: &str, column: &str, statistic: Statistic, group: &[(&str, &str)]) -> Option<f64> {
    let group: BTreeMap<String, String> = group.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    let source = analysed.sources.iter().find(|source| source.address == file)?;
    let tables: Vec<_> =
        analysed.tables.iter().filter(|table| table.source == source.id).map(|table| &table.id).collect();
    let found = analysed.metrics.iter().find(|metric| {
        tables.contains(&&metric.table)
            && metric.column == column
            && metric.statistic == statistic
            && metric.group == group
    });
    found.map(|metric| metric.value)
}

fn rows(file: &str) -> anyhow::Result<Vec<BTreeMap<String, String>>> {
    let mut reader = csv::Reader::from_path(sample::folder().join(file))?;
    Ok(reader.deserialize().collect::<Result<_, _>>()?)
}

/// The column's numbers, sorted.
fn column(file: &str, name: &str) -> anyhow::Result<Vec<f64>> {
    let all = by_group(file, name, name)?.into_values().flatten();
    Ok(sorted(all.collect()))
}

fn by_group(file: &str, by: &str, of: &str) -> anyhow::Result<BTreeMap<String, Vec<f64>>> {
    let mut groups = BTreeMap::<String, Vec<f64>>::new();
    for row in rows(file)? {
        let cell = row.get(of).with_context(|| format!("{file} has no {of}"))?;
        if let Ok(number) = cell.parse::<f64>() {
            groups.entry(row[by].clone()).or_default().push(number);
        }
    }
    Ok(groups.into_iter().map(|(name, numbers)| (name, sorted(numbers))).collect())
}

fn sorted(mut numbers: Vec<f64>) -> Vec<f64> {
    numbers.sort_by(f64::total_cmp);
    numbers
}

fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) }
}
