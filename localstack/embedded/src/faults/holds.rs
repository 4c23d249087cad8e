//! Owns calls that are held: each waits, before it is carried out or with its reply, until somebody lets it go.
//! Never holds by itself: a fault with a label says which call, and whoever asked for it releases it by that label.
//! Next: `front` waits here; a test waits for `held`, does what it must to the caller, and releases.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use tokio::sync::{oneshot, watch};

/// A call that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Held {
    pub label: String,
    pub operation: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The access key that signed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    /// Only its reply waits.
    pub carried_out: bool,
}

/// What becomes of a held call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// It goes on, whether or not its client still waits for it.
    Go,
    /// It goes no further: what was not carried out never is, and nothing is answered.
    Cut,
}

/// With who waits for its release.
type Waiting = (Held, oneshot::Sender<Release>);

#[derive(Clone, Debug)]
pub(crate) struct Holds {
    waiting: Arc<Mutex<Vec<Waiting>>>,
    changes: watch::Sender<u64>,
}

impl Holds {
    pub(crate) fn new() -> Holds {
        Holds { waiting: Arc::default(), changes: watch::Sender::new(0) }
    }

    /// Until it is released.
    pub(crate) async fn hold(&self, held: Held) -> Release {
        let (release, released) = oneshot::channel();
        self.with(|waiting| waiting.push((held, release)));
        self.changes.send_modify(|count| *count += 1);
        // Nobody is left who could release it.
        released.await.unwrap_or(Release::Cut)
    }

    pub(crate) fn list(&self) -> Vec<Held> {
        self.with(|waiting| waiting.iter().map(|(held, _)| held.clone()).collect())
    }

    pub(crate) fn release(&self, fits: impl Fn(&Held) -> bool, how: Release) -> usize {
        let released: Vec<_> = self.with(|waiting| waiting.extract_if(.., |(held, _)| fits(held)).collect());
        let count = released.len();
        for (_, release) in released {
            // Whoever waited has been stopped with the cloud.
            let _ = release.send(how);
        }
        count
    }

    pub(crate) async fn held(&self, label: &str) -> Held {
        let mut changes = self.changes.subscribe();
        loop {
            changes.borrow_and_update();
            if let Some(found) = self.list().into_iter().find(|held| held.label == label) {
                return found;
            }
            if changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    fn with<T>(&self, look: impl FnOnce(&mut Vec<Waiting>) -> T) -> T {
        look(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
