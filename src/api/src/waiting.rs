//! Waits for a job: by notification, and by polling, because notifications from peers may be lost.

use std::time::Duration;

use lastcall_domain::{Job, JobId, News, Session, StoreError, Subscription};
use tokio::time::{Instant, sleep};

use crate::state::ApiState;

/// How often a job is looked at where no news comes.
pub(crate) const LOOK: Duration = Duration::from_millis(500);

/// The news of one job, told apart.
pub(crate) struct JobNews {
    subscription: Subscription,
    seen: Option<u64>,
}

/// What is new.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Heard {
    /// The row has changed, or may have.
    Changed,
    /// It has come that far.
    Progress(f64),
}

impl JobNews {
    pub(crate) fn of(state: &ApiState, job: JobId) -> Self {
        Self {
            subscription: state.feed.subscribe(job),
            seen: None,
        }
    }

    /// Waits for news, or until it is time to look anyway.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Heard {
        let News { changes, progress } = tokio::select! {
            news = self.subscription.next() => news,
            () = sleep(LOOK) => return Heard::Changed,
        };
        if self.seen.replace(changes) == Some(changes) {
            Heard::Progress(progress)
        } else {
            Heard::Changed
        }
    }
}

impl ApiState {
    /// The job, once it has ended; `None` where it does not within `wait`, or the process is
    /// told to stop before. Waiting is a use of the session.
    pub(crate) async fn finished(
        &self,
        session: &Session,
        id: JobId,
        wait: Duration,
    ) -> Option<Job> {
        let deadline = Instant::now() + wait;
        let mut session = session.clone();
        let mut news = JobNews::of(self, id);
        let mut last = false;
        loop {
            match self.store.job(id).await {
                Ok(Some(job)) if job.state().is_final() => return Some(job),
                Ok(None) | Err(StoreError::Closed) => return None,
                // Out of reach for now: the wait may outlast it.
                Ok(Some(_)) | Err(_) => {}
            }
            if last {
                return None;
            }
            if let Ok(renewed) = self.renew(session.clone()).await {
                session = renewed;
            }
            let changed = async { while news.next().await != Heard::Changed {} };
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep_until(deadline) => last = true,
                () = self.system.stopping() => last = true,
            }
        }
    }
}
