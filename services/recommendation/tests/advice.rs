//! Owns the proofs of advice: what rules say of an analysis made by hand, what it rests on, what is left out.
//! Never the analysis agent: its artifact is written here.
//! Next: `rules` has the proofs of rule files.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::io::Write as _;
use std::sync::Arc;

use contract::documents::{
    self, Analysed, Cell, Column, ColumnKind, Conflict, Gap, Metric, Passage, PassageId, Place, Side, Source, SourceId,
    Statistic, Support, Table, TableId, Typed,
};
use contract::events::{AnalysisCompleted, Origin, Priority, RecommendationsMade};
use contract::{Artifacts, Digest, Event, EventData, EventId, GoalId, Tenant, TraceContext, Unit, UnixMs};
use recommendation::{Config, Recommending};
use runtime::replay::Replayed;
use runtime::{Handler, Step};
use testkit::memory::MemoryArtifacts;

const NOW: UnixMs = UnixMs(1_795_000_000_000);

fn passage(id: &str, heading: &str, quote: &str) -> Passage {
    let place = Place::new(0, quote.len());
    let headings = vec![heading.to_owned()];
    Passage {
        id: id.into(),
        source: SourceId("s-1".into()),
        place,
        origin: place,
        headings,
        quote: quote.into(),
        relevance: 0.5,
    }
}

fn metric(id: &str, statistic: Statistic, value: f64, group: &[(&str, &str)]) -> Metric {
    let mut parts = id.split(':');
    let column = parts.nth(2).unwrap().to_owned();
    Metric {
        id: id.into(),
        label: format!("{} (USD)", id.replace([':', '_'], " ")),
        statistic,
        table: TableId("t-1".into()),
        column,
        group: group.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        value,
        unit: Some("USD".into()),
        of: 10,
        evidence: vec!["p-table".into()],
    }
}

fn table(id: &str, title: &str, columns: &[&str], rows: &[&[&str]]) -> Table {
    let cell =
        |text: &&str| Cell { text: (*text).to_owned(), value: text.replace(',', "").parse().ok().map(Typed::Number) };
    Table {
        id: TableId(id.into()),
        source: SourceId("s-1".into()),
        title: title.into(),
        columns: columns.iter().map(|name| Column { name: (*name).to_owned(), kind: ColumnKind::Text }).collect(),
        rows: rows.iter().map(|row| row.iter().map(cell).collect()).collect(),
        passages: rows.iter().map(|_| PassageId(format!("p-{id}"))).collect(),
        ragged: vec![],
        relevance: 0.5,
    }
}

/// Costs, plans without a price, what others ask, what segments would pay, a conflict and a gap.
fn pricing() -> Analysed {
    let segment = |name: &str, value: f64| {
        metric(
            &format!("median:survey.csv:willingness_to_pay:segment={name}"),
            Statistic::Median,
            value,
            &[("segment", name)],
        )
    };
    let side = |says: &str, passage: &str, quote: &str| Side {
        says: says.into(),
        support: Support { passage: passage.into(), quote: quote.into() },
    };
    Analysed {
        goal: "Research competitive pricing for our new product".into(),
        questions: vec!["What do competitors charge?".into()],
        metrics: vec![
            metric("median:survey.csv:willingness_to_pay", Statistic::Median, 57.0, &[]),
            segment("regulated", 97.0),
            segment("agency", 47.0),
        ],
        conflicts: vec![Conflict {
            about: "Heronpost Flock: monthly price".into(),
            sides: vec![
                side("$49: page", "p-page", "Flock $49"),
                side("$59: interview", "p-talk", "Flock is 59 dollars"),
            ],
            leaning: None,
        }],
        gaps: vec![Gap { question: "EU data residency".into(), why: "two sources say that it is not told".into() }],
        sources: vec![Source {
            id: SourceId("s-1".into()),
            address: "a.md".into(),
            collection: "default".into(),
            title: "a".into(),
            date: None,
            mediatype: "text/markdown".into(),
            sha256: Digest::of(b"a"),
            text: None,
        }],
        passages: vec![
            passage("p-table", "", "R01,agency,47"),
            passage("p-page", "", "Flock $49"),
            passage("p-talk", "", "Flock is 59 dollars"),
            passage("p-segment", "Target segment", "Agencies with 3 to 12 developers."),
            passage("p-margin", "Constraints", "Every plan keeps a gross margin of at least 70 percent."),
            passage("p-eu", "", "Nobody knows a price for EU data residency."),
            passage("p-costs", "", "Platform 6.40"),
            passage("p-plans", "", "Roost to be decided"),
            passage("p-market", "", "Team 49"),
        ],
        tables: tables(),
        ..Analysed::default()
    }
}

