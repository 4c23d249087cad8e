//! Owns the stories of goals: what `runtime::story` tells of records that real deliveries left behind.
//! Never a record made by hand, but where one must be damaged.
//! Next: `murmur explain` renders what is told here.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use contract::events::{AnalysisCompleted, Evidence, GoalCompleted, ReportWritten, ResearchTaskRequested};
use contract::story::{
    AttemptEnd, JoinTold, Lapse, MemberState, Origin, RunStory, Standing, StepState, StepTold, What,
};
use contract::{Answered, CauseKind, Digest, EventData as _, Exchange, Partner, UnixMs, Workplace as _};
use runtime::ledger::{Attr, Item, Value, WriteName};
use runtime::ports::Ledger as _;
use runtime::story::{Records, tell};
use runtime::{Handled, Spend, Step, StepError};
use serde_json::json;
use testkit::place::Op;
use testkit::stage::{At, BASE, Fault, Stage, Wish, evidence};

async fn items(stage: &Stage, wish: &Wish) -> Vec<Item> {
    stage.cloud().ledger.story(wish.id()).await.unwrap()
}

async fn story(stage: &Stage, wish: &Wish) -> RunStory {
    let items = items(stage, wish).await;
    let records = Records::fetch(&items, &*stage.cloud().artifacts).await;
    let story = tell(&items, &records, stage.choreography(), stage.now()).expect("there are items");
    let back: RunStory = serde_json::from_str(&serde_json::to_string(&story).unwrap()).unwrap();
    assert_eq!(back, story, "a story is read back as it was written");
    let mut times = story.moments.windows(2).map(|two| two[0].at <= two[1].at);
    assert!(times.all(|in_order| in_order), "{:#?}", story.moments);
    story
}

fn step<'a>(story: &'a RunStory, row: &str) -> &'a StepTold {
    story.steps.iter().find(|step| step.row.as_str() == row).unwrap_or_else(|| panic!("no {row} in {story:#?}"))
}

fn join<'a>(story: &'a RunStory, name: &str) -> &'a JoinTold {
    story.joins.iter().find(|join| join.join.as_str() == name).unwrap()
}

fn ends(step: &StepTold) -> Vec<AttemptEnd> {
    step.attempts.iter().map(|attempt| attempt.end).collect()
}

/// Fails so many times, each in its own words, and then works.
fn failing(stage: &Stage, row: &'static str, times: u32) {
    let asked = Arc::new(AtomicU32::new(0));
    stage.plays(row, move |_| {
        let n = asked.fetch_add(1, Ordering::Relaxed) + 1;
        async move {
            if n <= times {
                return Err(StepError::transient(format!("the model answered nonsense {n}")));
            }
            Ok(Handled::emit(&AnalysisCompleted::example()))
        }
    });
}

