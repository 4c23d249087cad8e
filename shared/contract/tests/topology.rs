//! Owns the checks of a topology: each test plants one problem and demands that it is named, with its numbers.
//! Never a problem that only the murmuration could have: authors of fifth agents meet the same checks.
//! Next: `renderers.rs`, which looks at what is made of a topology that passed.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use contract::events::{
    AnalysisCompleted, GoalCancelled, GoalCompleted, GoalFailed, GoalRequested, ReportWritten, ResearchTaskRequested,
    StepFailed,
};
use contract::topology::{Arrival, Join, Member, Members, Problem, Row};
use contract::{EventData, EventType, JoinName, QueueName, RowName, Topology};

fn murmuration() -> Topology {
    Topology::murmuration()
}

fn with_row(name: &str, change: impl FnOnce(&mut Row)) -> Topology {
    let mut topology = murmuration();
    change(topology.rows.iter_mut().find(|row| row.name.as_str() == name).unwrap());
    topology
}

fn problems(topology: Topology) -> Vec<Problem> {
    topology.check().err().unwrap_or_default()
}

/// Exactly these, and their words hold these numbers.
#[track_caller]
fn assert_problem(topology: Topology, is_it: impl Fn(&Problem) -> bool, words: &[&str]) {
    let found = problems(topology);
    let Some(problem) = found.iter().find(|problem| is_it(problem)) else {
        panic!("not among {found:#?}");
    };
    for word in words {
        assert!(problem.to_string().contains(word), "{word:?} is not in {problem}");
    }
}

#[test]
fn the_murmuration_has_no_problem() {
    assert_eq!(problems(murmuration()), []);
}

#[test]
fn all_problems_are_listed_at_once() {
    let mut topology = with_row("analysis", |row| row.limits.receives_max = 1);
    topology.bus = "default".into();
    topology.hops_max = 1;
    assert_eq!(problems(topology).len(), 3);
}

#[test]
fn an_event_that_nobody_consumes_is_an_orphan() {
    let topology = with_row("analysis", |row| row.consumes.clear());
    assert_problem(
        topology,
        |it| matches!(it, Problem::Orphan { kind } if kind.as_str() == "research.completed"),
        &["with_result"],
    );
}

#[test]
fn a_type_that_nobody_makes_is_unhandled() {
    let topology = with_row("research", |row| row.emits.clear());
    assert_problem(
        topology,
        |it| matches!(it, Problem::Unhandled { kind } if *kind == ResearchTaskRequested::TYPE),
        &["with_entrance"],
    );
}

#[test]
fn a_type_that_was_never_declared_is_named_with_its_place() {
    let ghost = EventType::new("ghost.seen");
    let topology = with_row("analysis", |row| row.emits.push(ghost.clone()));
    assert_problem(
        topology,
        |it| matches!(it, Problem::UnknownType { kind, .. } if *kind == ghost),
        &["analysis", "ghost.seen"],
    );
    let topology = with_row("analysis", |row| row.consumes.push(ghost.clone()));
    assert_problem(topology, |it| matches!(it, Problem::UnknownType { kind, .. } if *kind == ghost), &["consumes"]);
}

#[test]
fn the_ends_of_a_goal_and_the_failure_of_a_step_must_be_declared() {
    for kind in [GoalCompleted::TYPE, GoalFailed::TYPE, GoalCancelled::TYPE, StepFailed::TYPE] {
        let mut topology = murmuration();
        topology.events.retain(|spec| spec.kind != kind);
        topology.results.retain(|result| *result != kind);
        assert_problem(
            topology,
            |it| matches!(it, Problem::UnknownType { kind: found, place } if *found == kind && place == "every choreography"),
            &["with_event"],
        );
    }
}

