//! Waits for a job: by notification, and by polling, because notifications from peers may be lost.

use std::time::Duration;

use lastcall_domain::{Job, JobId, JobUpdate, Session, StoreError, Subscription};
use tokio::time::{Instant, sleep};

use crate::state::ApiState;

/// How often a job is polled without notifications.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// The notifications about one job, classified.
pub(crate) struct JobUpdates {
    subscription: Subscription,
    seen: Option<u64>,
}

/// A classified notification.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Update {
    /// The row has changed, or may have changed.
    Changed,
    /// The job has made this progress.
    Progress(f64),
}

impl JobUpdates {
    pub(crate) fn of(state: &ApiState, job: JobId) -> Self {
        Self {
            subscription: state.feed.subscribe(job),
            seen: None,
        }
    }

    /// Waits for a notification, or until it is time to poll.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Update {
        let JobUpdate { changes, progress } = tokio::select! {
            update = self.subscription.next() => update,
            () = sleep(POLL_INTERVAL) => return Update::Changed,
        };
        if self.seen.replace(changes) == Some(changes) {
            Update::Progress(progress)
        } else {
            Update::Changed
        }
    }
}

impl ApiState {
    /// The job, once it has ended; `None` if it does not end within `wait`, or the process is
    /// stopped before. Waiting is a use of the session.
    pub(crate) async fn finished(
        &self,
        session: &Session,
        id: JobId,
        wait: Duration,
    ) -> Option<Job> {
        let deadline = Instant::now() + wait;
        let mut session = session.clone();
        let mut updates = JobUpdates::of(self, id);
        let mut last = false;
        loop {
            match self.store.job(id).await {
                Ok(Some(job)) if job.state().is_final() => return Some(job),
                Ok(None) | Err(StoreError::Closed) => return None,
                // The store is unavailable, perhaps only for a while.
                Ok(Some(_)) | Err(_) => {}
            }
            if last {
                return None;
            }
            if let Ok(renewed) = self.renew(session.clone()).await {
                session = renewed;
            }
            let changed = async { while updates.next().await != Update::Changed {} };
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep_until(deadline) => last = true,
                () = self.system.stopping() => last = true,
            }
        }
    }
}
