//! Owns what one seed is like: how often each fault strikes, how skewed the clocks are, how hard the goals are.
//! Never the faults themselves: `ports` and `operator` make them happen.
//! Next: `mod` draws one of these for each seed.

use super::point::Op;

/// After this, in seconds, nothing fails any more: what was disturbed must come to rest.
pub(crate) const CALM_S: u64 = 900;
/// By then, all must be at rest.
pub(crate) const HORIZON_S: u64 = 9_000;
/// The longest time that a delivery can be held up by freezes and stalls.
pub(crate) const LONGEST_HOLDUP_MS: i64 = 300_000;

#[derive(Clone, Debug)]
pub(crate) struct Odds {
    pub(crate) crash: f64,
    /// This operation is crashed at more often than others: every await point has its turn.
    pub(crate) crash_at: Op,
    pub(crate) freeze: f64,
    pub(crate) stall: f64,
    pub(crate) fail: f64,
    pub(crate) lose_reply: f64,
    pub(crate) entry_fails: f64,
    pub(crate) unprocessed: f64,
    pub(crate) duplicate_message: f64,
    pub(crate) duplicate_event: f64,
    pub(crate) drop_event: f64,
    pub(crate) shutdown: f64,
    pub(crate) handler_error: f64,
    pub(crate) handler_panic: f64,
    pub(crate) handler_long: f64,
    pub(crate) unsettled: f64,
    pub(crate) redrive: f64,
    pub(crate) redrive_within_s: u64,
    pub(crate) bus_delay_ms_max: u64,
    pub(crate) skew_ms_max: i64,
    /// A row whose steps fail nearly always, in every goal or one.
    pub(crate) poison: Option<&'static str>,
    /// A row of which one step kills its process nearly always.
    pub(crate) killer: Option<&'static str>,
    pub(crate) receives_max: u32,
    pub(crate) calls: u32,
    pub(crate) tasks: usize,
}

/// Tasks more often: only they share a process with others of their kind.
const ROWS: [&str; 7] =
    ["research", "research-tasks", "research-tasks", "research-tasks", "analysis", "writer", "recommendation"];

impl Odds {
    pub(crate) fn draw(seed: u64, rng: &mut fastrand::Rng) -> Odds {
        let mut pick = |of: &[f64]| of[rng.usize(..of.len())];
        let crash = pick(&[0.0, 0.0, 0.000_5, 0.002, 0.005]);
        let freeze = pick(&[0.0, 0.000_5, 0.002]);
        let stall = pick(&[0.0, 0.001, 0.005, 0.02]);
        let fail = pick(&[0.0, 0.01, 0.05]);
        let lose_reply = pick(&[0.0, 0.01, 0.05]);
        let entry_fails = pick(&[0.0, 0.02, 0.1]);
        let unprocessed = pick(&[0.0, 0.05, 0.2]);
        let duplicate_message = pick(&[0.0, 0.01, 0.05]);
        let duplicate_event = pick(&[0.0, 0.02, 0.1]);
        let drop_event = pick(&[0.0, 0.0, 0.0, 0.04]);
        let shutdown = pick(&[0.0, 0.0, 0.002]);
        let handler_error = pick(&[0.0, 0.03, 0.15]);
        let handler_panic = pick(&[0.0, 0.0, 0.03]);
        let handler_long = pick(&[0.0, 0.1, 0.3]);
        let unsettled = pick(&[0.0, 0.2]);
        let redrive = pick(&[0.3, 0.9]);
        let mut row = |p: f64| (rng.f64() < p).then(|| ROWS[rng.usize(..ROWS.len())]);
        let poison = row(if seed % 4 == 2 { 1.0 } else { 0.2 });
        let killer = row(0.2);
        let places: Vec<Op> = Op::all().collect();
        let mut whole = |of: &[u64]| of[rng.usize(..of.len())];
        Odds {
            crash,
            crash_at: places[usize::try_from(seed).unwrap_or(0) % places.len()],
            freeze,
            stall,
            fail,
            lose_reply,
            entry_fails,
            unprocessed,
            duplicate_message,
            duplicate_event,
            drop_event,
            shutdown,
            handler_error,
            handler_panic,
            handler_long,
            unsettled,
            redrive,
            redrive_within_s: whole(&[3, 10, 120]),
            bus_delay_ms_max: whole(&[0, 500, 5_000, 150_000]),
            // Within half the margin, or thirty seconds apart: then only the epochs decide.
            skew_ms_max: i64::try_from(whole(&[0, 3_000, 3_000, 15_000])).unwrap_or(0),
            poison,
            killer,
            receives_max: u32::try_from(whole(&[100, 100, 100, 8])).unwrap_or(100),
            calls: u32::try_from(whole(&[0, 1, 1, 2])).unwrap_or(1),
            tasks: if killer == Some("research-tasks") { 10 } else { 3 },
        }
    }

    /// Whether clocks are within the margin, so that a lease that is not over may not be taken.
    pub(crate) fn clocks_agree(&self) -> bool {
        self.skew_ms_max <= 3_000
    }
}
