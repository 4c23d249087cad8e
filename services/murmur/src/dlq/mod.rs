//! Owns the commands about dead letters.
//! Never loses one: a letter leaves its queue only after it was sent elsewhere, or when a person discards it.
//! Next: each command has a file of its own.

pub(crate) mod discard;
pub(crate) mod edit;
pub(crate) mod list;
pub(crate) mod redrive;
pub(crate) mod show;

use clap::Subcommand;

use crate::exit::Exit;
use crate::reach::Where;
use crate::screen::Screen;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(list::Asked),
    Show(show::Asked),
    Redrive(redrive::Asked),
    Edit(edit::Asked),
    Discard(discard::Asked),
}

pub(crate) async fn run(asked: &Command, place: &Where, screen: Screen) -> anyhow::Result<Exit> {
    match asked {
        Command::List(asked) => list::run(asked, place, screen).await,
        Command::Show(asked) => show::run(asked, place, screen).await,
        Command::Redrive(asked) => redrive::run(asked, place, screen).await,
        Command::Edit(asked) => edit::run(asked, place, screen).await,
        Command::Discard(asked) => discard::run(asked, place, screen).await,
    }
}
