//! Owns `murmur status`: which processes run in the data directory, and what waits in the queues.
//! Never starts or makes anything: where no server runs, there are no queues to count.
//! Next: `kept` and `standin` note the processes, `aws::depths` counts.

use aws::depths::{Depth, depths};
use contract::topology::resources::undelivered;
use contract::{QueueName, Topology};
use serde::Serialize;

use crate::exit::Exit;
use crate::house::House;
use crate::kept::{Kept, State};
use crate::process::Process;
use crate::reach::{Server, Where};
use crate::screen::{Screen, bytes, since};
use crate::standin::{LOG, Noted, Silent, Standin};
use crate::table::Table;

const STANDIN: &str = "stand-in";

/// Show what runs in the data directory
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  murmur status --json")]
pub(crate) struct Asked {}

#[derive(Default, Serialize)]
struct Status {
    data: String,
    /// What the agents work over.
    server: Option<String>,
    /// The murmur that keeps them.
    keeper: Option<u32>,
    processes: Vec<Line>,
    queues: Vec<Depth>,
}

#[derive(Serialize)]
struct Line {
    name: String,
    state: State,
    pid: Option<u32>,
    /// Epoch seconds.
    started_s: Option<u64>,
    memory_bytes: Option<u64>,
    restarts: u32,
    last_end: Option<String>,
    log: String,
}

pub(crate) async fn run(_asked: &Asked, place: &Where, screen: Screen) -> anyhow::Result<Exit> {
    let house = place.house_there()?;
    let mut status = match &house {
        Some(house) => running(house),
        None => Status { data: place.folder()?.display().to_string(), ..Status::default() },
    };
    let is_silent = match waiting(place, house.as_ref()).await {
        Ok(queues) => {
            status.queues = queues;
            false
        }
        Err(why) if why.is::<Silent>() => {
            screen.progress(&why.to_string());
            true
        }
        Err(why) => return Err(why),
    };
    if screen.json {
        screen.document(&status)?;
    } else {
        screen.prose(&told(&status, screen, &place.flags()))?;
    }
    Ok(if is_silent { Exit::Failed } else { Exit::Done })
}

fn running(house: &House) -> Status {
    let kept = Kept::running(house);
    let mut processes = vec![];
    let standin = Noted::living(house);
    if let Some(noted) = &standin {
        let log = house.log(LOG).display().to_string();
        processes.push(Line::of(STANDIN, State::Up, Some(noted.process), log));
    }
    let left = Kept::left(house);
    for agent in kept.iter().chain(&left).flat_map(|kept| &kept.agents) {
        let line = Line::of(&agent.name, agent.state, agent.process, agent.log.display().to_string());
        processes.push(Line { restarts: agent.restarts, last_end: agent.last_end.clone(), ..line });
    }
    Status {
        data: house.folder().display().to_string(),
        server: kept.as_ref().or(left.as_ref()).map(|kept| kept.server.clone()).or(standin.map(|noted| noted.name())),
        keeper: kept.map(|kept| kept.keeper.pid),
        processes,
        queues: vec![],
    }
}

impl Line {
    fn of(name: &str, state: State, process: Option<Process>, log: String) -> Line {
        let seen = process.and_then(|process| process.seen());
        Line {
            name: name.into(),
            state,
            pid: process.map(|process| process.pid),
            started_s: seen.map(|seen| seen.started_s),
            memory_bytes: seen.map(|seen| seen.memory_bytes),
            restarts: 0,
            last_end: None,
            log,
        }
    }
}

/// Only where a server runs anyway.
async fn waiting(place: &Where, house: Option<&House>) -> anyhow::Result<Vec<Depth>> {
    let server = if place.aws || place.endpoint.is_some() {
        place.server().await?
    } else {
        let Some(house) = house else { return Ok(vec![]) };
        match Standin::find(house).await? {
            Some(standin) => Server::Standin(Box::new(standin)),
            None => return Ok(vec![]),
        }
    };
    let (choreography, config) = place.config(&server)?;
    let topology = Topology { bus: config.bus, ..(*choreography).clone() };
    let mut names: Vec<(QueueName, QueueName)> =
        choreography.rows.iter().map(|row| (row.queue.clone(), row.queue.dead_letters())).collect();
    // What the bus could not deliver has no queue in front.
    let lost = undelivered(&topology);
    names.push((lost.clone(), lost));
    Ok(depths(&server.clients().await, &names).await?)
}

fn told(status: &Status, screen: Screen, flags: &str) -> String {
    let mut text = match (&status.server, status.keeper) {
        (Some(server), Some(keeper)) => format!("{} in {}, kept by process {keeper}\n", server, status.data),
        (Some(server), None) if status.processes.iter().any(|line| line.name != STANDIN) => format!(
            "{} in {}; the murmur that started the agents was killed: murmur down{flags} stops them\n",
            server, status.data
        ),
        (Some(server), None) => format!("{} in {}; no agents: murmur up{flags} starts them\n", server, status.data),
        (None, _) => format!("nothing runs in {}: murmur up{flags} starts it\n", status.data),
    };
    if !status.processes.is_empty() {
        let mut table = Table::new(&["process", "state", "pid", "up", "memory", "restarts"]);
        for line in &status.processes {
            let state = match (line.state, &line.last_end) {
                (State::Up, _) => "up".into(),
                (State::Starting, _) => "starting".into(),
                (State::Waiting, Some(how)) => format!("crashed ({how})"),
                (State::Waiting, None) => "crashed".into(),
            };
            table.row(vec![
                line.name.clone(),
                state,
                line.pid.map_or_else(String::new, |pid| pid.to_string()),
                line.started_s.map_or_else(String::new, since),
                line.memory_bytes.map_or_else(String::new, bytes),
                line.restarts.to_string(),
            ]);
        }
        text += &format!("\n{}", table.shown(screen.columns));
    }
    if !status.queues.is_empty() {
        let mut table = Table::new(&["queue", "waiting", "at work", "dead letters"]);
        for depth in &status.queues {
            let count = |count: Option<u64>| count.map_or_else(|| "none".into(), |count| count.to_string());
            table.row(vec![
                depth.queue.to_string(),
                count(depth.waiting),
                count(depth.in_flight),
                count(depth.dead_letters),
            ]);
        }
        text += &format!("\n{}", table.shown(screen.columns));
    }
    text
}
