//! Batches requests: those that arrive during a round trip share the next one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use lastcall_domain::{StoreError, StoreResult};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::pool::OPERATION;

/// The most queued requests; beyond it, callers wait.
const MAX_QUEUED: usize = 1_024;
/// The most requests in one transaction.
const MAX_GROUP: usize = 256;
/// How long a request may take, including the wait for those before it.
const REQUEST_TIMEOUT: Duration = OPERATION.saturating_mul(2);

type ReplySender<A> = oneshot::Sender<StoreResult<A>>;
/// The sender of requests, until it is closed.
type RequestSender<R, A> = Option<mpsc::Sender<(R, ReplySender<A>)>>;

/// Executes a group of requests in one transaction; the answers are in the order of the requests.
pub(super) type Work<R, A> =
    Arc<dyn Fn(Arc<[R]>) -> BoxFuture<'static, StoreResult<Vec<A>>> + Send + Sync>;

/// Batches requests `R` with answers `A`.
pub(super) struct Batches<R, A> {
    sender: Mutex<RequestSender<R, A>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl<R, A> Batches<R, A>
where
    R: Clone + Send + Sync + 'static,
    A: Send + 'static,
{
    /// Starts the task that passes the groups to `work`, one after the other.
    pub(super) fn start(work: Work<R, A>) -> Self {
        let (sender, requests) = mpsc::channel(MAX_QUEUED);
        Self {
            sender: Mutex::new(Some(sender)),
            task: Mutex::new(Some(tokio::spawn(run(requests, work)))),
        }
    }

    /// Executes the request together with others.
    ///
    /// # Cancel safety
    /// Once it is queued it is executed, whether or not its answer is awaited.
    pub(super) async fn request(&self, request: R) -> StoreResult<A> {
        let sender = self.lock().clone().ok_or(StoreError::Closed)?;
        let response = async {
            let (reply, response) = oneshot::channel();
            let gone = || StoreError::Failed("the task of the store has ended".to_owned());
            sender.send((request, reply)).await.map_err(|_| gone())?;
            drop(sender);
            response.await.map_err(|_| gone())?
        };
        match tokio::time::timeout(REQUEST_TIMEOUT, response).await {
            Ok(answer) => answer,
            Err(_) => Err(StoreError::Unavailable(
                "PostgreSQL did not respond in time".to_owned(),
            )),
        }
    }

    /// Accepts no more requests, and waits for the accepted ones.
    pub(super) async fn close(&self) {
        drop(self.lock().take());
        let task = self
            .task
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(Err(error)) = match task {
            Some(task) => Some(task.await),
            None => None,
        } {
            log::error!("a task of the store failed: {error}");
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, RequestSender<R, A>> {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn run<R: Clone + Send + Sync, A>(
    mut requests: mpsc::Receiver<(R, ReplySender<A>)>,
    work: Work<R, A>,
) {
    let mut group = Vec::new();
    while requests.recv_many(&mut group, MAX_GROUP).await > 0 {
        let (asked, replies): (Vec<R>, Vec<ReplySender<A>>) = group.drain(..).unzip();
        let asked: Arc<[R]> = asked.into();
        match work(Arc::clone(&asked)).await {
            Err(StoreError::Failed(_)) if asked.len() > 1 => {
                // One of them is at fault; executed separately, the others succeed.
                for (request, reply) in asked.iter().zip(replies) {
                    let alone = work(Arc::from([request.clone()])).await;
                    answer(vec![reply], alone);
                }
            }
            answers => answer(replies, answers),
        }
    }
}

fn answer<A>(replies: Vec<ReplySender<A>>, answers: StoreResult<Vec<A>>) {
    // The caller may have stopped waiting.
    match answers {
        Ok(answers) => {
            for (reply, answer) in replies.into_iter().zip(answers) {
                let _ = reply.send(Ok(answer));
            }
        }
        Err(error) => {
            for reply in replies {
                let _ = reply.send(Err(error.clone()));
            }
        }
    }
}
