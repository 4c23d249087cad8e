//! Owns the long runs: rounds of faults on real processes, each judged.
//! Never decides what is right: `faults::checker` does.
//! Next: `faults::rounds`; figures go to standard output and, as JSON, to a file.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use faults::rounds::{Campaign, Figures, Kind};
use faults::soak;

/// Faults on the real daemons over the stand-in, and a checker that judges what came of every goal.
#[derive(Debug, Parser)]
#[command(name = "faults", version)]
struct Asked {
    /// What happens in each round
    kind: Which,
    /// Rounds of that kind; of `all`, of each
    #[arg(long, default_value_t = 100)]
    rounds: usize,
    /// The same seed strikes the same places in the same order
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Rounds between two judgements
    #[arg(long, default_value_t = 250)]
    batch: usize,
    /// Only places whose title has this: "analysis: commit"
    #[arg(long, default_value = "")]
    only: String,
    /// Where figures, and histories that are not clean, are kept
    #[arg(long, value_name = "DIR", default_value = "target/faults")]
    out: PathBuf,
    /// Of `all`: so few of each that all of them end within ten minutes
    #[arg(long)]
    slice: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Which {
    /// SIGKILL at a point of a delivery
    Kill,
    /// SIGSTOP past the lease, a takeover, SIGCONT
    Freeze,
    /// SIGTERM at a point of a delivery
    Term,
    /// Calls that fail, are late, lose their reply
    Wire,
    /// The stand-in killed, and away
    Standin,
    /// As many goals as rounds, under everything at once
    Soak,
    /// Each of them
    All,
}

impl Asked {
    /// What is run, and how many rounds of it.
    fn kinds(&self) -> Vec<(Option<Kind>, usize)> {
        let one = |kind| vec![(Some(kind), self.rounds)];
        match self.kind {
            Which::Kill => one(Kind::Kill),
            Which::Freeze => one(Kind::Freeze),
            Which::Term => one(Kind::Term),
            Which::Wire => one(Kind::Wire),
            Which::Standin => one(Kind::Standin),
            Which::Soak => vec![(None, self.rounds)],
            Which::All => {
                let of = |kind| if self.slice { slice(kind) } else { self.rounds };
                let kinds = Kind::ALL.into_iter().map(Some).chain([None]);
                kinds.map(|kind| (kind, of(kind))).collect()
            }
        }
    }
}

/// Rounds of CI: all kinds within ten minutes. The soak has no kind.
fn slice(kind: Option<Kind>) -> usize {
    match kind {
        Some(Kind::Kill) => 160,
        Some(Kind::Freeze) => 40,
        Some(Kind::Term | Kind::Wire) => 80,
        Some(Kind::Standin) => 15,
        None => 100,
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let asked = Asked::parse();
    let ran = tokio::select! {
        ran = run(&asked) => ran,
        // Everything that was started ends with what is dropped here.
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
    };
    match ran {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            say(&format!("faults: {why:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(asked: &Asked) -> anyhow::Result<bool> {
    let mut clean = true;
    for (kind, rounds) in asked.kinds() {
        let (seed, batch, out, only) = (asked.seed, asked.batch, asked.out.clone(), asked.only.clone());
        let campaign = Campaign { kind: kind.unwrap_or(Kind::Kill), rounds, seed, batch, out, only };
        let figures = match kind {
            Some(_) => Box::pin(campaign.run()).await?,
            None => Box::pin(soak::run(&campaign)).await?,
        };
        keep(asked, &figures)?;
        for broken in &figures.broken {
            say(&format!("  {broken}"));
        }
        say(&figures.to_string());
        clean &= figures.is_clean();
    }
    Ok(clean)
}

fn keep(asked: &Asked, figures: &Figures) -> anyhow::Result<()> {
    std::fs::create_dir_all(&asked.out)?;
    let file = asked.out.join(format!("{}-{}.json", figures.kind, figures.seed));
    Ok(std::fs::write(file, serde_json::to_vec_pretty(figures)?)?)
}

/// Whoever has stopped reading does not stop the run.
fn say(what: &str) {
    let _ = writeln!(std::io::stdout(), "{what}");
}