#[tokio::test(start_paused = true)]
async fn a_goal_that_went_well_tells_every_hop_and_who_made_what() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal"));
    stage.goal(&wish).await;
    stage.start_all();
    stage.until("it ends", |stage| stage.end_of(wish.id()).is_some_and(|(_, told)| told)).await;
    let story = story(&stage, &wish).await;
    assert_eq!((story.standing, story.trouble.as_ref(), &story.gaps[..]), (Standing::Completed, None, &[][..]));
    assert!(story.summary.starts_with("Completed in "), "{}", story.summary);
    assert_eq!(story.next, [format!("murmur replay {}", wish.id())]);
    let rows: Vec<&str> = story.steps.iter().map(|step| step.row.as_str()).collect();
    assert_eq!(rows[..4], ["research", "research-tasks", "research-tasks", "analysis"]);
    assert_eq!(rows.len(), 6);
    let research = step(&story, "research");
    assert_eq!((&research.from, research.emitted.len()), (&Origin::User, 2));
    assert_eq!(research.opens.as_ref().unwrap().as_str(), "evidence");
    let task = step(&story, "research-tasks");
    assert_eq!(task.from, Origin::Step { row: "research".into(), event: research.event });
    assert_eq!((task.agent.as_str(), task.about.as_deref()), ("research", Some("question 0")));
    assert_eq!(step(&story, "analysis").from, Origin::Join { join: "evidence".into() });
    for step in &story.steps {
        assert_eq!((step.state, ends(step)), (StepState::Committed, vec![AttemptEnd::Committed]));
        assert!(step.attempts[0].holder.contains('@'), "{step:?}");
    }
    let evidence = join(&story, "evidence");
    assert!(evidence.members.iter().all(|member| member.state == MemberState::Arrived && member.at.is_some()));
    assert_eq!(evidence.closed_with, Some(step(&story, "analysis").event));
    let result = join(&story, "result");
    assert!(result.ends_goal && result.closed_at.is_some() && result.members[0].required);
    let whats: Vec<What> = story.moments.iter().map(|moment| moment.what).collect();
    assert_eq!((whats[0], whats[whats.len() - 1]), (What::Requested, What::Ended));
    assert_eq!(whats.iter().filter(|what| **what == What::Claimed).count(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_goal_that_failed_in_the_analysis_names_the_agent_each_attempt_the_cause_and_the_dead_letter() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal").due_s(100_000));
    failing(&stage, "analysis", u32::MAX);
    stage.goal(&wish).await;
    stage.start_all();
    stage.until_quiet().await;
    let story = story(&stage, &wish).await;
    assert_eq!(story.standing, Standing::Stalled);
    assert!(
        story.summary.contains("analysis gave up at attempt 3 of 3: the model answered nonsense 3."),
        "{}",
        story.summary
    );
    let trouble = story.trouble.as_ref().unwrap();
    assert_eq!((trouble.agent.as_str(), trouble.attempts, trouble.attempts_max), ("analysis", 3, Some(3)));
    assert_eq!((trouble.cause.kind, trouble.optional), (CauseKind::AttemptsExhausted, false));
    let letter = &trouble.dead_letter;
    assert_eq!((letter.queue.as_str(), letter.n, letter.sent), ("murmur-analysis-dlq", 1, true));
    assert_eq!(story.next[0], format!("murmur dlq redrive --all --goal {}", wish.id()));
    let analysis = step(&story, "analysis");
    let failed = AttemptEnd::Failed;
    assert_eq!(ends(analysis), [failed, failed, failed, AttemptEnd::GaveUp]);
    let numbers: Vec<Option<u32>> = analysis.attempts.iter().map(|attempt| attempt.number).collect();
    assert_eq!(numbers, [Some(1), Some(2), Some(3), None]);
    for (attempt, n) in analysis.attempts.iter().zip(1..=3) {
        assert_eq!(attempt.why, Some(format!("the model answered nonsense {n}")));
    }
    assert!(analysis.attempts[1].wait.ms > 0, "the backoff is told: {:?}", analysis.attempts[1]);
    assert_eq!(story.end, None);
}

#[tokio::test(start_paused = true)]
async fn a_redrive_is_told_as_another_round_and_its_dead_letter_as_taken_up() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal").due_s(100_000));
    failing(&stage, "analysis", 3);
    stage.goal(&wish).await;
    stage.start_all();
    stage.until_quiet().await;
    assert_eq!(stage.redrive("analysis"), 1);
    stage.until_quiet().await;
    stage.one_end::<GoalCompleted>(wish.id());
    let story = story(&stage, &wish).await;
    assert_eq!((story.standing, story.trouble.as_ref()), (Standing::Completed, None));
    let analysis = step(&story, "analysis");
    assert_eq!((analysis.redriven, analysis.state), (1, StepState::Committed));
    let last = analysis.attempts.last().unwrap();
    assert_eq!((last.round, last.number, last.end), (2, Some(1), AttemptEnd::Committed));
    assert_eq!(analysis.parked.len(), 1);
    let parked = &analysis.parked[0];
    assert_eq!((parked.n, parked.cause.kind, parked.redriven), (1, CauseKind::AttemptsExhausted, true));
    let redriven = story.moments.iter().find(|moment| moment.what == What::Redriven).unwrap();
    assert_eq!((redriven.row.as_ref().unwrap().as_str(), redriven.at), ("analysis", last.sent_at));
}

