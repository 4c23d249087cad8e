//! Owns being alone: a step that has killed its process twice is handled while nothing else is at work there.
//! Never counts anything: the ledger says who must be alone (`claim`), this only sees to it.
//! Next: `claim` asks for a place before it writes, `delivery` keeps it until the effects are out.

use std::sync::Arc;

use contract::guard::{self, Guard};
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

/// One for a whole process. The lock is fair: while somebody waits to be alone, nobody new comes in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate(Arc<RwLock<()>>);

/// A place at work in this process; dropping it leaves.
#[derive(Debug)]
pub(crate) enum Place {
    Beside { _with: OwnedRwLockReadGuard<()> },
    Alone { _by: OwnedRwLockWriteGuard<()> },
}

impl Gate {
    pub(crate) async fn beside(&self) -> Place {
        Place::Beside { _with: Arc::clone(&self.0).read_owned().await }
    }

    pub(crate) async fn alone(&self) -> Place {
        Place::Alone { _by: Arc::clone(&self.0).write_owned().await }
    }
}

impl Place {
    pub(crate) fn is_alone(&self) -> bool {
        matches!(self, Place::Alone { .. }) || !guard::stands(Guard::AloneGate)
    }
}