#[test]
fn names_that_stand_twice_are_refused() {
    let duplicate = |topology: Topology, what: &str| {
        assert_problem(
            topology,
            |it| matches!(it, Problem::Duplicate { what: found, times: 2, .. } if *found == what),
            &["2 times"],
        );
    };
    let again = murmuration().rows[2].clone();
    duplicate(murmuration().with_row(again.clone()), "row");
    duplicate(murmuration().with_row(Row { name: RowName::new("other"), ..again }), "queue");
    let join = murmuration().joins[0].clone();
    duplicate(murmuration().with_join(join), "join");
    duplicate(murmuration().with_event::<AnalysisCompleted>(), "event type");
    duplicate(with_row("writer", |row| row.consumes.push(AnalysisCompleted::TYPE)), "consumed type");
    duplicate(with_row("writer", |row| row.emits.push(ReportWritten::TYPE)), "emitted type");
}

#[test]
fn a_queue_that_is_anothers_dead_letter_queue_is_refused() {
    let topology = with_row("writer", |row| row.queue = QueueName::new("murmur-analysis-dlq"));
    assert_problem(
        topology,
        |it| matches!(it, Problem::QueueIsDeadLetters { .. }),
        &["murmur-analysis-dlq", "writer", "analysis"],
    );
}

#[test]
fn names_that_aws_or_the_ledger_would_refuse_are_refused_here() {
    let bad = |topology: Topology, what: &str| {
        assert_problem(
            topology,
            |it| matches!(it, Problem::BadName { what: found, .. } if *found == what),
            &["no legal name"],
        );
    };
    for queue in ["", "with space", "dots.are.not", "fifo.fifo", &"q".repeat(77)] {
        bad(with_row("writer", |row| row.queue = QueueName::from(queue.to_owned())), "queue");
    }
    for bus in ["", "default", "a/b", &"b".repeat(61)] {
        let mut topology = murmuration();
        topology.bus = bus.into();
        bad(topology, "bus");
    }
    for name in ["", "a#b", "Writer", "-w", "w--x", &"w".repeat(49)] {
        bad(with_row("writer", |row| row.name = RowName::from(name.to_owned())), "row");
        bad(with_row("writer", |row| row.daemon = name.to_owned().into()), "daemon");
        let mut topology = murmuration();
        topology.joins[0].name = JoinName::from(name.to_owned());
        bad(topology, "join");
    }
    for kind in ["", "a..b", "Goal.Requested", "a b", ".a", &"t".repeat(101)] {
        let mut topology = murmuration();
        topology.events[2].kind = EventType::from(kind.to_owned());
        bad(topology, "event type");
    }
    bad(with_row("writer", |row| row.name = RowName::from("w".repeat(48))), "rule");
}

#[test]
fn a_daemon_may_not_be_called_so_that_it_speaks_for_others() {
    for name in ["user", "choreography"] {
        let topology = with_row("writer", |row| row.daemon = name.to_owned().into());
        assert_problem(topology, |it| matches!(it, Problem::ReservedDaemon { .. }), &[name]);
    }
}

#[test]
fn more_rules_than_a_bus_may_have_are_refused() {
    let mut topology = murmuration();
    for index in 0..300 {
        let mut row = Row::new("x").consumes::<AnalysisCompleted>();
        row.name = RowName::from(format!("x{index}"));
        row.queue = QueueName::from(format!("x{index}"));
        topology = topology.with_row(row);
    }
    assert_problem(topology, |it| matches!(it, Problem::TooManyRules { rules: 306, .. }), &["306", "300"]);
}

#[test]
fn a_loop_without_a_hop_limit_is_refused() {
    let looped = || with_row("analysis", |row| row.emits.push(ResearchTaskRequested::TYPE));
    assert_eq!(problems(looped()), [], "a loop is allowed where a limit ends it");
    let mut topology = looped();
    topology.hops_max = 0;
    let names = ["research.task.requested", "research.completed", "at least 4"];
    assert_problem(topology, |it| matches!(it, Problem::CycleWithoutHopLimit { .. }), &names);
}

#[test]
fn a_hop_limit_below_the_longest_way_is_refused_with_both_numbers() {
    let with_hops = |hops_max| Topology { hops_max, ..murmuration() };
    assert_problem(
        with_hops(3),
        |it| matches!(it, Problem::HopsBelowPath { hops_min: 4, hops_max: 3, .. }),
        &["is 4 hops", "is 3"],
    );
    assert_eq!(problems(with_hops(4)), []);
}