fn tables() -> Vec<Table> {
    vec![
        table(
            "costs",
            "Cost basis",
            &["Cost", "Amount in USD"],
            &[&["Platform share", "6.40"], &["Delivery", "0.18"], &["EU region", "11"]],
        ),
        table(
            "plans",
            "Planned plans",
            &["Plan", "Included messages", "Price"],
            &[&["Perch", "250,000", "free"], &["Roost", "20,000,000", "to be decided"]],
        ),
        table(
            "market",
            "plans",
            &["plan", "monthly_price_usd", "included_messages"],
            &[&["A", "39", "20000000"], &["B", "49", "25000000"], &["C", "79", "40000000"], &["D", "900", "900000000"]],
        ),
    ]
}

fn event(completed: &AnalysisCompleted) -> Event {
    let goal = GoalId::derive(&Tenant::default(), "a key");
    Event {
        id: EventId::derive(goal, &AnalysisCompleted::TYPE, &Unit::join("evidence")),
        source: contract::Source::CHOREOGRAPHY,
        kind: AnalysisCompleted::TYPE,
        version: 1,
        time: NOW,
        goal,
        goal_key: None,
        causation: None,
        hops: 3,
        deadline: None,
        tenant: Tenant::default(),
        trace: TraceContext::NONE,
        data: serde_json::to_value(completed).unwrap(),
    }
}

async fn made_by(config: &Config, analysed: &Analysed) -> RecommendationsMade {
    let store: Arc<dyn Artifacts> = Arc::new(MemoryArtifacts::new());
    let details = Some(documents::put(&*store, analysed).await.unwrap());
    let completed =
        AnalysisCompleted { goal: analysed.goal.clone(), summary: String::new(), findings: vec![], details };
    let step = Step::rehearsed(event(&completed), store, NOW);
    let handled = Recommending::with(config).handle(completed, &step).await.unwrap();
    let made: RecommendationsMade = Replayed::of(handled).unwrap().emitted().unwrap();
    for one in &made.recommendations {
        assert!(!one.evidence.is_empty() && one.origin == Origin::Rules, "{}", one.title);
        assert!(one.evidence.iter().all(|id| analysed.passage(&PassageId(id.clone())).is_some()));
    }
    made
}

async fn made(named: Option<&str>, analysed: &Analysed) -> RecommendationsMade {
    made_by(&Config::offline(named).unwrap(), analysed).await
}

/// A rule file of one's own.
async fn by_rules(text: &str, analysed: &Analysed) -> RecommendationsMade {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(format!("name = \"mine\"\n{text}").as_bytes()).unwrap();
    made(file.path().to_str(), analysed).await
}

#[tokio::test]
async fn a_plan_is_priced_between_what_it_costs_and_what_comparable_ones_cost() {
    let made = made(None, &pricing()).await;
    assert_eq!(made.notes, Vec::<String>::new());
    // (6.40 + 0.18 × 20) ÷ (1 − 0.7), and the median of 39, 49 and 79: the fourth plan is not comparable.
    let floor = (6.40 + 0.18 * 20.0) / 0.3;
    let title = format!("Price Roost between ${floor:.2} and $49 a month");
    let advice = made.recommendations.iter().find(|one| one.title == title).unwrap_or_else(|| panic!("{made:#?}"));
    assert_eq!(advice.priority, Priority::High);
    for id in ["p-plans", "p-costs", "p-margin", "p-market"] {
        assert!(advice.evidence.contains(&id.to_owned()), "{id}: {:?}", advice.evidence);
    }
    assert!(advice.reconsider_if.as_ref().unwrap().contains("$33.33"));
}

