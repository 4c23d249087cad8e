//! Owns the tables of variables: name, default, bounds, meaning, and where each value goes.
//! Never a second place for any of it: reading, refusing and `docs/configuration.md` are all made from these tables.
//! Next: `relations`, which looks at the values together.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::time::Duration;

use contract::RowName;
use contract::limits::SQS_VISIBILITY_S_MAX;
use contract::topology::{Choreography, RowLimits};
use tracing_subscriber::filter::LevelFilter;
use url::Url;

use super::problem::shown;
use super::{Config, Problem};
use crate::settings::Settings;

/// A whole number of what the name's last part says.
struct Number<T> {
    name: &'static str,
    bounds: RangeInclusive<u64>,
    meaning: &'static str,
    get: fn(&T) -> u64,
    set: fn(&mut T, u64),
}

struct Text {
    name: &'static str,
    default: &'static str,
    example: &'static str,
    meaning: &'static str,
    must: &'static str,
    set: fn(&mut Config, &str) -> Option<()>,
}

macro_rules! number {
    ($name:literal, $bounds:expr, $field:ident s, $meaning:literal) => {
        Number {
            name: $name,
            bounds: $bounds,
            meaning: $meaning,
            get: |all| all.$field.as_secs(),
            set: |all, s| all.$field = Duration::from_secs(s),
        }
    };
    ($name:literal, $bounds:expr, $field:ident, $meaning:literal) => {
        Number {
            name: $name,
            bounds: $bounds,
            meaning: $meaning,
            // The bounds are far inside of what any field holds.
            get: |all| u64::try_from(all.$field).unwrap_or(u64::MAX),
            set: |all, value| all.$field = value.try_into().unwrap_or(all.$field),
        }
    };
}

const DAY_S: u64 = 24 * 3600;

const SETTINGS: &[Number<Settings>] = &[
    number!("MURMUR_GOAL_DEADLINE_S", 10..=30 * DAY_S, goal_deadline s, "how long a goal may take that names no deadline"),
    number!("MURMUR_GOAL_DEADLINE_MAX_S", 10..=30 * DAY_S, goal_deadline_max s, "the longest deadline that a goal may name"),
    number!("MURMUR_RECORD_RETENTION_S", 1..=3650 * DAY_S, record_retention s, "how long a goal's records stay, from its deadline on"),
    number!("MURMUR_SKEW_MARGIN_S", 1..=300, skew_margin s, "how far clocks may lie apart before a lease or a deadline is acted upon"),
    number!("MURMUR_SWEEP_EVERY_S", 1..=3600, sweep_every s, "how often each daemon looks for what is due"),
    number!("MURMUR_RECEIVE_WAIT_S", 1..=20, receive_wait s, "how long a receive waits for its first message"),
    Number {
        name: "MURMUR_LINGER_MS",
        bounds: 0..=1000,
        meaning: "how long an emit or a settlement waits for its batch to fill",
        get: |all| u64::try_from(all.linger.as_millis()).unwrap_or(u64::MAX),
        set: |all, ms| all.linger = Duration::from_millis(ms),
    },
    number!("MURMUR_DRAIN_GRACE_S", 1..=SQS_VISIBILITY_S_MAX, drain_grace s, "how long work may go on after SIGTERM before it is given back"),
    number!("MURMUR_TOLD_AFTER_S", 1..=3600, told_after s, "when a sweep tells an end or a close that nobody has told yet"),
    number!("MURMUR_HOLD_POSTPONE_S", 1..=DAY_S, hold_postpone s, "how long a join that may not close is put off, where its goal holds"),
    number!(
        "MURMUR_TOKENS_ALLOWED",
        1..=1_000_000_000_000,
        tokens_allowed,
        "model tokens of a goal that names no budget"
    ),
    number!(
        "MURMUR_MICROS_ALLOWED",
        1..=1_000_000_000_000,
        micros_allowed,
        "cost of a goal that names no budget, in millionths of a US dollar"
    ),
    number!("MURMUR_RETRY_ELAPSED_MAX_S", 1..=300, retry_elapsed_max s, "what all tries of one call to a queue, bus or ledger may take together"),
];

