//! Owns many rounds of one kind: in batches, each on a field of its own, several at once, and judged when it is at rest.
//! Never goes on after a batch that is not clean: it leaves its history, and says the seed that repeats it.
//! Next: `main` runs campaigns; the tests of this package run small ones.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::field::{Field, Layout};
use super::figures::Figures;
use super::wire::{self, Harm};
use super::{Round, freeze, kill, standin, term};
use crate::checker::judge;
use crate::points::{Point, all};

/// What happens in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Kill,
    Freeze,
    Term,
    Wire,
    /// The server itself is killed and away.
    Standin,
}

/// So many rounds of a kind.
#[derive(Clone, Debug)]
pub struct Campaign {
    pub kind: Kind,
    pub rounds: usize,
    pub seed: u64,
    /// Rounds between two judgements.
    pub batch: usize,
    /// Where the history of a batch that is not clean is kept.
    pub out: PathBuf,
    /// Only points whose title has this; all where it is empty.
    pub only: String,
}

/// What strikes in one round.
#[derive(Clone, Debug)]
enum Strike {
    At(Point),
    Wire(Harm),
}

impl Kind {
    pub const ALL: [Kind; 5] = [Kind::Kill, Kind::Freeze, Kind::Term, Kind::Wire, Kind::Standin];

    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Kill => "kill",
            Kind::Freeze => "freeze",
            Kind::Term => "term",
            Kind::Wire => "wire",
            Kind::Standin => "standin",
        }
    }

    pub fn layout(self) -> Layout {
        match self {
            Kind::Kill => Layout::short_leases(3),
            Kind::Freeze => Layout::short_leases(4),
            Kind::Term => Layout::long_leases(2),
            Kind::Wire | Kind::Standin => Layout::short_leases(1),
        }
    }

    /// Rounds that are under way together.
    fn at_once(self) -> usize {
        match self {
            Kind::Kill => 16,
            Kind::Freeze => 12,
            Kind::Term | Kind::Wire => 8,
            Kind::Standin => 1,
        }
    }
}

impl Campaign {
    pub async fn run(&self) -> anyhow::Result<Figures> {
        let began = Instant::now();
        let mut figures = Figures { kind: self.kind.as_str().into(), seed: self.seed, ..Figures::default() };
        let strikes = self.strikes();
        anyhow::ensure!(!strikes.is_empty(), "no point has {:?} in its title", self.only);
        let mut done = 0;
        while done < self.rounds && figures.is_clean() {
            let count = self.batch.min(self.rounds - done);
            match self.kind {
                Kind::Standin => Box::pin(standin::batch(self, done, count, &mut figures)).await?,
                _ => Box::pin(self.batch(&strikes, done, count, &mut figures)).await?,
            }
            done += count;
            figures.took_s = began.elapsed().as_secs();
            figures.tell();
        }
        Ok(figures)
    }

    fn strikes(&self) -> Vec<Strike> {
        let mut all: Vec<Strike> = match self.kind {
            Kind::Wire => wire::all().into_iter().map(Strike::Wire).collect(),
            Kind::Standin => return vec![Strike::Wire(wire::all().remove(0))],
            _ => all().into_iter().map(Strike::At).collect(),
        };
        all.retain(|strike| strike.title().contains(&self.only));
        // A slice must not always strike the same ones.
        fastrand::Rng::with_seed(self.seed).shuffle(&mut all);
        all
    }

    /// Rounds `from..from + count`, on a field of their own.
    async fn batch(&self, strikes: &[Strike], from: usize, count: usize, figures: &mut Figures) -> anyhow::Result<()> {
        let run = self.run_of(from);
        let field = Arc::new(Box::pin(Field::open(self.kind.layout(), run)).await?);
        let places = Arc::new(Semaphore::new(self.kind.at_once()));
        let mut rounds = JoinSet::new();
        for n in from..from + count {
            let (field, strike, kind) = (Arc::clone(&field), strikes[n % strikes.len()].clone(), self.kind);
            let place = Arc::clone(&places).acquire_owned().await?;
            let mut chance = fastrand::Rng::with_seed(run ^ ((n as u64) << 20));
            rounds.spawn(async move {
                let round = strike.round(kind, &field, n, &mut chance).await;
                drop(place);
                (strike.title(), round)
            });
            while let Some(ended) = rounds.try_join_next() {
                noted(figures, ended?);
            }
            if !figures.broken.is_empty() {
                break;
            }
        }
        while let Some(ended) = rounds.join_next().await {
            noted(figures, ended?);
        }
        if !figures.broken.is_empty() {
            self.keep(&format!("{}-{run}.log", self.kind.as_str()), field.rookery.told().await.as_bytes())?;
        }
        let field = Arc::into_inner(field).context("a round still holds the field")?;
        self.judged(Box::pin(field.close()).await, run, figures)
    }

    /// Reads what the run left, and keeps it where it is not clean.
    pub(crate) fn judged(
        &self,
        history: anyhow::Result<crate::history::History>,
        run: u64,
        figures: &mut Figures,
    ) -> anyhow::Result<()> {
        let history = match history {
            Ok(history) => history,
            Err(why) => {
                figures.broken.push(format!("{why:#}"));
                return Ok(());
            }
        };
        let verdict = judge(&history);
        figures.judged(&verdict);
        if !verdict.is_clean() || !figures.broken.is_empty() {
            let text = serde_json::to_vec_pretty(&history)?;
            self.keep(&format!("{}-{run}.history.json", self.kind.as_str()), &text)?;
            figures
                .broken
                .extend(verdict.defects.iter().map(|defect| format!("{}: {}", defect.kind.as_str(), defect.how)));
        }
        Ok(())
    }

    /// Each batch has a number of its own, which its goals' words begin with.
    pub(crate) fn run_of(&self, from: usize) -> u64 {
        self.seed * 1_000 + (from / self.batch.max(1)) as u64
    }

    fn keep(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        std::fs::create_dir_all(&self.out)?;
        Ok(std::fs::write(self.out.join(name), bytes)?)
    }
}

impl Strike {
    fn title(&self) -> String {
        match self {
            Strike::At(point) => point.title(),
            Strike::Wire(harm) => harm.title(),
        }
    }

    async fn round(&self, kind: Kind, field: &Field, n: usize, chance: &mut fastrand::Rng) -> anyhow::Result<Round> {
        match (self, kind) {
            (Strike::Wire(harm), _) => wire::round(field, harm, n, chance).await,
            (Strike::At(point), Kind::Freeze) => freeze::round(field, point, n, chance).await,
            (Strike::At(point), Kind::Term) => term::round(field, point, n, chance).await,
            (Strike::At(point), _) => kill::round(field, point, n, chance).await,
        }
    }
}

fn noted(figures: &mut Figures, (title, round): (String, anyhow::Result<Round>)) {
    match round {
        Ok(Round::Struck) => figures.struck(&title),
        Ok(Round::Missed) => figures.missed(&title),
        Err(why) => figures.broken.push(format!("{title}: {why:#}")),
    }
}
