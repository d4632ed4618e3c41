//! What conducts a shutdown.

use std::time::Duration;

use super::{DrainOutcome, Leftovers, ShutdownReport};

/// A shutdown that has begun.
pub struct Shutdown {
    _private: (),
}

impl Shutdown {
    /// The second signal: every step goes straight to the hand-back.
    pub fn hurry(&self) {}

    /// Whether it was hurried.
    pub fn is_hurried(&self) -> bool {
        false
    }

    /// Waits until requests are no longer to be accepted.
    pub async fn lame_duck(&self) {}

    /// How long requests in progress may still take: until the hand-back, or no longer where
    /// the shutdown is hurried.
    pub fn until_hand_back(&self) -> Duration {
        Duration::ZERO
    }

    /// How long there is until the deadline.
    pub fn until_deadline(&self) -> Duration {
        Duration::ZERO
    }

    /// Waits until it is time to hand back, or the shutdown is hurried: the bound of whatever
    /// the boot does between the lame duck and the drain.
    pub async fn hand_back_due(&self) {}

    /// Drains the services in the reverse of their start order, hands back what does not
    /// finish, stops the actors and joins their threads.
    pub async fn drain(&self) -> DrainOutcome {
        DrainOutcome::default()
    }

    /// The report, when the store is closed and the threads are joined.
    pub fn report(&self, outcome: DrainOutcome, leftovers: Leftovers) -> ShutdownReport {
        let _ = (outcome, leftovers);
        todo!()
    }
}
