//! Owns the agents of a data directory as processes: all started side by side, kept up, and stopped by SIGTERM.
//! Never more than one flock over a data directory: it holds the lock, and notes for others what runs.
//! Next: `bird` is one of them; `up` keeps a flock, `run` has one for a goal.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, bail};
use contract::topology::Choreography;
use tokio::time::{Instant, sleep};

use crate::bird::{Bird, Happened};
use crate::exit::{Misconfigured, Misused};
use crate::house::{House, Lock};
use crate::kept::Kept;
use crate::process::Process;

const START_MAX: Duration = Duration::from_secs(60);
const END_MAX: Duration = Duration::from_secs(45);
const POLL: Duration = Duration::from_millis(5);

/// How many of each agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Replicas(Vec<(String, usize)>);

pub(crate) struct Flock {
    house: House,
    kept: Kept,
    birds: Vec<Bird>,
    _no_other_agents: Lock,
}

impl Replicas {
    /// One of each, or as many as are named: `research=2,writer=0`.
    pub(crate) fn of(choreography: &Choreography, named: &[(String, usize)]) -> anyhow::Result<Replicas> {
        let mut all: Vec<(String, usize)> =
            choreography.daemons().into_iter().map(|agent| (agent.to_string(), 1)).collect();
        for (agent, count) in named {
            let Some(found) = all.iter_mut().find(|(known, _)| known == agent) else {
                let known: Vec<_> = all.iter().map(|(agent, _)| agent.as_str()).collect();
                return Err(Misused(format!("there is no agent {agent}; there are {}", known.join(", "))).into());
            };
            found.1 = *count;
        }
        Ok(Replicas(all))
    }

    fn names(&self) -> impl Iterator<Item = (&str, String)> {
        self.0.iter().flat_map(|(agent, count)| {
            let numbered = move |n: usize| if n == 1 { agent.clone() } else { format!("{agent}-{n}") };
            (1..=*count).map(move |n| (agent.as_str(), numbered(n)))
        })
    }
}

impl Flock {
    /// All of them, not yet receiving.
    pub(crate) fn launch(
        house: &House,
        lock: Lock,
        stays: bool,
        server: String,
        environment: &BTreeMap<String, String>,
        replicas: &Replicas,
    ) -> anyhow::Result<Flock> {
        let keeper = Process::of(std::process::id()).context("this process is unknown to the system")?;
        let kept =
            Kept { keeper, stays, server, version: env!("CARGO_PKG_VERSION").into(), ready: false, agents: vec![] };
        let mut flock = Flock { house: house.clone(), kept, birds: vec![], _no_other_agents: lock };
        for (agent, name) in replicas.names() {
            flock.birds.push(Bird::start(agent, name, house, environment)?);
            // Each at once: one that is not noted would outlive a murmur that is killed here.
            flock.note()?;
        }
        flock.note()?;
        Ok(flock)
    }

    /// Until all of them receive.
    pub(crate) async fn come_up(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + START_MAX;
        while !self.birds.iter().all(Bird::is_up) {
            for bird in &mut self.birds {
                let (name, log) = (bird.noted.name.clone(), bird.noted.log.display().to_string());
                match bird.look() {
                    Happened::Ended { said, code, .. }
                        if code == Some(runtime::config::EXIT_BAD_CONFIGURATION.into()) =>
                    {
                        return Err(Misconfigured(format!("{name} refuses its configuration:\n{said}")).into());
                    }
                    Happened::Ended { how, said, .. } => bail!("{name} does not come up ({how}); see {log}\n{said}"),
                    Happened::DidNotStart { why, .. } => bail!("{name}: {why}"),
                    Happened::Nothing | Happened::CameUp => {}
                }
                if Instant::now() >= deadline && !bird.is_up() {
                    bail!("{name} is not at work after {} s; see {log}", START_MAX.as_secs());
                }
            }
            sleep(POLL).await;
        }
        self.kept.ready = true;
        self.note()
    }

    /// Starts again who ended and has rested; what happened, in words.
    pub(crate) fn look_after(&mut self) -> anyhow::Result<Vec<String>> {
        let mut told = vec![];
        for bird in &mut self.birds {
            let name = bird.noted.name.clone();
            let again = |pause: Duration| format!("started again in {:.1} s", pause.as_secs_f64());
            match bird.look() {
                Happened::Nothing => {}
                Happened::CameUp => told.push(format!("{name} is up again (restarts: {})", bird.noted.restarts)),
                // Whoever was killed had no time to say why.
                Happened::Ended { how, code: None, again_in, .. } => {
                    told.push(format!("{name} ended ({how}), {}", again(again_in)));
                }
                Happened::Ended { how, said, again_in, .. } => {
                    let last = said.lines().last().unwrap_or_default();
                    told.push(format!("{name} ended ({how}), {}; it said last: {last}", again(again_in)));
                }
                Happened::DidNotStart { why, again_in } => told.push(format!("{name}: {why}, {}", again(again_in))),
            }
            // Its agent works on, and it is looked at again in a moment.
            let _ = bird.bound_log();
        }
        let changed = self.kept.agents.len() != self.birds.len()
            || self.kept.agents.iter().zip(&self.birds).any(|(noted, bird)| *noted != bird.noted);
        if changed {
            self.note()?;
        }
        Ok(told)
    }

    pub(crate) fn kept(&self) -> &Kept {
        &self.kept
    }

    fn note(&mut self) -> anyhow::Result<()> {
        self.kept.agents = self.birds.iter().map(|bird| bird.noted.clone()).collect();
        self.kept.put(&self.house)
    }

    /// SIGTERM to all; what they have at work is ended or given back. Those that had to be killed.
    pub(crate) async fn stop(mut self) -> Vec<String> {
        for bird in &self.birds {
            bird.drain();
        }
        let mut killed = vec![];
        let deadline = Instant::now() + END_MAX;
        for bird in &mut self.birds {
            if !bird.is_gone_within(deadline.saturating_duration_since(Instant::now())).await {
                killed.push(bird.noted.name.clone());
            }
        }
        killed
    }
}

impl Drop for Flock {
    /// Whoever still runs is killed with its owner: nobody has to look for it.
    fn drop(&mut self) {
        Kept::forget(&self.house);
    }
}

#[cfg(test)]
mod tests {
    use contract::Topology;

    use super::*;

    #[test]
    fn replicas_are_one_of_each_but_for_those_that_are_named() {
        let choreography = Topology::murmuration().check().unwrap();
        let names = |named: &[(String, usize)]| -> Vec<String> {
            Replicas::of(&choreography, named).unwrap().names().map(|(_, name)| name).collect()
        };
        assert_eq!(names(&[]), ["research", "analysis", "writer", "recommendation"]);
        let named = [("research".to_owned(), 2), ("writer".to_owned(), 0)];
        assert_eq!(names(&named), ["research", "research-2", "analysis", "recommendation"]);
        assert!(Replicas::of(&choreography, &[("painter".to_owned(), 1)]).is_err());
    }
}
