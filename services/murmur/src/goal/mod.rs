//! Owns the commands about goals, and what they share: finding a goal by the beginning of its id.
//! Never a goal's work: agents do it; here goals are sent, listed, shown, followed, ended and forked.
//! Next: each command has a file of its own.

pub(crate) mod cancel;
pub(crate) mod fork;
pub(crate) mod list;
pub(crate) mod named;
pub(crate) mod show;
pub(crate) mod submit;
pub(crate) mod watch;

use clap::Subcommand;

use crate::exit::Exit;
use crate::reach::Where;
use crate::screen::Screen;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Submit(submit::Asked),
    List(list::Asked),
    Show(show::Asked),
    Watch(watch::Asked),
    Cancel(cancel::Asked),
    Fork(fork::Asked),
}

pub(crate) async fn run(asked: &Command, place: &Where, screen: Screen) -> anyhow::Result<Exit> {
    match asked {
        Command::Submit(asked) => submit::run(asked, place, screen).await,
        Command::List(asked) => list::run(asked, place, screen).await,
        Command::Show(asked) => show::run(asked, place, screen).await,
        Command::Watch(asked) => watch::run(asked, place, screen).await,
        Command::Cancel(asked) => cancel::run(asked, place, screen).await,
        Command::Fork(asked) => fork::run(asked, place, screen).await,
    }
}
