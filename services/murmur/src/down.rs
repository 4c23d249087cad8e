//! Owns `murmur down`.
//! Never anything else yet: its arguments and its work are still to be written.
//! Next: `main` calls it.

use crate::exit::Exit;
use crate::reach::Where;
use crate::screen::Screen;

/// Stop what runs in the data directory
#[derive(Debug, clap::Args)]
pub(crate) struct Asked {}

pub(crate) async fn run(_asked: &Asked, _place: &Where, _screen: Screen) -> anyhow::Result<Exit> {
    anyhow::bail!("not written yet")
}