const ROW_LIMITS: &[Number<RowLimits>] = &[
    number!("CONCURRENCY", 1..=10_000, concurrency, "messages at work at the same time in one process"),
    number!(
        "LEASE_S",
        1..=SQS_VISIBILITY_S_MAX,
        lease_s,
        "how long a claim and a message's invisibility hold without a heartbeat"
    ),
    number!("STEP_DEADLINE_S", 1..=SQS_VISIBILITY_S_MAX, step_deadline_s, "how long one attempt of a step may take"),
    number!("ATTEMPTS_MAX", 1..=100, attempts_max, "attempts that may fail before the message is parked"),
];

const TEXTS: &[Text] = &[
    Text {
        name: "MURMUR_LOG",
        default: "info",
        example: "info,runtime=debug",
        meaning: "what is logged: a level, and levels of single targets",
        must: "must be levels (off, error, warn, info, debug, trace) or target=level, with commas between",
        set: |config, text| {
            // A bare word that is no level would parse as a target, and silence everything else.
            let known = |part: &str| part.contains('=') || part.parse::<LevelFilter>().is_ok();
            config.log.filter = text.split(',').all(known).then(|| text.parse().ok())??;
            Some(())
        },
    },
    Text {
        name: "MURMUR_HTTP",
        default: "none",
        example: "127.0.0.1:9464",
        meaning: "where `/healthz`, `/readyz` and `/metrics` are served; port 0 takes a free one",
        must: "must be an address and a port",
        set: |config, text| text.parse().ok().map(|address| config.http = Some(address)),
    },
    Text {
        name: "MURMUR_OTLP_ENDPOINT",
        default: "none",
        example: "http://127.0.0.1:4318",
        meaning: "the OpenTelemetry collector that traces and metrics go to, by http/protobuf",
        must: "must be an http:// address without a query (for https, let a local collector forward)",
        set: |config, text| {
            let url: Url = text.parse().ok()?;
            let plain = url.scheme() == "http" && url.has_host() && url.query().is_none() && url.fragment().is_none();
            plain.then(|| config.otlp_endpoint = Some(url))
        },
    },
    Text {
        name: super::TRACE_URL,
        default: "none",
        example: "http://127.0.0.1:16686/trace/{trace}",
        meaning: "where a tracing backend shows one trace; `murmur trace` prints it",
        must: "must be an http:// or https:// address with {trace} where the trace's id belongs",
        set: |config, text| {
            let url: Url = text.replace("{trace}", "0").parse().ok()?;
            let fits = matches!(url.scheme(), "http" | "https") && url.has_host() && text.contains("{trace}");
            fits.then(|| config.trace_url = Some(text.to_owned()))
        },
    },
    Text {
        name: "MURMUR_BUS",
        default: "the topology's",
        example: "murmuration",
        meaning: "the name of the EventBridge bus",
        must: "must be 1 to 256 of A-Z a-z 0-9 . _ - /",
        set: |config, text| resource_name(text, "._-/", 1..=256).map(|name| config.bus = name),
    },
    Text {
        name: "MURMUR_TABLE",
        default: "murmuration",
        example: "murmuration",
        meaning: "the name of the ledger's DynamoDB table",
        must: "must be 3 to 255 of A-Z a-z 0-9 . _ -",
        set: |config, text| resource_name(text, "._-", 3..=255).map(|name| config.table = name),
    },
    Text {
        name: "MURMUR_ARTIFACTS",
        default: "`murmuration/artifacts` in `$XDG_DATA_HOME`, else in `~/.local/share`",
        example: "s3://a-bucket/murmuration",
        meaning: "where results that are too large to travel are kept; daemons on several machines need a bucket",
        must: "must be file:///a/folder or s3://bucket/prefix",
        set: |config, text| {
            let url: Url = text.parse().ok()?;
            let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
            let names_a_place = match url.scheme() {
                "file" => url.to_file_path().is_ok_and(|folder| folder.is_absolute()),
                "s3" => url.port().is_none() && url.host_str().is_some_and(|bucket| bucket.len() >= 3),
                _ => false,
            };
            (plain && names_a_place).then(|| config.artifacts = Some(url))
        },
    },
];

fn resource_name(text: &str, also: &str, length: RangeInclusive<usize>) -> Option<String> {
    let good = |c: char| c.is_ascii_alphanumeric() || also.contains(c);
    (length.contains(&text.len()) && text.chars().all(good)).then(|| text.to_owned())
}

