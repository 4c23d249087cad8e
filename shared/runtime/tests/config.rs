//! What the environment may say, and how a daemon refuses the rest: every problem at once, with what would do.
//! Never touches the environment of the test process: variables are handed in.
//! Next: `docs/configuration.md`, whose tables are compared here.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::ffi::OsString;
use std::time::Duration;

use contract::topology::Choreography;
use contract::{RowName, Topology};
use runtime::config::{Config, ConfigErrors, Problem, reference};
use runtime::settings::Settings;

fn choreography() -> Choreography {
    Topology::murmuration().check().unwrap()
}

fn read(vars: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
    let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::from_vars(vars, &choreography())
}

fn refused(vars: &[(&str, &str)]) -> Vec<Problem> {
    read(vars).map(|config| config.settings).unwrap_err().0
}

#[test]
fn an_empty_environment_is_good_and_gives_the_defaults() {
    let config = read(&[]).unwrap();
    assert_eq!(format!("{:?}", config.settings), format!("{:?}", Settings::of(&choreography())));
    assert_eq!((config.bus.as_str(), config.table.as_str()), ("murmuration", "murmuration"));
    assert_eq!((config.http, config.otlp_endpoint), (None, None));
}

#[test]
fn every_variable_reaches_its_own_setting() {
    let config = read(&[
        ("MURMUR_GOAL_DEADLINE_S", "3601"),
        ("MURMUR_GOAL_DEADLINE_MAX_S", "604801"),
        ("MURMUR_RECORD_RETENTION_S", "2592001"),
        ("MURMUR_SKEW_MARGIN_S", "6"),
        ("MURMUR_SWEEP_EVERY_S", "21"),
        ("MURMUR_RECEIVE_WAIT_S", "19"),
        ("MURMUR_LINGER_MS", "7"),
        ("MURMUR_DRAIN_GRACE_S", "29"),
        ("MURMUR_TOLD_AFTER_S", "31"),
        ("MURMUR_HOLD_POSTPONE_S", "61"),
        ("MURMUR_TOKENS_ALLOWED", "1000001"),
        ("MURMUR_MICROS_ALLOWED", "5000001"),
        ("MURMUR_RETRY_ELAPSED_MAX_S", "11"),
        ("MURMUR_BUS", "other-bus"),
        ("MURMUR_TABLE", "other-table"),
        ("MURMUR_HTTP", "127.0.0.1:0"),
        ("MURMUR_OTLP_ENDPOINT", "http://127.0.0.1:4318"),
        ("MURMUR_LOG", "warn,runtime=debug"),
        ("MURMUR_TRACE_URL", "https://jaeger.example/trace/{trace}?x={trace}"),
    ])
    .unwrap();
    assert_eq!(config.trace_url.as_deref(), Some("https://jaeger.example/trace/{trace}?x={trace}"));
    let all = &config.settings;
    let seconds = [
        (all.goal_deadline, 3601),
        (all.goal_deadline_max, 604_801),
        (all.record_retention, 2_592_001),
        (all.skew_margin, 6),
        (all.sweep_every, 21),
        (all.receive_wait, 19),
        (all.drain_grace, 29),
        (all.told_after, 31),
        (all.hold_postpone, 61),
        (all.retry_elapsed_max, 11),
    ];
    seconds.iter().for_each(|(found, expected_s)| assert_eq!(found.as_secs(), *expected_s));
    assert_eq!(all.linger, Duration::from_millis(7));
    assert_eq!((all.tokens_allowed, all.micros_allowed), (1_000_001, 5_000_001));
    assert_eq!((config.bus.as_str(), config.table.as_str()), ("other-bus", "other-table"));
    assert_eq!(config.http.unwrap().port(), 0);
    assert_eq!(config.otlp_endpoint.unwrap().port(), Some(4318));
    assert!(config.log.filter.would_enable("runtime", &tracing::Level::DEBUG));
    assert!(!config.log.filter.would_enable("hyper", &tracing::Level::INFO));
}

#[test]
fn limits_of_a_row_change_that_row_only_and_reach_the_choreography() {
    let config = read(&[
        ("MURMUR_RESEARCH_TASKS_CONCURRENCY", "3"),
        ("MURMUR_RESEARCH_TASKS_LEASE_S", "90"),
        ("MURMUR_RESEARCH_TASKS_STEP_DEADLINE_S", "900"),
        ("MURMUR_RESEARCH_TASKS_ATTEMPTS_MAX", "5"),
    ])
    .unwrap();
    let (tasks, research) = (RowName::new("research-tasks"), RowName::new("research"));
    let limits = config.settings.limits[&tasks];
    assert_eq!((limits.concurrency, limits.lease_s, limits.step_deadline_s, limits.attempts_max), (3, 90, 900, 5));
    assert_eq!(config.choreography.row(&tasks).unwrap().limits, limits);
    assert_eq!(config.settings.limits[&research], choreography().row(&research).unwrap().limits);
}

