//! Owns the conduct of the ports: checks by name that run against any implementation, in memory or over the wire.
//! Never assumes paused time or a look inside: a check sees the port, waits with a deadline, and allows what
//! at-least-once allows.
//! Next: `queue_suite!`, `bus_suite!` and `ledger_suite!` make a test of each check, for one fixture and its known gaps.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use contract::PortError;
use runtime::ports::EntryResult;

/// How long a check waits for something that must happen.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long one check may take in all.
const CHECK_MAX: Duration = Duration::from_secs(180);

/// Declares the checks of a suite once: as the list `ALL`, and as a macro that makes one test of each.
macro_rules! suite {
    ($d:tt $each:ident in $module:ident over $fixture:ident: $($name:ident),+ $(,)?) => {
        /// One check over one fixture.
        pub type Check = for<'a> fn(&'a dyn $fixture) -> futures_util::future::BoxFuture<'a, $crate::suites::Verdict>;

        /// Every check by its name.
        pub const ALL: &[(&str, Check)] = &[$((stringify!($name), |fixture| Box::pin($name(fixture)))),+];

        /// One test for each check: `fixture` is made anew for each, `gaps` is a slice of `suites::Gap`, and what
        /// follows `tokio:` goes into `#[tokio::test(..)]`.
        #[macro_export]
        macro_rules! $each {
            (fixture: $d fixture:expr, gaps: $d gaps:expr $d(, tokio: $d($d attr:tt)+)?) => {
                $(
                    #[tokio::test($d($d($d attr)+)?)]
                    async fn $name() {
                        let fixture = $d fixture;
                        let check = $crate::suites::$module::$name(&fixture);
                        $crate::suites::judge(stringify!($name), check, $d gaps).await;
                    }
                )+

                #[test]
                fn every_gap_names_a_check() {
                    let names = $crate::suites::$module::ALL.iter().map(|(name, _)| *name);
                    $crate::suites::judge_gaps(&names.collect::<Vec<_>>(), $d gaps);
                }
            };
        }
    };
}

/// Fails the check, with what was found, unless the condition holds.
macro_rules! ensure {
    ($holds:expr, $($why:tt)+) => {
        if !$holds {
            return Err($crate::suites::Failure::new(format!($($why)+)));
        }
    };
}

pub mod bus;
pub mod ledger;
pub mod queue;

pub type Verdict = Result<(), Failure>;

/// What was found instead of what the port promises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(String);

impl Failure {
    pub fn new(why: impl Into<String>) -> Failure {
        Failure(why.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<PortError> for Failure {
    fn from(why: PortError) -> Failure {
        Failure(format!("the port said: {why}"))
    }
}

impl From<serde_json::Error> for Failure {
    fn from(why: serde_json::Error) -> Failure {
        Failure(format!("not the JSON that was expected: {why}"))
    }
}

/// A check that one server is known to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    pub check: &'static str,
    pub why: &'static str,
}

/// Runs one check and panics, as tests do, where its verdict is not what the gaps let expect.
pub async fn judge(name: &str, check: impl Future<Output = Verdict>, gaps: &[Gap]) {
    let too_long = |_| Err(Failure::new(format!("still not done after {} s", CHECK_MAX.as_secs())));
    let verdict = tokio::time::timeout(CHECK_MAX, check).await.unwrap_or_else(too_long);
    if let Err(why) = weigh(name, verdict, gaps) {
        panic!("{why}");
    }
}

/// A check passes unless it is a known gap; a gap fails, or it has closed.
pub fn weigh(name: &str, verdict: Verdict, gaps: &[Gap]) -> Result<(), String> {
    match (verdict, gaps.iter().find(|gap| gap.check == name)) {
        (Ok(()), None) | (Err(_), Some(_)) => Ok(()),
        (Ok(()), Some(gap)) => Err(format!("the gap {name} has closed: take it off the list (it said: {})", gap.why)),
        (Err(why), None) => Err(format!("{name}: {why}")),
    }
}

/// Panics where a gap names no check: a renamed check must not leave its gap behind.
pub fn judge_gaps(checks: &[&str], gaps: &[Gap]) {
    let unknown: Vec<&str> = gaps.iter().map(|gap| gap.check).filter(|name| !checks.contains(name)).collect();
    assert!(unknown.is_empty(), "gaps that name no check: {unknown:?}");
}

/// Asks again and again until the answer is the wanted one; the last answer if it never is.
async fn eventually<T, Asked>(mut ask: impl FnMut() -> Asked, good: impl Fn(&T) -> bool) -> Result<T, Failure>
where
    Asked: Future<Output = Result<T, PortError>>,
{
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let answer = ask().await?;
        if good(&answer) || tokio::time::Instant::now() >= deadline {
            return Ok(answer);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn all_fine(results: &[EntryResult], entries: usize) -> Verdict {
    ensure!(results.len() == entries, "{} results for {entries} entries", results.len());
    match results.iter().enumerate().find_map(|(at, result)| Some((at, result.as_ref().err()?))) {
        Some((at, why)) => Err(Failure::new(format!("entry {at} failed: {why}"))),
        None => Ok(()),
    }
}

/// Whether the entry was refused for good, alone or with its whole batch: servers differ in that, and callers split.
fn refused(answer: &Result<Vec<EntryResult>, PortError>, entry: usize) -> Verdict {
    let why = match answer {
        Err(why) => why,
        Ok(results) => match results.get(entry) {
            Some(Err(why)) => why,
            other => return Err(Failure::new(format!("entry {entry} should have been refused, not {other:?}"))),
        },
    };
    ensure!(matches!(why, PortError::Permanent { .. }), "should have been permanent: {why}");
    Ok(())
}

fn permanent<T: fmt::Debug>(answer: Result<T, PortError>, what: &str) -> Verdict {
    match answer {
        Err(PortError::Permanent { .. }) => Ok(()),
        other => Err(Failure::new(format!("{what}: should have been refused for good, not {other:?}"))),
    }
}