#[test]
fn a_row_at_a_join_that_nobody_declared_is_refused() {
    let nowhere = JoinName::new("nowhere");
    let topology = with_row("analysis", |row| row.opens = Some(nowhere.clone()));
    assert_problem(topology, |it| matches!(it, Problem::UnknownJoin { does: "opens", .. }), &["nowhere"]);
    let arrives = Some(Arrival { join: nowhere, member: Member::Row });
    let topology = with_row("analysis", |row| row.arrives = arrives);
    assert_problem(topology, |it| matches!(it, Problem::UnknownJoin { does: "arrives at", .. }), &["analysis"]);
}

#[test]
fn an_opened_join_needs_exactly_one_opener_that_emits_and_somebody_who_arrives() {
    let topology = with_row("research", |row| row.opens = None);
    assert_problem(topology, |it| matches!(it, Problem::NoOpener { .. }), &["evidence"]);
    let topology = with_row("analysis", |row| row.opens = Some(JoinName::new("evidence")));
    assert_problem(
        topology,
        |it| matches!(it, Problem::ManyOpeners { rows, .. } if rows.len() == 2),
        &["research, analysis"],
    );
    let topology = with_row("research", |row| row.emits.clear());
    assert_problem(topology, |it| matches!(it, Problem::OpensNothing { .. }), &["research", "evidence"]);
    let topology = with_row("research-tasks", |row| row.arrives = None);
    assert_problem(topology, |it| matches!(it, Problem::NoArriver { .. }), &["evidence"]);
}

#[test]
fn who_arrives_must_be_fed_by_the_opener_and_be_known_by_the_right_name() {
    let arrives = |join, member| Some(Arrival { join: JoinName::new(join), member });
    let topology = with_row("analysis", |row| row.arrives = arrives("evidence", Member::Event));
    assert_problem(topology, |it| matches!(it, Problem::ArrivesUnfed { .. }), &["analysis"]);
    let topology = with_row("research-tasks", |row| row.arrives = arrives("evidence", Member::Row));
    assert_problem(topology, |it| matches!(it, Problem::WrongMember { .. }), &["research-tasks", "id of the event"]);
    let again = Row::new("again").consumes::<ResearchTaskRequested>().arrives_at("evidence", Member::Event);
    let topology = Topology::murmuration().with_row(again);
    assert_problem(topology, |it| matches!(it, Problem::SameMember { .. }), &["research-tasks, again", "evidence"]);
    let topology = with_row("writer", |row| row.arrives = arrives("result", Member::Event));
    assert_problem(topology, |it| matches!(it, Problem::WrongMember { .. }), &["writer", "row's name"]);
}

#[test]
fn exactly_one_join_ends_the_goal() {
    let mut topology = murmuration();
    topology.joins.retain(|join| join.name.as_str() != "result");
    assert_problem(topology, |it| matches!(it, Problem::NoTerminalJoin), &[]);
    let second = Join { name: JoinName::new("second"), ..murmuration().joins[1].clone() };
    assert_problem(
        murmuration().with_join(second),
        |it| matches!(it, Problem::ManyTerminalJoins { .. }),
        &["result, second"],
    );
    let topology = with_row("analysis", |row| row.opens = Some(JoinName::new("result")));
    assert_problem(topology, |it| matches!(it, Problem::OpensTerminal { .. }), &["analysis"]);
}