#[test]
fn all_problems_are_listed_at_once_each_with_name_finding_and_example() {
    let problems = refused(&[
        ("MURMUR_GOAL_DEADLINE_S", "1h"),
        ("MURMUR_LINGER_MS", "-5"),
        ("MURMUR_TOKENS_ALLOWED", "+5"),
        ("MURMUR_RECEIVE_WAIT_S", "21"),
        ("MURMUR_HTTP", "9464"),
        ("MURMUR_OTLP_ENDPOINT", "https://collector.example"),
        ("MURMUR_LOG", "inof"),
        ("MURMUR_BUS", "my bus"),
        ("MURMUR_TABLE", "x"),
        ("MURMUR_WRITER_CONCURRENCY", "0"),
        ("MURMUR_TRACE_URL", "http://127.0.0.1:16686/trace/"),
    ]);
    assert_eq!(problems.len(), 11, "{problems:#?}");
    for problem in &problems {
        let name = &problem.variables[0];
        assert!(problem.example.starts_with(&format!("{name}=")), "{problem}");
        let example = problem.example.split_once('=').unwrap();
        read(&[example]).unwrap_or_else(|why| panic!("the example would not do: {why}"));
    }
    let text = ConfigErrors(problems).to_string();
    assert!(text.starts_with("bad configuration, 11 problems:\n  - MURMUR_BUS: "), "{text}");
    assert!(
        text.contains(
            "MURMUR_GOAL_DEADLINE_S: must be a whole number of seconds from 10 to 2592000; found \"1h\"; would do: MURMUR_GOAL_DEADLINE_S=3600"
        ),
        "{text}"
    );
}

#[test]
fn an_unknown_name_is_refused_with_the_nearest_known_one_and_without_its_value() {
    let [problem] = &refused(&[("MURMUR_GAOL_DEADLINE_S", "s3cret")])[..] else { panic!() };
    assert!(problem.example.starts_with("MURMUR_GOAL_DEADLINE_S "), "{problem}");
    assert!(!problem.to_string().contains("s3cret"));
    let [problem] = &refused(&[("MURMUR_RESEARCH_TASK_LEASE_S", "60")])[..] else { panic!() };
    assert!(problem.example.starts_with("MURMUR_RESEARCH_TASKS_LEASE_S "), "{problem}");
}

#[test]
fn a_found_value_is_shown_escaped_and_short() {
    let value = format!("\u{1b}[31m{}", "x".repeat(500));
    let [problem] = &refused(&[("MURMUR_LINGER_MS", &value)])[..] else { panic!() };
    assert!(!problem.found.contains('\u{1b}') && problem.found.chars().count() < 90, "{problem}");
}

#[test]
fn records_that_expire_before_a_last_redelivery_are_refused_with_the_numbers() {
    // Fourteen days of dead letters and one day more.
    let enough = 15 * 24 * 3600;
    read(&[("MURMUR_RECORD_RETENTION_S", &enough.to_string())]).unwrap();
    let problems = refused(&[("MURMUR_RECORD_RETENTION_S", &(enough - 1).to_string())]);
    assert_eq!(problems.len(), choreography().rows.len());
    let text = problems[0].to_string();
    assert!(text.contains("1209600 s") && text.contains("1296000 s against 1295999 s"), "{text}");
    assert_eq!(problems[0].example, "MURMUR_RECORD_RETENTION_S=1296000");
}

#[test]
fn work_past_the_longest_visibility_is_refused() {
    read(&[("MURMUR_WRITER_STEP_DEADLINE_S", "1200"), ("MURMUR_WRITER_LEASE_S", "60")]).unwrap();
    let problems = refused(&[("MURMUR_WRITER_STEP_DEADLINE_S", "43141"), ("MURMUR_WRITER_LEASE_S", "60")]);
    let text = problems[0].to_string();
    assert!(text.contains("43201 s against 43200 s"), "{text}");
    assert!(problems.iter().any(|problem| problem.example == "MURMUR_WRITER_STEP_DEADLINE_S=43140"));
    assert_eq!(refused(&[("MURMUR_WRITER_STEP_DEADLINE_S", "43201")]).len(), 1, "out of its bounds, so in no relation");
}

#[test]
fn each_relation_is_refused_when_broken_and_its_example_mends_it() {
    let broken: &[&[(&str, &str)]] = &[
        &[("MURMUR_WRITER_LEASE_S", "700")],
        &[
            ("MURMUR_WRITER_LEASE_S", "14"),
            ("MURMUR_RETRY_ELAPSED_MAX_S", "2"),
            ("MURMUR_WRITER_STEP_DEADLINE_S", "120"),
        ],
        &[
            ("MURMUR_WRITER_LEASE_S", "17"),
            ("MURMUR_RETRY_ELAPSED_MAX_S", "13"),
            ("MURMUR_WRITER_STEP_DEADLINE_S", "120"),
        ],
        &[("MURMUR_DRAIN_GRACE_S", "29")],
        &[("MURMUR_TOLD_AFTER_S", "14")],
        &[("MURMUR_GOAL_DEADLINE_MAX_S", "3599")],
        &[("MURMUR_GOAL_DEADLINE_S", "19")],
    ];
    for vars in broken {
        let [problem] = &refused(vars)[..] else { panic!("{vars:?}: {:#?}", refused(vars)) };
        let mended: Vec<_> = vars.iter().copied().chain([problem.example.split_once('=').unwrap()]).collect();
        read(&mended).unwrap_or_else(|why| panic!("{problem} would not do: {why}"));
    }
}

