//! Notifications of job changes within this process. They are hints: they report that a job has
//! changed, not how; subscribers read the row.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::JobId;

/// The state of a job's notifications.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct JobUpdate {
    /// Grows with every change of the job's row.
    pub changes: u64,
    /// Its progress, 0 to 1.
    pub progress: f64,
}

type Channels = Arc<Mutex<HashMap<JobId, watch::Sender<JobUpdate>>>>;

/// The subscribers of jobs. Holds an entry only for jobs with subscribers.
#[derive(Clone, Debug, Default)]
pub struct Feed {
    channels: Channels,
}

impl Feed {
    /// A feed without subscribers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notifies subscribers that the job's row has changed.
    pub fn changed(&self, job: JobId) {
        self.notify(job, |update| update.changes += 1);
    }

    /// Notifies subscribers of the job's progress.
    pub fn progress(&self, job: JobId, done: f64) {
        self.notify(job, |update| update.progress = done);
    }

    /// Subscribes to notifications about the job from now on.
    pub fn subscribe(&self, job: JobId) -> Subscription {
        let receiver = self
            .channels
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(job)
            .or_insert_with(|| watch::Sender::new(JobUpdate::default()))
            .subscribe();
        Subscription {
            job,
            receiver: Some(receiver),
            channels: Arc::clone(&self.channels),
        }
    }

    fn notify(&self, job: JobId, change: impl FnOnce(&mut JobUpdate)) {
        let channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = channels.get(&job) {
            channel.send_modify(change);
        }
    }
}

/// A subscription, which ends when it is dropped.
#[derive(Debug)]
pub struct Subscription {
    job: JobId,
    receiver: Option<watch::Receiver<JobUpdate>>,
    channels: Channels,
}

impl Subscription {
    /// Waits for a notification, and returns the latest.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> JobUpdate {
        let Some(receiver) = &mut self.receiver else {
            return JobUpdate::default();
        };
        if receiver.changed().await.is_err() {
            // Unreachable while this holds a receiver: the entry stays until the last one is
            // dropped.
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