#[tokio::test(start_paused = true)]
async fn a_goal_that_a_dead_letter_ended_is_to_be_forked() {
    let stage = Stage::murmuration();
    stage.plays("analysis", |_| async { Err(StepError::permanent("no such table")) });
    let wish = Wish::new("a goal").failing();
    stage.goal(&wish).await;
    stage.start_all();
    stage.until_quiet().await;
    let story = story(&stage, &wish).await;
    assert_eq!(story.standing, Standing::Failed);
    assert!(story.summary.contains("analysis gave up at attempt 1: no such table."), "{}", story.summary);
    assert_eq!(story.next, [format!("murmur goal fork {} --from analysis", wish.id())]);
    assert_eq!(ends(step(&story, "analysis")), [AttemptEnd::GaveUp]);
    assert_eq!(step(&story, "analysis").attempts[0].number, Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_died_is_named_and_whoever_took_over_makes_the_same_attempt_again() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal"));
    stage.script(At::op(Op::Handler).about("/analysis#"), Fault::CrashBefore);
    stage.goal(&wish).await;
    for daemon in ["research", "writer", "recommendation"] {
        stage.start(daemon);
    }
    let process = stage.start("analysis");
    process.died().await;
    let between = story(&stage, &wish).await;
    assert_eq!((between.standing, step(&between, "analysis").state), (Standing::Working, StepState::AtWork));
    stage.pass(Duration::from_secs(62)).await;
    let silent = story(&stage, &wish).await;
    assert_eq!(step(&silent, "analysis").state, StepState::Silent);
    assert!(silent.summary.contains("analysis") && silent.summary.contains("takes over"), "{}", silent.summary);
    stage.start("analysis");
    stage.until_quiet().await;
    let story = story(&stage, &wish).await;
    let analysis = step(&story, "analysis");
    assert_eq!((analysis.crashes, ends(analysis)), (1, vec![AttemptEnd::Died, AttemptEnd::Committed]));
    let (died, took_over) = (&analysis.attempts[0], &analysis.attempts[1]);
    assert_ne!(died.holder, took_over.holder);
    assert_eq!((died.number, took_over.number, took_over.wait), (Some(1), Some(1), Lapse::default()));
    assert!(story.moments.iter().any(|moment| moment.what == What::Died && moment.words.contains(&died.holder)));
}

#[tokio::test(start_paused = true)]
async fn a_step_that_was_given_back_at_a_shutdown_is_no_failed_attempt() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    stage.settings(|settings| settings.drain_grace = Duration::from_secs(1));
    let slow = Arc::new(AtomicU32::new(1));
    stage.plays("solo", move |_| {
        let slow = slow.swap(0, Ordering::Relaxed) == 1;
        async move {
            if slow {
                tokio::time::sleep(Duration::from_secs(30)).await;
            }
            Ok(Handled::emit(&ReportWritten::example()))
        }
    });
    stage.goal(&wish).await;
    stage.script(At::op(Op::Handler), Fault::StopAfter);
    stage.start("solo").ended().await;
    let given_back = story(&stage, &wish).await;
    assert_eq!((given_back.standing, step(&given_back, "solo").state), (Standing::Working, StepState::Waiting));
    stage.start("solo");
    stage.until_quiet().await;
    let story = story(&stage, &wish).await;
    let solo = step(&story, "solo");
    assert_eq!(ends(solo), [AttemptEnd::GivenBack, AttemptEnd::Committed]);
    assert_eq!((solo.attempts[0].number, solo.attempts[1].number, solo.crashes), (Some(1), Some(1), 0));
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_goal_says_why_and_what_was_left() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal"));
    stage.plays("analysis", |_| async {
        tokio::time::sleep(Duration::from_secs(500)).await;
        Ok(Handled::emit(&AnalysisCompleted::example()))
    });
    stage.goal(&wish).await;
    stage.start_all();
    stage.until("the analysis is at work", |stage| stage.asked("analysis") == 1).await;
    stage.cancel(&wish).await;
    stage.until_quiet().await;
    let story = story(&stage, &wish).await;
    assert_eq!(story.standing, Standing::Cancelled);
    assert!(story.summary.ends_with(": a user did."), "{}", story.summary);
    let analysis = step(&story, "analysis");
    assert_eq!((analysis.state, ends(analysis)), (StepState::Left, vec![AttemptEnd::Left]));
    assert_eq!(analysis.attempts[0].ended_at, story.end.as_ref().map(|end| end.at));
    assert_eq!(join(&story, "result").members[0].state, MemberState::Missing);
    assert_eq!(story.next, [format!("murmur goal fork {} --from analysis", wish.id())]);
}