#[test]
fn members_of_the_terminal_join_and_those_who_arrive_there_are_the_same_rows() {
    let topology = with_row("writer", |row| row.arrives = None);
    assert_problem(topology, |it| matches!(it, Problem::MemberNeverArrives { .. }), &["writer", "result"]);
    let members = |required: &[&'static str], optional: &[&'static str]| {
        let names = |all: &[&'static str]| all.iter().map(|name| RowName::new(name)).collect();
        let mut topology = murmuration();
        topology.joins[1].members = Members::Terminal { required: names(required), optional: names(optional) };
        topology
    };
    assert_problem(members(&["writer"], &[]), |it| matches!(it, Problem::ArrivesUninvited { .. }), &["recommendation"]);
    assert_problem(members(&[], &[]), |it| matches!(it, Problem::NoMembers { .. }), &["result"]);
    let twice = members(&["writer", "recommendation"], &["writer"]);
    assert_problem(twice, |it| matches!(it, Problem::Duplicate { what: "member", .. }), &["writer of result"]);
}

#[test]
fn only_the_choreography_says_that_a_goal_ended_and_what_a_join_found() {
    for kind in [GoalCompleted::TYPE, GoalFailed::TYPE, StepFailed::TYPE, EventType::new("research.completed")] {
        let topology = with_row("analysis", |row| row.emits.push(kind.clone()));
        assert_problem(topology, |it| matches!(it, Problem::ReservedType { .. }), &["analysis", kind.as_str()]);
    }
    let mut topology = murmuration();
    topology.joins[0].emits = GoalCompleted::TYPE;
    assert_problem(topology, |it| matches!(it, Problem::WrongJoinedType { .. }), &["evidence", "of its own"]);
    let mut topology = murmuration();
    topology.joins[1].emits = ReportWritten::TYPE;
    assert_problem(topology, |it| matches!(it, Problem::WrongJoinedType { .. }), &["result", "goal.completed"]);
}

#[test]
fn results_that_together_pass_the_event_limit_are_refused_with_what_would_fit() {
    let with_inline = |join: usize, inline_bytes_max| {
        let mut topology = murmuration();
        topology.joins[join].inline_bytes_max = inline_bytes_max;
        topology
    };
    assert_eq!(problems(with_inline(0, 1024)), []);
    assert_problem(
        with_inline(0, 1025),
        |it| matches!(it, Problem::JoinTooLarge { members: 32, inline_bytes_fit: 1024, .. }),
        &["32 results of 1025", "49184", "49152", "1024 at most"],
    );
    assert_eq!(problems(with_inline(1, 18_304)), []);
    assert_problem(
        with_inline(1, 18_305),
        |it| matches!(it, Problem::JoinTooLarge { members: 2, .. }),
        &["18304 at most"],
    );
    assert_problem(with_inline(0, usize::MAX), |it| matches!(it, Problem::JoinTooLarge { .. }), &[]);
}

#[test]
fn exactly_one_row_accepts_goals_and_it_consumes_them() {
    let topology = with_row("research", |row| row.accepts_goals = false);
    assert_problem(topology.clone(), |it| matches!(it, Problem::NobodyAccepts), &["accepts_goals"]);
    assert_problem(topology, |it| matches!(it, Problem::ConsumesUnaccepted { .. }), &["research"]);
    let topology = with_row("writer", |row| row.accepts_goals = true);
    assert_problem(topology.clone(), |it| matches!(it, Problem::ManyAccept { .. }), &["2 rows", "research, writer"]);
    assert_problem(topology, |it| matches!(it, Problem::AcceptsBlindly { .. }), &["writer"]);
    let mut topology = murmuration();
    topology.entrances.retain(|kind| *kind != GoalRequested::TYPE);
    assert_problem(topology, |it| matches!(it, Problem::AcceptsBlindly { .. }), &["research"]);
}

#[test]
fn a_row_that_consumes_nothing_is_refused() {
    let topology = murmuration().with_row(Row::new("idle"));
    assert_problem(topology, |it| matches!(it, Problem::Idle { .. }), &["idle"]);
}

#[test]
fn a_receive_count_below_three_times_leases_and_caps_is_refused_with_the_numbers() {
    let with_receives = |receives_max| with_row("writer", |row| row.limits.receives_max = receives_max);
    // 3 × (600 ÷ 60 + 3 + 2 + 5)
    assert_eq!(problems(with_receives(60)), []);
    assert_problem(
        with_receives(59),
        |it| matches!(it, Problem::ReceivesBelowCaps { receives_min: 60, .. }),
        &["59", "60 = 3", "600", "caps 10"],
    );
    let part_of_a_lease = with_row("writer", |row| (row.limits.receives_max, row.limits.step_deadline_s) = (60, 601));
    assert_problem(part_of_a_lease, |it| matches!(it, Problem::ReceivesBelowCaps { receives_min: 63, .. }), &["601"]);
    let above_sqs = with_row("writer", |row| (row.limits.receives_max, row.limits.retention_s) = (1001, 1_209_600));
    assert_problem(above_sqs, |it| matches!(it, Problem::ReceivesAboveSqs { .. }), &["1001", "1000"]);
}

#[test]
fn retention_that_ends_before_the_last_redelivery_is_refused_with_the_numbers() {
    // 100 × (600 + 60)
    let with_retention = |retention_s| with_row("writer", |row| row.limits.retention_s = retention_s);
    assert_eq!(problems(with_retention(66_000)), []);
    assert_problem(
        with_retention(65_999),
        |it| matches!(it, Problem::RetentionBelowRedelivery { .. }),
        &["65999", "66000", "100"],
    );
}

#[test]
fn dead_letters_that_vanish_before_the_queue_forgets_are_refused() {
    let with_dead_letters = |s| with_row("writer", |row| row.limits.dead_letter_retention_s = s);
    assert_eq!(problems(with_dead_letters(345_600)), []);
    assert_problem(
        with_dead_letters(345_599),
        |it| matches!(it, Problem::DeadLettersBelowRetention { .. }),
        &["345599", "345600"],
    );
}

#[test]
fn retentions_that_sqs_does_not_take_are_refused() {
    for (retention_s, dead_letter_retention_s) in [(59, 1_209_600), (345_600, 1_209_601)] {
        let topology = with_row("writer", |row| {
            (row.limits.retention_s, row.limits.dead_letter_retention_s) = (retention_s, dead_letter_retention_s);
        });
        assert_problem(topology, |it| matches!(it, Problem::OutOfSqsRange { .. }), &["60 to 1209600"]);
    }
}

#[test]
fn work_past_twelve_hours_of_visibility_is_refused() {
    let with_deadline = |step_deadline_s| {
        with_row("writer", |row| {
            row.limits.lease_s = 3600;
            row.limits.step_deadline_s = step_deadline_s;
            row.limits.receives_max = 66;
            (row.limits.retention_s, row.limits.dead_letter_retention_s) = (1_209_600, 1_209_600);
        })
    };
    let past = |it: &Problem| matches!(it, Problem::PastVisibility { .. });
    assert!(!problems(with_deadline(39_600)).iter().any(past));
    assert_problem(with_deadline(39_601), past, &["39601", "3600", "43200"]);
}

#[test]
fn numbers_that_are_zero_are_named() {
    type Change = (&'static str, fn(&mut Row));
    let all: [Change; 6] = [
        ("concurrency", |row| row.limits.concurrency = 0),
        ("lease_s", |row| row.limits.lease_s = 0),
        ("step_deadline_s", |row| row.limits.step_deadline_s = 0),
        ("attempts_max", |row| row.limits.attempts_max = 0),
        ("alone_crashes_max", |row| row.limits.alone_crashes_max = 0),
        ("receives_max", |row| row.limits.receives_max = 0),
    ];
    for (what, change) in all {
        assert_problem(with_row("writer", change), |it| matches!(it, Problem::Zero { .. }), &["writer", what]);
    }
}

#[test]
fn a_record_must_outlive_the_longest_dead_letter_by_a_day() {
    assert_eq!(murmuration().record_s_min(), 15 * 24 * 3600);
}

#[test]
fn a_schema_that_is_none_is_a_problem() {
    let mut topology = murmuration();
    topology.events[0].schema = || serde_json::from_value(serde_json::json!({"type": 7})).unwrap();
    assert_problem(topology, |it| matches!(it, Problem::BadSchema { .. }), &["goal.requested"]);
}

#[test]
fn the_time_behind_a_join_counts_what_stands_behind_the_next_join_too() {
    let choreography = murmuration().check().unwrap();
    let evidence = choreography.join(&JoinName::new("evidence")).unwrap();
    assert_eq!(choreography.time_behind(evidence).as_secs(), 2 * 600);
}
