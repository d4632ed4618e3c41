//! Notifications from other processes, and to local subscribers.

use std::sync::PoisonError;
use std::time::Duration;

use lastcall_domain::JobId;
use lastcall_domain::store::Hint;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio::time::{Instant, sleep_until};

use super::Leases;

/// How often listeners hear of progress.
const PROGRESS: Duration = Duration::from_millis(250);

impl Leases {
    pub(super) async fn listen(&self) {
        let mut hints = self.store.hints();
        let mut next = Instant::now() + PROGRESS;
        loop {
            tokio::select! {
                biased;
                () = sleep_until(next) => {
                    self.tell_progress();
                    // Nothing in hand has no progress: a look now and then is enough to see that
                    // there is something again.
                    let pause = if self.is_idle() { 4 * PROGRESS } else { PROGRESS };
                    next = Instant::now() + pause;
                }
                hint = next_hint(&mut hints) => self.recv(hint),
            }
        }
    }

    fn tell_progress(&self) {
        for pool in &self.pools {
            for (job, done) in pool.claims.news() {
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
                    // The news may be its caller's wish to cancel it; a heartbeat tells.
                    let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
                    asked.insert(job);
                    self.expedite.notify_one();
                }
            }
            // Some were missed.
            Err(_) => self.pools.iter().for_each(|pool| pool.wake()),
        }
    }

    fn holds(&self, job: JobId) -> bool {
        self.pools.iter().any(|pool| pool.claims.holds(job))
    }
}

/// The next hint, or that some were missed; never where there are none to come.
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
