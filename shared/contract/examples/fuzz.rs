//! Owns `make fuzz`: a seeded mutation fuzzer over everything that `contract` reads from a queue.
//! Never stops at a refusal, only at a panic: then it prints seed, index and input, and exits non-zero.
//! Next: `cargo run -p contract --profile fuzz --example fuzz -- --inputs 10000000` is what `make fuzz` runs.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used, reason = "a tool for developers")]
#![allow(clippy::disallowed_methods, reason = "measures real time")]

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Instant;

use contract::decode::{Raw, decode};
use contract::topology::{Choreography, Row};
use contract::{Attributes, Cause, CauseKind, ParkNote, Topology, TraceContext, UnixMs, attributes, schema};
use fastrand::Rng;
use serde_json::{Value, json};

const THREADS: u64 = 2;

/// Where parsers go wrong: delimiters, escapes, controls, half characters, the edges of numbers, long runs.
const NASTY: [&[u8]; 24] = [
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\\u0000",
    b"\\ud800",
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xc0\x80",
    b"-1",
    b"1e999",
    b"18446744073709551616",
    b"4294967296",
    b"null",
    b"true",
    b"00-",
    b"-",
    b"=",
    b",",
    b"\r\n",
    "🐦\u{202e}\u{fffe}".as_bytes(),
];

struct Ground {
    choreography: Choreography,
    events: Vec<(Row, Value)>,
    parks: Vec<String>,
}

struct Found {
    inputs: u64,
    decoded: u64,
    panics: Vec<(u64, String)>,
}