#[tokio::test(start_paused = true)]
async fn a_spent_allowance_is_told_as_the_cause_with_what_was_spent() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal").budget(Some(50), Some(0.001)).due_s(100_000));
    stage.plays("solo", |step| async move {
        step.budget.reserve(Spend { tokens: 40, micros: 400 }).await?.settle(Spend { tokens: 30, micros: 300 }).await;
        step.budget.reserve(Spend { tokens: 40, micros: 400 }).await?.settle(Spend { tokens: 30, micros: 300 }).await;
        Ok(Handled::emit(&ReportWritten::example()))
    });
    stage.goal(&wish).await;
    stage.start("solo");
    stage.until_quiet().await;
    let story = story(&stage, &wish).await;
    assert_eq!(story.standing, Standing::Stalled);
    assert_eq!(story.trouble.as_ref().unwrap().cause.kind, CauseKind::BudgetExhausted);
    assert_eq!(
        (story.spent.spent, story.spent.allowed),
        (Spend { tokens: 30, micros: 300 }, Spend { tokens: 50, micros: 1_000 })
    );
}

#[tokio::test(start_paused = true)]
async fn a_join_that_closed_without_a_member_says_which() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal").due_s(100_000));
    stage.plays("research", |_| async { Ok(evidence(3, 2)) });
    stage.plays("research-tasks", |step: Step| async move {
        let task: ResearchTaskRequested = step.event.data_as().unwrap();
        if task.question == "question 1" {
            return Err(StepError::permanent("no source answers"));
        }
        Ok(Handled::nothing().arriving(&Evidence { question: task.question, summary: "found".into(), passages: None }))
    });
    stage.goal(&wish).await;
    stage.start_all();
    stage.until_quiet().await;
    let story = story(&stage, &wish).await;
    assert_eq!(story.standing, Standing::Completed);
    let evidence = join(&story, "evidence");
    assert_eq!(
        (evidence.quorum, evidence.counted(MemberState::Arrived), evidence.counted(MemberState::Failed)),
        (2, 2, 1)
    );
    let failed = evidence.members.iter().find(|member| member.state == MemberState::Failed).unwrap();
    let task = story.steps.iter().find(|step| step.event.to_string() == failed.member).unwrap();
    assert_eq!((task.about.as_deref(), task.state), (Some("question 1"), StepState::Parked));
    let trouble = story.trouble.as_ref().unwrap();
    assert!(trouble.optional && trouble.event == task.event);
    assert!(story.summary.contains("although research (research-tasks) gave up"), "{}", story.summary);
    let short = &task.event.to_string()[..6];
    assert!(story.next[0].contains(&format!("--from research-tasks#{short}")), "{:?}", story.next);
}

#[tokio::test(start_paused = true)]
async fn a_goal_past_its_deadline_names_what_was_missing() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal").due_s(300));
    stage.goal(&wish).await;
    for daemon in ["research", "writer", "recommendation"] {
        stage.start(daemon);
    }
    stage.pass(Duration::from_secs(60)).await;
    let waiting = story(&stage, &wish).await;
    assert_eq!(waiting.standing, Standing::Working);
    assert!(waiting.summary.contains("analysis has not taken up research.completed"), "{}", waiting.summary);
    assert_eq!(waiting.waiting[0].queue.as_str(), "murmur-analysis");
    assert_eq!(waiting.next[0], "murmur status");
    stage.until("it is told", |stage| stage.end_of(wish.id()).is_some_and(|(_, told)| told)).await;
    let story = story(&stage, &wish).await;
    assert_eq!((story.standing, story.waiting.len()), (Standing::Failed, 0));
    assert!(story.summary.contains("its deadline passed"), "{}", story.summary);
    assert!(
        story.summary.contains("writer and recommendation") || story.summary.contains("recommendation and writer"),
        "{}",
        story.summary
    );
}

fn exchange(with: Partner, began: UnixMs, took_ms: u64, answer: Answered, tokens: u64) -> Exchange {
    Exchange {
        with,
        name: "small".into(),
        digest: Digest::of(b"asked"),
        request: json!({}),
        answer,
        began,
        took_ms,
        cost: Spend { tokens, micros: tokens * 10 },
        prompt: None,
    }
}