#[test]
fn a_value_that_cannot_be_read_is_not_compared_with_others() {
    let problems = refused(&[("MURMUR_GOAL_DEADLINE_S", "soon"), ("MURMUR_GOAL_DEADLINE_MAX_S", "600")]);
    assert_eq!(problems.len(), 1, "{problems:#?}");
}

#[test]
fn foreign_variables_are_none_of_our_business_and_an_empty_one_is_not_set() {
    read(&[("PATH", "/bin"), ("MURMURATION", "x"), ("MURMUR_HTTP", ""), ("MURMUR_NO_SUCH", "")]).unwrap();
}

#[test]
fn a_daemons_own_variables_are_handed_on_and_only_they() {
    let vars = [("MURMUR_MODEL", "small"), ("MURMUR_MODLE", "x")];
    let vars = vars.map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let good = Config::from_os_vars(vars[..1].to_vec(), &choreography(), &["MURMUR_MODEL"]).unwrap();
    assert_eq!(good.own["MURMUR_MODEL"], "small");
    let bad = Config::from_os_vars(vars, &choreography(), &["MURMUR_MODEL"]).unwrap_err();
    assert!(bad.0[0].example.starts_with("MURMUR_MODEL "), "{bad}");
}

#[test]
fn artifacts_are_kept_among_the_users_own_data_unless_a_place_is_named() {
    let place = |vars: &[(&str, &str)]| read(vars).unwrap().artifacts.map(String::from);
    assert_eq!(place(&[]), None);
    let home = ("HOME", "/home/a user");
    let below_home = "file:///home/a%20user/.local/share/murmuration/artifacts";
    assert_eq!(place(&[home]).as_deref(), Some(below_home));
    assert_eq!(place(&[home, ("XDG_DATA_HOME", "/data")]).as_deref(), Some("file:///data/murmuration/artifacts"));
    // The specification of that variable has a relative path ignored.
    assert_eq!(place(&[home, ("XDG_DATA_HOME", "data")]).as_deref(), Some(below_home));
    for named in ["file:///var/lib/murmuration", "s3://a-bucket", "s3://a-bucket/some/prefix"] {
        assert_eq!(place(&[home, ("MURMUR_ARTIFACTS", named)]).as_deref(), Some(named));
    }
}

#[test]
fn a_place_for_artifacts_that_is_neither_folder_nor_bucket_is_refused() {
    let bad =
        ["/var/lib", "file://elsewhere/var/lib", "https://a-bucket/x", "s3:///x", "s3://b/x", "s3://a-bucket/x?y=z"];
    for named in bad.into_iter().chain(["s3://key@a-bucket/x", "s3://a-bucket:1/x", "file:///var/lib#x", "artifacts"]) {
        let problems = refused(&[("MURMUR_ARTIFACTS", named)]);
        assert_eq!(problems.len(), 1, "{named}: {problems:?}");
        assert!(problems[0].example.starts_with("MURMUR_ARTIFACTS=s3://"), "{named}: {}", problems[0]);
    }
}

#[cfg(unix)]
#[test]
fn bytes_that_are_no_text_are_a_problem_and_no_panic() {
    use std::os::unix::ffi::OsStringExt as _;
    let vars = [
        (OsString::from("MURMUR_BUS"), OsString::from_vec(vec![0xff, 0xfe])),
        (OsString::from_vec(b"FOREIGN\xff".to_vec()), OsString::from_vec(vec![0xff])),
    ];
    let problems = Config::from_os_vars(vars, &choreography(), &[]).unwrap_err().0;
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].variables, ["MURMUR_BUS"]);
}

#[test]
fn the_page_has_the_same_table_as_the_code() {
    let page = include_str!("../../../docs/configuration.md");
    let (before, rest) = page.split_once("made by `config::reference` -->\n").unwrap();
    let (table, after) = rest.split_once("<!-- end -->").unwrap();
    let made = reference(&choreography());
    if table != made {
        let whole = format!("{before}made by `config::reference` -->\n{made}<!-- end -->{after}");
        let beside = concat!(env!("CARGO_TARGET_TMPDIR"), "/configuration.md");
        std::fs::write(beside, whole).unwrap();
        panic!("docs/configuration.md differs from the code; as it should be: {beside}");
    }
}
