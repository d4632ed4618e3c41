//! The phase of the process, broadcast to all of its parts.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// A phase of the process. It only ever advances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Not yet ready for requests.
    Starting,
    /// Serving.
    Running,
    /// Not ready, but requests are still accepted; no job is claimed.
    LameDuck,
    /// The listener is closed; accepted work is finished.
    Draining,
    /// What still runs is cancelled and handed back.
    HandingBack,
    /// All services have stopped.
    Stopped,
}

impl Phase {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::LameDuck => "lame_duck",
            Self::Draining => "draining",
            Self::HandingBack => "handing_back",
            Self::Stopped => "stopped",
        }
    }

    /// Whether a shutdown has begun.
    pub fn is_shutting_down(self) -> bool {
        self >= Self::LameDuck
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Reads the phase, and waits for a later one. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PhaseWatch {
    receiver: watch::Receiver<Phase>,
}

impl PhaseWatch {
    /// The phase now.
    pub fn get(&self) -> Phase {
        *self.receiver.borrow()
    }

    /// Waits until the phase is `phase` or a later one.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn reached(&self, phase: Phase) {
        let mut receiver = self.receiver.clone();
        if receiver.wait_for(|now| *now >= phase).await.is_err() {
            // The sender is gone, and with it the tree: no later phase will follow.
            std::future::pending::<()>().await;
        }
    }

    /// Waits until the phase is a later one than `phase`.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn passed(&self, phase: Phase) {
        let mut receiver = self.receiver.clone();
        if receiver.wait_for(|now| *now > phase).await.is_err() {
            // As above.
            std::future::pending::<()>().await;
        }
    }
}

/// Advances the phase.
#[derive(Clone, Debug)]
pub(crate) struct PhaseSender {
    sender: Arc<watch::Sender<Phase>>,
}

impl PhaseSender {
    pub(crate) fn new() -> Self {
        Self {
            sender: Arc::new(watch::Sender::new(Phase::Starting)),
        }
    }

    /// Advances to `phase`; an earlier phase is ignored.
    pub(crate) fn advance(&self, phase: Phase) {
        self.sender.send_if_modified(|now| {
            let forward = phase > *now;
            if forward {
                *now = phase;
            }
            forward
        });
    }

    pub(crate) fn watch(&self) -> PhaseWatch {
        PhaseWatch {
            receiver: self.sender.subscribe(),
        }
    }
}
