//! Owns what holds for inputs that nobody thought of: no panic, nothing lost on a round trip, ids that do not collide.
//! Never an example by hand: those are in `decode.rs` and `hostile.rs`.
//! Next: `examples/fuzz.rs` does the same ten million times.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod letters;

use contract::topology::Topology;
use contract::{Event, EventId, EventType, GoalId, Source, SpanId, Tenant, TraceContext, TraceId, Unit, UnixMs};
use letters::{CHOREOGRAPHY, Letter, example, wrapped};
use proptest::prelude::*;
use serde_json::{Value, json};

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e15..1e15_f64).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|all| Value::Object(all.into_iter().collect())),
        ]
    })
}

fn tenant() -> impl Strategy<Value = Tenant> {
    "[A-Za-z0-9._-]{1,64}".prop_map(|text| text.parse().unwrap())
}

prop_compose! {
    fn event()(
        ids in any::<[u128; 3]>(), kind in "[a-z]{1,9}(\\.[a-z]{1,9}){0,3}", source in "\\PC{0,40}", version in 1_u32..1000,
        times in prop::array::uniform2(-60_000_000_000_000_i64..250_000_000_000_000), key in prop::option::of("\\PC{1,40}"),
        hops in any::<u32>(), optional in any::<[bool; 2]>(), tenant in tenant(), trace in 1_u128.., span in 1_u64..,
        sampled in any::<bool>(), state in prop::option::of("[ -~]{1,80}"), data in value(),
    ) -> Event {
        Event {
            id: EventId(uuid::Uuid::from_u128(ids[0])),
            source: Source::from(source),
            kind: EventType::from(kind),
            version,
            time: UnixMs(times[0]),
            goal: GoalId(uuid::Uuid::from_u128(ids[1])),
            goal_key: key,
            causation: optional[0].then(|| EventId(uuid::Uuid::from_u128(ids[2]))),
            hops,
            deadline: optional[1].then_some(UnixMs(times[1])),
            tenant,
            trace: TraceContext { trace: TraceId(trace), span: SpanId(span), sampled, state },
            data,
        }
    }
}

/// Reads a letter at every row, and so does whoever else looks at its attributes.
fn read_everywhere(letter: &Letter) {
    for row in &CHOREOGRAPHY.rows {
        let _ = letter.read(row.name.as_str());
    }
    let all = &letter.attributes;
    let _ = (all.trace(), all.tenant(), all.goal(), all.park(), all.idempotency_key());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_and_attributes_never_panic(
        body in prop::collection::vec(any::<u8>(), 0..400),
        attributes in prop::collection::vec((0_usize..7, any::<String>()), 0..8),
    ) {
        let names = ["traceparent", "tracestate", "idempotency-key", "goal-id", "tenant", "murmur-park", "other"];
        let letter = attributes.iter().fold(Letter::bytes(body), |all, (name, text)| all.with(names[*name], text));
        read_everywhere(&letter);
    }

    #[test]
    fn a_valid_event_with_one_field_changed_never_panics(
        at in 0_usize..11, field in 0_usize..18, instead in value(), in_wrapper in any::<bool>(), inside in any::<bool>(),
    ) {
        let mut event = example(Topology::murmuration().events[at].kind.as_str());
        let target = if inside { &mut event["data"] } else { &mut event };
        let key = target.as_object().unwrap().keys().cycle().nth(field).cloned().unwrap();
        target[key] = instead;
        read_everywhere(&Letter::of(&if in_wrapper { wrapped(&event) } else { event }));
    }

    #[test]
    fn a_valid_event_with_bytes_changed_never_panics(
        at in 0_usize..11, flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut body = example(Topology::murmuration().events[at].kind.as_str()).to_string().into_bytes();
        for (index, byte) in flips {
            let index = index.index(body.len());
            body[index] = byte;
        }
        read_everywhere(&Letter::bytes(body));
    }

    #[test]
    fn an_envelope_reads_back_as_it_was_written(event in event()) {
        let text = event.to_json();
        let again: Event = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&again.to_json(), &text);
        prop_assert_eq!(again.digest(), event.digest());
        prop_assert_eq!(again, event);
    }

    #[test]
    fn goals_of_different_tenants_or_keys_differ(a in tenant(), b in tenant(), x in "\\PC{1,20}", y in "\\PC{1,20}") {
        prop_assert_eq!(GoalId::derive(&a, &x), GoalId::derive(&a, &x));
        prop_assert_eq!(GoalId::derive(&a, &x) == GoalId::derive(&b, &y), (&a, &x) == (&b, &y));
    }

    #[test]
    fn events_of_different_goals_types_or_units_differ(
        goals in any::<[u128; 2]>(), kinds in any::<[bool; 2]>(), index in any::<[u8; 2]>(), inputs in any::<[bool; 2]>(),
    ) {
        let id = |n: usize| {
            let kind = EventType::new(if kinds[n] { "a.made" } else { "b.made" });
            let input = EventId(uuid::Uuid::from_u128(inputs[n].into()));
            EventId::derive(GoalId(uuid::Uuid::from_u128(goals[n])), &kind, &Unit::output("row", input, index[n].into()))
        };
        let same = goals[0] == goals[1] && kinds[0] == kinds[1] && index[0] == index[1] && inputs[0] == inputs[1];
        prop_assert_eq!(id(0) == id(1), same);
    }

    #[test]
    fn a_bare_goal_of_any_words_is_let_in_or_refused_and_means_the_same_as_its_event(goal in any::<String>()) {
        let letter = Letter::of(&json!({"goal": goal, "key": "k"}));
        if let Ok(event) = letter.read("research") {
            let again = Letter::text(&event.to_json()).read("research").unwrap();
            prop_assert_eq!((again.id, again.digest()), (event.id, event.digest()));
        } else {
            prop_assert!(goal.trim().is_empty());
        }
    }
}
