//! Owns the way from one agent to the next: from the published event to the next agent's claim, and to its commit.
//! Never a clock of its own: the ledger has every step's times, all of one machine's clock, in milliseconds.
//! Next: `goals` measures whole ones.

use figures::Row;
use processes::Wish;
use processes::run::{GOAL_MAX, completed};
use runtime::ledger::{Attr, Item, ItemKind};

use crate::Flags;
use crate::agent::{Agent, Cast};
use crate::place::Place;

const GROUP: &str = "hop latency";
const GOALS_PER_REPEAT: usize = 10;

pub(crate) async fn measure(flags: &Flags, run: &mut figures::Run) -> anyhow::Result<()> {
    let place = Place::open(&flags.programs).await?;
    let _agents = Agent::four(&flags.programs, &place, Cast::Scripted).await?;
    let (mut claims, mut commits, mut hops) = (vec![], vec![], vec![]);
    // The first opens connections, which no later one does.
    for number in 0..=flags.repeats * GOALS_PER_REPEAT {
        let wish = Wish::new(&format!("hop-{number}"));
        wish.send(&place.ports, &place.site.choreography).await?;
        completed(&wish, &wish.end(&place.ports, GOAL_MAX).await?)?;
        let story = place.ports.ledger.story(wish.id()).await?;
        for step in story.iter().filter(|item| number > 0 && came_over_the_bus(item)) {
            claims.extend(between(step, &Attr::SentAt, &Attr::ClaimedAt));
            commits.extend(between(step, &Attr::SentAt, &Attr::FinishedAt));
            hops.extend(between(step, &Attr::EventAt, &Attr::ClaimedAt));
        }
    }
    let note = "scripted agents, one goal at a time";
    run.add(Row::new(GROUP, "published to claimed by the next agent", "ms", claims).noting(note));
    run.add(Row::new(GROUP, "published to committed by the next agent", "ms", commits).noting(note));
    let note = "with the emitter's wait for a batch, and its PutEvents";
    run.add(Row::new(GROUP, "committed by one agent to claimed by the next", "ms", hops).noting(note));
    Ok(())
}

/// All steps but the plan, which the user's own message starts.
fn came_over_the_bus(item: &Item) -> bool {
    matches!(&item.key.kind, ItemKind::Step { row, .. } if row.as_str() != "research")
}

pub(crate) fn between(step: &Item, from: &Attr, to: &Attr) -> Option<f64> {
    Some((step.time(to)?.0 - step.time(from)?.0) as f64)
}
