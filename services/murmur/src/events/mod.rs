//! Owns the commands about events on the bus.
//! Never publishes: only agents and users do.
//! Next: `follow`.

pub(crate) mod follow;
mod printer;
mod said;

use clap::Subcommand;
use tokio_util::sync::CancellationToken;

use crate::exit::Exit;
use crate::reach::Where;
use crate::screen::Screen;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Follow(follow::Asked),
}

pub(crate) async fn run(
    asked: &Command,
    place: &Where,
    screen: Screen,
    stop: &CancellationToken,
) -> anyhow::Result<Exit> {
    match asked {
        Command::Follow(asked) => follow::run(asked, place, screen, stop).await,
    }
}
