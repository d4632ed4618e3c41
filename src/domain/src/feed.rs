//! Notifications of job changes within this process. A hint like all others: it says that a job
//! has changed, not how; subscribers read the row.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::JobId;

/// What has been heard of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct News {
    /// Grows with every change of the job's row.
    pub changes: u64,
    /// How far it has come, 0 to 1.
    pub progress: f64,
}

type Channels = Arc<Mutex<HashMap<JobId, watch::Sender<News>>>>;

/// Who waits for which job. Holds an entry per job that somebody waits for, and no other.
#[derive(Clone, Debug, Default)]
pub struct Feed {
    channels: Channels,
}

impl Feed {
    /// A feed without subscribers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says that the job's row has changed.
    pub fn changed(&self, job: JobId) {
        self.tell(job, |news| news.changes += 1);
    }

    /// Says how far the job has come.
    pub fn progress(&self, job: JobId, done: f64) {
        self.tell(job, |news| news.progress = done);
    }

    /// Hears what is said of the job from now on.
    pub fn subscribe(&self, job: JobId) -> Subscription {
        let receiver = self
            .channels
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(job)
            .or_insert_with(|| watch::Sender::new(News::default()))
            .subscribe();
        Subscription {
            job,
            receiver: Some(receiver),
            channels: Arc::clone(&self.channels),
        }
    }

    fn tell(&self, job: JobId, change: impl FnOnce(&mut News)) {
        let channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = channels.get(&job) {
            channel.send_modify(change);
        }
    }
}

/// One listener. Dropping it ends it.
#[derive(Debug)]
pub struct Subscription {
    job: JobId,
    receiver: Option<watch::Receiver<News>>,
    channels: Channels,
}

impl Subscription {
    /// Waits for news and gives the latest.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> News {
        let Some(receiver) = &mut self.receiver else {
            return News::default();
        };
        if receiver.changed().await.is_err() {
            // Never so while this holds a receiver: the entry stays until the last one goes.
            std::future::pending::<()>().await;
        }
        *receiver.borrow_and_update()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.receiver.take());
        if channels
            .get(&self.job)
            .is_some_and(|channel| channel.receiver_count() == 0)
        {
            channels.remove(&self.job);
        }
    }
}