#[tokio::test]
async fn segments_conflicts_and_gaps_lead_to_advice_with_their_evidence() {
    let made = made(None, &pricing()).await;
    let titled = |words: &str| {
        made.recommendations
            .iter()
            .find(|one| one.title.contains(words))
            .unwrap_or_else(|| panic!("{words}: {made:#?}"))
    };
    assert!(titled("what agency would pay").rationale.contains("$47 (agency)"));
    assert_eq!(titled("Heronpost Flock").evidence, ["p-page", "p-talk"]);
    let residency = titled("data residency");
    assert!(residency.rationale.contains("$36.67") && residency.evidence.contains(&"p-eu".to_owned()));
    assert!(made.recommendations.is_sorted_by_key(|one| std::cmp::Reverse(one.priority)));
    assert!(serde_json::to_vec(&made).unwrap().len() < 14 * 1024);
}

#[tokio::test]
async fn where_the_market_is_below_the_cost_nobody_is_told_to_follow_it() {
    let mut analysed = pricing();
    analysed.tables[2] = table(
        "market",
        "plans",
        &["plan", "monthly_price_usd", "included_messages"],
        &[&["A", "9", "20000000"], &["B", "19", "25000000"], &["C", "29", "40000000"]],
    );
    let made = made(Some("pricing"), &analysed).await;
    assert!(
        made.recommendations.iter().any(|one| one.title.starts_with("Do not follow the market with Roost: $19")),
        "{made:#?}"
    );
    assert!(made.recommendations.iter().all(|one| !one.title.starts_with("Price Roost")));
}

#[tokio::test]
async fn a_technology_is_chosen_by_what_was_measured() {
    let mut analysed = pricing();
    analysed.goal = "Choose a message broker".into();
    (analysed.questions, analysed.conflicts, analysed.gaps) = (vec![], vec![], vec![]);
    let run = |name: &str, value: f64| {
        metric(&format!("median:runs.csv:latency:broker={name}"), Statistic::Median, value, &[("broker", name)])
    };
    analysed.metrics = vec![run("Foxglove", 90.0), run("Larkspur", 30.0), run("Yarrow", 40.0)];
    analysed.metrics.sort_by(|one, other| other.value.total_cmp(&one.value));
    analysed.passages.push(passage("p-old", "", "Foxglove is no longer maintained since May."));
    let made = made(None, &analysed).await;
    let titles: Vec<&str> = made.recommendations.iter().map(|one| one.title.as_str()).collect();
    assert!(titles.contains(&"Prefer Larkspur where latency decides"), "{titles:?}");
    assert!(titles.contains(&"Leave out Foxglove, which is no longer maintained"), "{titles:?}");
    assert!(made.recommendations[0].reconsider_if.as_ref().unwrap().contains("$40, that of Yarrow"));
    assert!(
        made.recommendations[0].rationale.starts_with("Its median latency is $30, that of Foxglove $90: 200 % more")
    );
}

#[tokio::test]
async fn what_is_no_longer_maintained_is_called_by_its_name_also_where_the_sentence_before_has_it() {
    let mut analysed = pricing();
    analysed.goal = "Choose a message broker".into();
    let candidates = &[&["Foxglove", "MIT"][..], &["Teasel", "Apache-2.0"][..]];
    analysed.tables.push(table("candidates", "candidates", &["broker", "licence"], candidates));
    let review = "Foxglove is under the MIT licence.\n\nTeasel is Apache-2.0 as well. Its only maintainer wrote in January \
                  that the project is no longer maintained.";
    analysed
        .passages
        .extend([passage("p-review", "Licence review", review), passage("p-candidates", "", "Foxglove,MIT")]);
    let one = made(Some("technology"), &analysed).await;
    let advice = one.recommendations.iter().find(|one| one.title.starts_with("Leave out")).unwrap();
    assert_eq!(advice.title, "Leave out Teasel, which is no longer maintained");
    assert!(advice.rationale.starts_with("A source says of Teasel: “Its only maintainer"), "{}", advice.rationale);
    assert_eq!(advice.evidence, ["p-review"]);
    analysed.tables.pop();
    let nameless = made(Some("technology"), &analysed).await;
    assert!(nameless.recommendations.iter().any(|one| one.title == "Leave out what is no longer maintained"));
}