async fn asking() -> (Stage, Wish) {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal").due_s(100_000));
    stage.plays("solo", |step: Step| async move {
        let began = step.clock().now();
        let well = || Answered::With(json!("yes"));
        // Two beside each other, one behind them.
        step.note(exchange(Partner::Model, began, 400, well(), 10));
        step.note(exchange(Partner::Model, began, 300, Answered::Failed(json!("busy")), 0));
        step.note(exchange(Partner::Model, UnixMs(began.0 + 500), 100, well(), 5));
        step.note(exchange(Partner::Tool, began, 50, well(), 0));
        Err(StepError::permanent("no"))
    });
    stage.goal(&wish).await;
    stage.start("solo");
    stage.until_quiet().await;
    (stage, wish)
}

#[tokio::test(start_paused = true)]
async fn model_time_counts_calls_beside_each_other_once() {
    let (stage, wish) = asking().await;
    let story = story(&stage, &wish).await;
    let attempt = &step(&story, "solo").attempts[0];
    assert_eq!((attempt.models.calls, attempt.models.failed, attempt.models.ms), (3, 1, 500));
    assert_eq!((attempt.tools.calls, attempt.tools.ms), (1, 50));
    assert_eq!(attempt.cost, Spend { tokens: 15, micros: 150 });
    assert!(attempt.record.is_some());
}

#[tokio::test(start_paused = true)]
async fn records_that_are_lost_leave_a_gap_and_the_rest_is_told() {
    let (stage, wish) = asking().await;
    for uri in stage.cloud().artifacts.uris() {
        assert!(stage.cloud().artifacts.lose(&uri));
    }
    let story = story(&stage, &wish).await;
    assert_eq!(story.gaps.len(), 1, "{:?}", story.gaps);
    assert_eq!(story.trouble.unwrap().cause.detail, "no");
}

#[tokio::test(start_paused = true)]
async fn damaged_items_leave_gaps_and_no_panic() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal"));
    stage.goal(&wish).await;
    stage.start_all();
    stage.until_quiet().await;
    let whole = items(&stage, &wish).await;
    for at in 0..whole.len() {
        for attr in whole[at].attrs.keys() {
            for value in [None, Some(Value::Text("{".into())), Some(Value::Number(-1)), Some(Value::Flag(true))] {
                let mut items = whole.clone();
                match value {
                    None => drop(items[at].attrs.remove(attr)),
                    Some(value) => drop(items[at].attrs.insert(attr.clone(), value)),
                }
                tell(&items, &Records::default(), stage.choreography(), stage.now());
            }
        }
        let mut without = whole.clone();
        without.remove(at);
        tell(&without, &Records::default(), stage.choreography(), stage.now());
    }
    let goalless: Vec<Item> = whole.iter().filter(|item| !item.has(&Attr::Request)).cloned().collect();
    let told = tell(&goalless, &Records::default(), stage.choreography(), stage.now()).unwrap();
    assert_eq!((told.standing, told.gaps.len()), (Standing::Unknown, 1));
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_behind_makes_no_negative_time_and_is_told_as_skew() {
    let (stage, wish) = (Stage::murmuration(), Wish::new("a goal"));
    stage.goal(&wish).await;
    stage.start_skewed("research", 3_000);
    for daemon in ["analysis", "writer", "recommendation"] {
        stage.start(daemon);
    }
    stage.until("it ends", |stage| stage.end_of(wish.id()).is_some_and(|(_, told)| told)).await;
    let story = story(&stage, &wish).await;
    let bus = step(&story, "analysis").bus;
    assert!(bus.ms == 0 && bus.skew_ms > 2_000, "{bus:?}");
}

#[tokio::test(start_paused = true)]
async fn what_has_expired_is_no_story() {
    let (stage, wish) = (Stage::solo(), Wish::new("a goal"));
    stage.goal(&wish).await;
    stage.start("solo");
    stage.until_quiet().await;
    let items = items(&stage, &wish).await;
    let late = UnixMs(BASE.0 + 400 * 86_400_000);
    assert!(tell(&items, &Records::default(), stage.choreography(), late).is_none());
    assert!(tell(&[], &Records::default(), stage.choreography(), late).is_none());
    assert_eq!(stage.applied(WriteName::Accept), 1);
}