/// `MURMUR_RESEARCH_TASKS_LEASE_S` for row `research-tasks`.
pub(super) fn row_variable(row: &RowName, suffix: &str) -> String {
    format!("MURMUR_{}_{suffix}", row.as_str().to_uppercase().replace('-', "_"))
}

/// Puts one variable's value where it belongs.
pub(super) fn set(config: &mut Config, name: &str, value: &str, own: &[&'static str]) -> Result<(), Problem> {
    if let Some(text) = TEXTS.iter().find(|text| text.name == name) {
        let refused = || Problem::new(name, &shown(value), text.must, format!("{name}={}", text.example));
        return (text.set)(config, value).ok_or_else(refused);
    }
    if let Some(number) = SETTINGS.iter().find(|number| number.name == name) {
        return set_number(number, &mut config.settings, name, value);
    }
    for (row, limits) in &mut config.settings.limits {
        if let Some(number) = ROW_LIMITS.iter().find(|number| row_variable(row, number.name) == name) {
            return set_number(number, limits, name, value);
        }
    }
    Err(unknown(config, name, own))
}

fn set_number<T>(number: &Number<T>, of: &mut T, name: &str, value: &str) -> Result<(), Problem> {
    let digits = value.bytes().all(|c| c.is_ascii_digit());
    match value.parse() {
        Ok(parsed) if digits && number.bounds.contains(&parsed) => {
            (number.set)(of, parsed);
            Ok(())
        }
        _ => {
            let (least, most) = (number.bounds.start(), number.bounds.end());
            let must = format!("must be a whole number{} from {least} to {most}", unit(number.name));
            Err(Problem::new(name, &shown(value), must, format!("{name}={}", (number.get)(of))))
        }
    }
}

fn unit(name: &str) -> &'static str {
    match name.rsplit('_').next() {
        Some("S") => " of seconds",
        Some("MS") => " of milliseconds",
        _ => "",
    }
}

fn unknown(config: &Config, name: &str, own: &[&'static str]) -> Problem {
    let mut known: BTreeSet<String> = own.iter().map(|own| (*own).to_owned()).collect();
    known.extend(TEXTS.iter().map(|text| text.name.to_owned()));
    known.extend(SETTINGS.iter().map(|number| number.name.to_owned()));
    for row in config.settings.limits.keys() {
        known.extend(ROW_LIMITS.iter().map(|number| row_variable(row, number.name)));
    }
    let nearest = known.iter().min_by_key(|known| strsim::damerau_levenshtein(known, name));
    let example = nearest.map_or_else(|| "unset it".into(), |nearest| format!("{nearest} (the nearest known name)"));
    Problem::new(name, "a value for it", "is no variable that this daemon knows", example)
}

/// The tables of `docs/configuration.md`.
pub fn reference(choreography: &Choreography) -> String {
    let mut page = String::from("| variable | default | bounds | meaning |\n|---|---|---|---|\n");
    let defaults = Settings::of(choreography);
    // Writing to a String cannot fail.
    for Text { name, default, must, meaning, .. } in TEXTS {
        let _ = writeln!(page, "| `{name}` | {default} | {} | {meaning} |", must.trim_start_matches("must be "));
    }
    for number in SETTINGS {
        let (least, most) = (number.bounds.start(), number.bounds.end());
        let default = (number.get)(&defaults);
        let _ = writeln!(page, "| `{}` | {default} | {least} to {most} | {} |", number.name, number.meaning);
    }
    page += "\n| of each row | ";
    for row in &choreography.rows {
        let _ = write!(page, "`{}` | ", row.name);
    }
    let _ = writeln!(page, "bounds | meaning |\n|---|{}---|---|", "---|".repeat(choreography.rows.len()));
    for number in ROW_LIMITS {
        let _ = write!(page, "| `MURMUR_<ROW>_{}` | ", number.name);
        for row in &choreography.rows {
            let _ = write!(page, "{} | ", (number.get)(&row.limits));
        }
        let _ = writeln!(page, "{} to {} | {} |", number.bounds.start(), number.bounds.end(), number.meaning);
    }
    page
}
