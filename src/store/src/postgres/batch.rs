//! Batches requests: those that arrive during a round trip share the next one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use lastcall_domain::{StoreError, StoreResult};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::pool::OPERATION;

/// Requests that may wait; beyond it their callers wait.
const WAITING: usize = 1_024;
/// Requests in one transaction.
const GROUP: usize = 256;
/// How long a request may take, its wait for the ones before it included.
const ANSWER_TIMEOUT: Duration = OPERATION.saturating_mul(2);

type ReplySender<A> = oneshot::Sender<StoreResult<A>>;
/// Where requests go in, until it is closed.
type RequestSender<R, A> = Option<mpsc::Sender<(R, ReplySender<A>)>>;

/// Does what a group of requests asks for, in one transaction; the answers are in the order of
/// the requests.
pub(super) type Work<R, A> =
    Arc<dyn Fn(Arc<[R]>) -> BoxFuture<'static, StoreResult<Vec<A>>> + Send + Sync>;

/// Gathers requests `R` with answers `A`.
pub(super) struct Batches<R, A> {
    sender: Mutex<RequestSender<R, A>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl<R, A> Batches<R, A>
where
    R: Clone + Send + Sync + 'static,
    A: Send + 'static,
{
    /// Starts the task that hands the groups to `work`, one after the other.
    pub(super) fn start(work: Work<R, A>) -> Self {
        let (sender, requests) = mpsc::channel(WAITING);
        Self {
            sender: Mutex::new(Some(sender)),
            task: Mutex::new(Some(tokio::spawn(run(requests, work)))),
        }
    }

    /// Has the request done with others.
    ///
    /// # Cancel safety
    /// Once it is on its way it is done, whether or not its answer is waited for.
    pub(super) async fn ask(&self, request: R) -> StoreResult<A> {
        let sender = self.lock().clone().ok_or(StoreError::Closed)?;
        let asked = async {
            let (tell, told) = oneshot::channel();
            let gone = || StoreError::Failed("the task of the store has ended".to_owned());
            sender.send((request, tell)).await.map_err(|_| gone())?;
            drop(sender);
            told.await.map_err(|_| gone())?
        };
        match tokio::time::timeout(ANSWER_TIMEOUT, asked).await {
            Ok(answer) => answer,
            Err(_) => Err(StoreError::Unavailable(
                "PostgreSQL did not respond in time".to_owned(),
            )),
        }
    }

    /// Lets no more requests in, and waits for those that are.
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
    while requests.recv_many(&mut group, GROUP).await > 0 {
        let (asked, tell): (Vec<R>, Vec<ReplySender<A>>) = group.drain(..).unzip();
        let asked: Arc<[R]> = asked.into();
        match work(Arc::clone(&asked)).await {
            Err(StoreError::Failed(_)) if asked.len() > 1 => {
                // One of them is at fault; by themselves the others go through.
                for (request, tell) in asked.iter().zip(tell) {
                    let alone = work(Arc::from([request.clone()])).await;
                    answer(vec![tell], alone);
                }
            }
            answers => answer(tell, answers),
        }
    }
}

fn answer<A>(tell: Vec<ReplySender<A>>, answers: StoreResult<Vec<A>>) {
    // Whoever has stopped listening is not told.
    match answers {
        Ok(answers) => {
            for (tell, answer) in tell.into_iter().zip(answers) {
                let _ = tell.send(Ok(answer));
            }
        }
        Err(error) => {
            for tell in tell {
                let _ = tell.send(Err(error.clone()));
            }
        }
    }
}
