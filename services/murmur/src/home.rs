//! Owns everything that works on a goal: what runs in the data directory already, and what is started for one command.
//! Never stops what was running before: only what was started here.
//! Next: `run` sends its goal here.

use std::time::Duration;

use anyhow::bail;
use tokio::time::{Instant, sleep};

use crate::flock::{Flock, Replicas};
use crate::house::House;
use crate::kept::Kept;
use crate::live::Live;
use crate::reach::{Reach, Where};
use crate::surroundings;

const UP_MAX: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

pub(crate) struct Home {
    pub(crate) reach: Reach,
    agents: Agents,
}

enum Agents {
    Ours(Flock),
    /// Of a `murmur up`, which may end before the goal does.
    Theirs(House),
}

impl Home {
    /// A server that answers; agents that were started, and need not be up yet.
    pub(crate) async fn open(place: &Where, house: &House, live: &Live) -> anyhow::Result<Home> {
        let ours = match house.running_agents().await {
            Ok(lock) => lock,
            // A run's agents end with it, an up's stay.
            Err(taken) => match Kept::running(house).filter(|kept| kept.stays) {
                Some(kept) => return Home::with_theirs(place, house, kept).await,
                None => return Err(taken),
            },
        };
        for left in Kept::clear_leftovers(house).await {
            live.line(&format!("{left} was left by a murmur that was killed, and is stopped"));
        }
        let reach = place.reach_made().await?;
        let environment = surroundings::of(place, &reach.server)?;
        let all = Replicas::of(&reach.choreography, &[])?;
        let flock = Flock::launch(house, ours, false, reach.server.name(), &environment, &all)?;
        Ok(Home { reach, agents: Agents::Ours(flock) })
    }

    async fn with_theirs(place: &Where, house: &House, mut kept: Kept) -> anyhow::Result<Home> {
        let deadline = Instant::now() + UP_MAX;
        while !kept.ready {
            if Instant::now() >= deadline {
                bail!("murmur up (process {}) does not come up: murmur status shows why", kept.keeper.pid);
            }
            sleep(POLL).await;
            match Kept::running(house) {
                Some(now) => kept = now,
                None => bail!("murmur up (process {}) has ended: try again", kept.keeper.pid),
            }
        }
        let reach = place.reach().await?;
        if kept.server != reach.server.name() {
            bail!(
                "the agents in {} work over {}, and not over {}: stop them with murmur down, or name another --data DIR",
                house.folder().display(),
                kept.server,
                reach.server.name()
            );
        }
        for agent in reach.choreography.daemons() {
            if !kept.agents.iter().any(|noted| noted.agent == agent.as_str()) {
                bail!("murmur up runs no {agent}: start it again with --agents {agent}=1");
            }
        }
        Ok(Home { reach, agents: Agents::Theirs(house.clone()) })
    }

    pub(crate) async fn come_up(&mut self) -> anyhow::Result<()> {
        match &mut self.agents {
            Agents::Ours(flock) => flock.come_up().await,
            Agents::Theirs(_) => Ok(()),
        }
    }

    /// For a person.
    pub(crate) fn who_works(&self) -> String {
        let server = self.reach.server.name();
        match &self.agents {
            Agents::Ours(flock) => format!("{} agents are up over {server}", flock.kept().agents.len()),
            Agents::Theirs(_) => format!("the agents of murmur up work over {server}"),
        }
    }

    /// Whether nobody works any more, and nobody here starts them again.
    pub(crate) fn is_abandoned(&self) -> bool {
        match &self.agents {
            Agents::Ours(_) => false,
            Agents::Theirs(house) => Kept::running(house).is_none() && Kept::left(house).is_none(),
        }
    }

    /// What happened to agents since it was asked last.
    pub(crate) fn look_after(&mut self) -> anyhow::Result<Vec<String>> {
        match &mut self.agents {
            Agents::Ours(flock) => flock.look_after(),
            Agents::Theirs(_) => Ok(vec![]),
        }
    }

    /// What was started here; the stand-in goes with its last user.
    pub(crate) async fn close(self, live: &Live) {
        if let Agents::Ours(flock) = self.agents {
            for name in flock.stop().await {
                live.line(&format!("{name} did not end, and was killed; its work comes back to the queue"));
            }
        }
    }
}
