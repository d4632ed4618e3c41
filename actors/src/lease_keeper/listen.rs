//! Notifications from other processes, and to local subscribers.

use std::sync::PoisonError;
use std::time::Duration;

use lastcall_domain::JobId;
use lastcall_domain::store::Hint;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio::time::{Instant, sleep_until};

use super::Leases;

/// How often subscribers are notified of progress.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(250);

impl Leases {
    pub(super) async fn listen(&self) {
        let mut hints = self.store.hints();
        let mut next = Instant::now() + PROGRESS_INTERVAL;
        loop {
            tokio::select! {
                biased;
                () = sleep_until(next) => {
                    self.publish_progress();
                    // Without running jobs there is no progress: check rarely whether there are
                    // some again.
                    let pause = if self.is_idle() { 4 * PROGRESS_INTERVAL } else { PROGRESS_INTERVAL };
                    next = Instant::now() + pause;
                }
                hint = next_hint(&mut hints) => self.recv(hint),
            }
        }
    }

    fn publish_progress(&self) {
        for pool in &self.pools {
            for (job, done) in pool.claims.take_progress() {
                self.feed.progress(job, done);
            }
        }
    }

    fn recv(&self, hint: Result<Hint, RecvError>) {
        match hint {
            Ok(Hint::Queued(service)) => self.wake(service),
            Ok(Hint::Changed(job)) => {
                self.feed.changed(job);
                if self.holds(job) {
                    // The change may be a request to cancel; a heartbeat finds out.
                    let mut changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
                    changed.insert(job);
                    self.expedite.notify_one();
                }
            }
            // Hints were missed.
            Err(_) => self.pools.iter().for_each(|pool| pool.wake()),
        }
    }

    fn holds(&self, job: JobId) -> bool {
        self.pools.iter().any(|pool| pool.claims.holds(job))
    }
}

/// The next hint, or word that some were missed; pends forever without a source of hints.
async fn next_hint(hints: &mut Option<Receiver<Hint>>) -> Result<Hint, RecvError> {
    let Some(receiver) = hints else {
        return std::future::pending().await;
    };
    let hint = receiver.recv().await;
    if matches!(hint, Err(RecvError::Closed)) {
        *hints = None;
    }
    hint
}
