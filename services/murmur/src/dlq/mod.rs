//! Owns the commands about dead letters.
//! Never loses one: a letter leaves its queue only after it was sent elsewhere, or when a person discards it.
//! Next: `places` says where letters lie, `desk` holds them while a command works, `verdict` asks the ledger what a
//! redrive would do; each command has a file of its own.

mod choice;
mod compose;
mod confirm;
mod desk;
pub(crate) mod discard;
mod draft;
pub(crate) mod edit;
mod edited;
mod groups;
mod letter;
pub(crate) mod list;
mod places;
pub(crate) mod redrive;
mod room;
pub(crate) mod show;
mod verdict;

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
        Command::Edit(asked) => Box::pin(edit::run(asked, place, screen)).await,
        Command::Discard(asked) => discard::run(asked, place, screen).await,
    }
}
