//! Owns the lines that go out while something is followed: on a thread of their own, since their reader may stop reading.
//! Never many lines ahead of the reader, and never a wait during which nothing else could happen.
//! Next: `follow` hands it a line for each event.

use anyhow::bail;
use tokio::sync::{mpsc, oneshot};

use crate::screen::Screen;

/// Lines that may wait for their reader.
const AHEAD_MAX: usize = 64;

pub(super) struct Printer {
    lines: mpsc::Sender<String>,
    ended: oneshot::Receiver<anyhow::Result<()>>,
}

impl Printer {
    pub(super) fn start(screen: Screen) -> Printer {
        let (lines, mut waiting) = mpsc::channel::<String>(AHEAD_MAX);
        let (told, ended) = oneshot::channel();
        // No task: an executor that ends would wait for a write that nobody reads.
        std::thread::spawn(move || {
            let mut written = Ok(());
            // A reader that is gone is noticed by the next line.
            while written.is_ok()
                && let Some(line) = waiting.blocking_recv()
            {
                written = screen.text(&line);
            }
            // Whoever follows may have ended already.
            let _ = told.send(written);
        });
        Printer { lines, ended }
    }

    /// Returns once there is room for it; fails where the reader is gone.
    pub(super) async fn print(&mut self, line: String) -> anyhow::Result<()> {
        if self.lines.send(line).await.is_ok() {
            return Ok(());
        }
        (&mut self.ended).await??;
        bail!("nothing can be printed any more")
    }

    /// Until the last line is out.
    pub(super) async fn end(self) -> anyhow::Result<()> {
        let Printer { lines, ended } = self;
        drop(lines);
        ended.await?
    }
}
