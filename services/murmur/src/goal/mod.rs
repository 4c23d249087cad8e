//! Owns the commands about goals, and what they share: finding a goal by the beginning of its id.
//! Never a goal's work: agents do it; here goals are sent, listed, shown, followed, ended and forked.
//! Next: each command has a file of its own; `sending` is the way of a goal to its queue, `following` the way to its end.

pub(crate) mod cancel;
pub(crate) mod following;
pub(crate) mod fork;
pub(crate) mod list;
mod listing;
pub(crate) mod named;
pub(crate) mod sending;
pub(crate) mod show;
pub(crate) mod submit;
mod table;
pub(crate) mod watch;

use std::time::Duration;

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

/// A command to try next, which reaches the same servers as this one.
pub(crate) fn command(place: &Where, words: &str) -> String {
    format!("murmur {words}{}", place.flags())
}

/// A span as a person says it: its largest unit, and tenths only of seconds.
pub(crate) fn span(long: Duration) -> String {
    match long.as_secs() {
        0..60 => format!("{:.1} s", long.as_secs_f64()),
        seconds @ 60..7_200 => format!("{} min", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_to_try_next_reaches_the_same_servers() {
        assert_eq!(command(&Where::default(), "goal list"), "murmur goal list");
        let place = Where { data: Some("/tmp/it's mine".into()), ..Where::default() };
        assert_eq!(command(&place, "goal list"), r"murmur goal list --data '/tmp/it'\''s mine'");
        let place = Where { endpoint: Some("http://127.0.0.1:4566".into()), ..Where::default() };
        assert_eq!(command(&place, "status"), "murmur status --endpoint http://127.0.0.1:4566");
        assert_eq!(command(&Where { aws: true, ..Where::default() }, "status"), "murmur status --aws");
    }

    #[test]
    fn a_span_is_told_in_its_largest_unit() {
        let told: Vec<String> = [0, 59, 60, 7_199, 7_200, 172_799, 172_800].map(Duration::from_secs).map(span).into();
        assert_eq!(told, ["0.0 s", "59.0 s", "1 min", "119 min", "2 h", "47 h", "2 d"]);
    }
}