fn main() -> ExitCode {
    let (inputs, seed) = (argument("--inputs").unwrap_or(10_000_000), argument("--seed").unwrap_or(1));
    let ground = ground();
    if let Some(index) = argument("--replay") {
        let outcome = one(&ground, &mut rng(seed, index), true);
        println!("replayed {index} of seed {seed}: decoded {outcome}");
        return ExitCode::SUCCESS;
    }
    std::panic::set_hook(Box::new(|_| {}));
    let start = Instant::now();
    let found: Vec<Found> = std::thread::scope(|scope| {
        let ground = &ground;
        let all: Vec<_> = (0..THREADS).map(|thread| scope.spawn(move || run(ground, seed, thread, inputs))).collect();
        all.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    // Fewer than asked for, where a thread stopped after its fifth panic.
    let inputs: u64 = found.iter().map(|found| found.inputs).sum();
    let rate = inputs as f64 / start.elapsed().as_secs_f64();
    let decoded: u64 = found.iter().map(|found| found.decoded).sum();
    let panics: Vec<_> = found.iter().flat_map(|found| &found.panics).collect();
    for (index, why) in &panics {
        eprintln!("panic at input {index} of seed {seed}: {why}; the input, and how to see it again:");
        let _ = catch_unwind(AssertUnwindSafe(|| one(&ground, &mut rng(seed, *index), true)));
        eprintln!("  cargo run -p contract --profile fuzz --example fuzz -- --seed {seed} --replay {index}");
    }
    println!("fuzz: {inputs} inputs, {} panics, {rate:.0}/s (seed {seed}, {decoded} decoded)", panics.len());
    if panics.is_empty() && decoded > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(ground: &Ground, seed: u64, thread: u64, inputs: u64) -> Found {
    let mut found = Found { inputs: 0, decoded: 0, panics: vec![] };
    for index in (thread..inputs).step_by(THREADS as usize) {
        found.inputs += 1;
        match catch_unwind(AssertUnwindSafe(|| one(ground, &mut rng(seed, index), false))) {
            Ok(decoded) => found.decoded += u64::from(decoded),
            Err(why) => {
                let text = why.downcast_ref::<String>().map(String::as_str).or(why.downcast_ref::<&str>().copied());
                found.panics.push((index, text.unwrap_or("a panic without words").to_owned()));
                if found.panics.len() == 5 {
                    break;
                }
            }
        }
    }
    found
}

/// One input, made and read. True where it was let in.
fn one(ground: &Ground, rng: &mut Rng, show: bool) -> bool {
    match rng.u8(..8) {
        0 => read_trace(rng, show),
        1 => read_park(ground, rng, show),
        _ => read_message(ground, rng, show),
    }
}

fn read_trace(rng: &mut Rng, show: bool) -> bool {
    let parent = text(mutated(b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_vec(), rng));
    let state = text(mutated(b"rojo=00f067aa0ba902b7,congo=t61rcWkgMzE".to_vec(), rng));
    shown(show, &(&parent, &state));
    let Some(trace) = TraceContext::parse(&parent, Some(&state)) else { return false };
    assert!(trace.xray().len() <= 80);
    assert_eq!(TraceContext::parse(&trace.traceparent(), trace.state.as_deref()), Some(trace));
    true
}

fn read_park(ground: &Ground, rng: &mut Rng, show: bool) -> bool {
    let park = text(mutated(ground.parks[rng.usize(..ground.parks.len())].clone().into_bytes(), rng));
    shown(show, &park);
    let Some(note) = ParkNote::parse(&park) else { return false };
    assert!(!note.cause.detail.chars().any(char::is_control));
    assert_eq!(ParkNote::parse(&note.render()), Some(note));
    true
}

fn read_message(ground: &Ground, rng: &mut Rng, show: bool) -> bool {
    let (row, event) = &ground.events[rng.usize(..ground.events.len())];
    let mut event = event.clone();
    for _ in 0..rng.usize(..3) {
        disturb(&mut event, rng);
    }
    let event = if rng.u8(..3) == 0 {
        json!({"detail-type": event["type"], "source": event["source"], "detail": event})
    } else {
        event
    };
    let body = event.to_string().into_bytes();
    let body = if rng.bool() { mutated(body, rng) } else { body };
    let attributes = some_attributes(ground, rng);
    shown(show, &(String::from_utf8_lossy(&body), &attributes));
    let raw = Raw {
        body: &body,
        attributes: &attributes,
        message_id: "5fea7756-0ea4-451a-a703-a558b933e274",
        sent_at: UnixMs(0),
    };
    let _ =
        (attributes.trace(), attributes.tenant(), attributes.goal(), attributes.park(), attributes.idempotency_key());
    let Ok(event) = decode(raw, row, &ground.choreography) else { return false };
    if rng.u8(..8) == 0 {
        let body = event.to_json();
        let again = decode(Raw { body: body.as_bytes(), ..raw }, row, &ground.choreography);
        assert_eq!(again.map(|again| (again.id, again.digest())), Ok((event.id, event.digest())), "read twice: {body}");
    }
    true
}

/// One field of the event, at any depth, becomes something else, goes, or comes.
fn disturb(value: &mut Value, rng: &mut Rng) {
    match value {
        Value::Object(fields) if !fields.is_empty() && rng.u8(..4) > 0 => {
            let index = rng.usize(..fields.len());
            let key = fields.keys().nth(index).cloned().unwrap();
            match rng.u8(..8) {
                0 => drop(fields.remove(&key)),
                1 => drop(fields.insert(format!("{key}{}", rng.u8(..)), Value::Null)),
                _ => disturb(fields.get_mut(&key).unwrap(), rng),
            }
        }
        Value::Array(all) if !all.is_empty() && rng.u8(..4) > 0 => {
            let index = rng.usize(..all.len());
            disturb(&mut all[index], rng);
        }
        other => *other = odd(other, rng),
    }
}

fn odd(was: &Value, rng: &mut Rng) -> Value {
    match rng.u8(..12) {
        0 => Value::Null,
        1 => json!(rng.bool()),
        2 => json!(rng.i64(..)),
        3 => json!(f64::from_bits(rng.u64(..))),
        4 => json!(u64::MAX),
        5 => json!([was]),
        6 => json!({"goal": was}),
        7 => json!("\u{0}\u{7f}\u{202e}🐦".repeat(rng.usize(..40))),
        8 => json!("x".repeat(rng.usize(..20_000))),
        9 => (0..rng.usize(..60)).fold(was.clone(), |inner, _| json!([inner])),
        _ => Value::String(text(mutated(was.as_str().unwrap_or("0").as_bytes().to_vec(), rng))),
    }
}

fn some_attributes(ground: &Ground, rng: &mut Rng) -> Attributes {
    let mut all = Attributes::default();
    for name in [
        attributes::TRACEPARENT,
        attributes::TRACESTATE,
        attributes::IDEMPOTENCY_KEY,
        attributes::GOAL_ID,
        attributes::TENANT,
        attributes::PARK,
    ] {
        if rng.u8(..4) == 0 {
            let valid = match name {
                attributes::TRACEPARENT => "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                attributes::GOAL_ID => "1b4e28ba-2fa1-51d2-883f-0016d3cca427",
                attributes::PARK => ground.parks[0].as_str(),
                _ => "default",
            };
            all.set(name, text(mutated(valid.as_bytes().to_vec(), rng)));
        }
    }
    all
}

fn mutated(mut bytes: Vec<u8>, rng: &mut Rng) -> Vec<u8> {
    for _ in 0..rng.usize(..4) {
        let at = rng.usize(..=bytes.len());
        let end = (at + rng.usize(..16)).min(bytes.len());
        match rng.u8(..6) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => drop(bytes.splice(at..at, NASTY[rng.usize(..NASTY.len())].iter().copied())),
            3 => drop(bytes.splice(at..end, NASTY[rng.usize(..NASTY.len())].iter().copied())),
            4 => bytes[at..end].iter_mut().for_each(|byte| *byte ^= 1 << rng.u8(..8)),
            _ => drop(bytes.splice(at..at, bytes[at..end].to_vec().repeat(rng.usize(..8)))),
        }
    }
    bytes
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|why| String::from_utf8_lossy(why.as_bytes()).into_owned())
}

fn shown(show: bool, input: &impl Debug) {
    if show {
        println!("{input:?}");
    }
}

fn rng(seed: u64, index: u64) -> Rng {
    Rng::with_seed(seed.rotate_left(40) ^ index.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

fn argument(name: &str) -> Option<u64> {
    std::env::args().skip_while(|argument| argument != name).nth(1)?.replace('_', "").parse().ok()
}

fn ground() -> Ground {
    let choreography = Topology::murmuration().check().unwrap();
    let mut events = vec![];
    for row in &choreography.rows {
        for spec in choreography.events.iter().filter(|spec| row.consumes.contains(&spec.kind)) {
            events.push((row.clone(), json!(schema::example_of(&choreography, spec))));
        }
        if row.accepts_goals {
            events.push((
                row.clone(),
                json!({"goal": "what do starlings follow", "key": "k", "tenant": "acme", "budget": {"usd": 1.5}}),
            ));
        }
    }
    let cause = Cause::new(CauseKind::Permanent, "it cannot be done");
    let bare = ParkNote { n: 1, cause, attempts: 3, goal: None, event: None, trace: None, body: None };
    let goal = "1b4e28ba-2fa1-51d2-883f-0016d3cca427".parse().ok();
    let full = ParkNote { n: 7, goal, trace: Some("00-4bf92f35".into()), ..bare.clone() };
    Ground { choreography, events, parks: vec![full.render(), bare.render()] }
}