#[tokio::test]
async fn a_cap_is_advised_where_a_source_says_that_one_is_worth_something_and_that_is_cited() {
    let mut analysed = pricing();
    let bill = "We left over a surprise bill of 212 USD.";
    let vendor = "You can set an alert at any amount; a hard cap is available on Colony only.";
    analysed.passages.extend([passage("p-bill", "", bill), passage("p-vendor", "What a cap is worth", vendor)]);
    let capped = |made: &RecommendationsMade| {
        made.recommendations.iter().find(|one| one.title.starts_with("Put a spending cap")).cloned()
    };
    assert_eq!(capped(&made(Some("pricing"), &analysed).await), None);
    let talk = "\"I do not mind the price, I mind not\n  knowing it. A cap that I set myself is worth more to me than ten \
                dollars off.\"";
    analysed.passages.push(passage("p-cap", "What annoys them", talk));
    let advice = capped(&made(Some("pricing"), &analysed).await).unwrap();
    let quoted = "“A cap that I set myself is worth more to me than ten dollars off.”";
    assert!(advice.rationale.ends_with(quoted), "{}", advice.rationale);
    assert!(advice.evidence.contains(&"p-cap".to_owned()) && !advice.evidence.contains(&"p-vendor".to_owned()));
}

#[tokio::test]
async fn a_change_is_told_with_its_direction() {
    let mut analysed = pricing();
    let trend = |column: &str, value: f64| metric(&format!("trend:history.csv:{column}"), Statistic::Trend, value, &[]);
    analysed.metrics.extend([trend("overage_per_million", -0.2703), trend("monthly_price", 0.08)]);
    let made = made(Some("pricing"), &analysed).await;
    let advice = made.recommendations.iter().find(|one| one.title.starts_with("Earn with the base price")).unwrap();
    assert!(
        advice.rationale.ends_with("prices of additional use fell by 27 %, and base prices rose by 8 %."),
        "{}",
        advice.rationale
    );
}

#[tokio::test]
async fn without_evidence_there_is_no_advice() {
    let made_of_nothing = made(None, &Analysed { goal: "Research pricing".into(), ..Analysed::default() }).await;
    assert_eq!(made_of_nothing, RecommendationsMade { recommendations: vec![], notes: vec![] });
    let baseless = by_rules(
        "[[rule]]\nid = \"one\"\npriority = \"low\"\nwhen = 'true'\ntitle = 't'\nrationale = 'r'\n",
        &pricing(),
    )
    .await;
    assert!(baseless.recommendations.is_empty() && baseless.notes[0].contains("nothing that it reads has evidence"));
}

#[tokio::test]
async fn a_rule_that_fails_is_a_note_and_one_that_lacks_its_number_is_silent() {
    let rule = |id: &str, when: &str| {
        format!("[[rule]]\nid = \"{id}\"\npriority = \"low\"\nwhen = '{when}'\ntitle = 't'\nrationale = 'r'\n")
    };
    let text = [
        rule("lacking", "median(\"latency\") > 1.0"),
        rule("failing", "1 / 0 == 1"),
        rule("no-truth", "median(\"willingness\")"),
        rule("holding", "median(\"willingness\") > 50"),
    ];
    let made = by_rules(&text.concat(), &pricing()).await;
    assert_eq!(made.recommendations.len(), 1);
    assert_eq!(made.recommendations[0].evidence, ["p-table"]);
    assert_eq!(made.notes.len(), 2, "{:?}", made.notes);
    assert!(made.notes[0].starts_with("rule failing") && made.notes[1].starts_with("rule no-truth"));
}

#[tokio::test]
async fn a_row_without_its_passage_is_no_evidence_and_no_panic() {
    let mut analysed = pricing();
    let costs = table("costs", "Costs", &["cost", "amount_usd"], &[&["Storage", "3"], &["Traffic", "5"]]);
    analysed.tables = vec![Table { passages: costs.passages[..1].to_vec(), ..costs }];
    analysed.tables[0].rows[0].truncate(1);
    let rule = |row: &str| {
        format!(
            "[[rule]]\nid = \"{row}\"\npriority = \"low\"\nwhen = 'cell(\"{row}\", \"amount\") > 0.0'\ntitle = 't'\nrationale = 'r'\n"
        )
    };
    let made = by_rules(&[rule("storage"), rule("traffic")].concat(), &analysed).await;
    assert_eq!((made.recommendations, made.notes), (vec![], vec![]));
}

#[tokio::test]
async fn the_same_analysis_leads_to_the_same_bytes() {
    let bytes = async || serde_json::to_vec(&made(None, &pricing()).await).unwrap();
    assert_eq!(bytes().await, bytes().await);
}
