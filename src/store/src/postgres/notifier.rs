//! LISTEN and NOTIFY on a dedicated connection. Notifications are hints: they may be lost with the
//! connection, so listeners poll as well.
//!
//! Behind a pooler that assigns connections per transaction nobody can listen: there the queue is
//! polled.

use std::sync::Arc;
use std::time::Duration;

use lastcall_domain::store::Hint;
use lastcall_domain::{InstanceId, Job, JobId, Service, State, StoreError, StoreResult};
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinHandle;
use tokio_postgres::{AsyncMessage, Client, Statement};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::error::{Fault, Sql};
use super::pool::{Connections, Connector, OPERATION};
use super::save::Saved;
use crate::codec::{self, service_number};

/// Hints that a slow receiver may leave unread before it loses the oldest.
const MAX_UNREAD: usize = 4_096;
/// Hints that may be queued for sending; further ones are dropped.
const MAX_UNSENT: usize = 8_192;
/// The longest payload; PostgreSQL accepts less than 8,000 bytes.
const MAX_PAYLOAD: usize = 7_900;
/// The first and the longest pause between attempts to connect.
const MIN_RETRY: Duration = Duration::from_millis(100);
const MAX_RETRY: Duration = Duration::from_secs(5);
/// How often the queue is polled if nobody can listen.
const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// The services that have jobs to claim.
const READY: &str = "SELECT service FROM unnest($1::smallint[]) AS service
     WHERE EXISTS (SELECT 1 FROM jobs WHERE jobs.service = service.service AND state = 0
         AND not_before IS NULL AND waits_for IS NULL AND NOT suspect)";

/// Sends and receives hints.
pub(super) struct Notifier {
    received: broadcast::Sender<Hint>,
    outgoing: mpsc::Sender<Hint>,
    end: CancellationToken,
    task: std::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Notifier {
    /// Starts listening and sending, as `me`; or polling, if nobody can listen.
    pub(super) fn start(
        connector: Arc<Connector>,
        connections: &Arc<Connections>,
        me: InstanceId,
    ) -> Self {
        let received = broadcast::Sender::new(MAX_UNREAD);
        let (outgoing, queued) = mpsc::channel(MAX_UNSENT);
        let end = CancellationToken::new();
        if connector.pooled {
            let polled = poll(Arc::clone(connections), received.clone());
            let ended = end.clone();
            let task = tokio::spawn(async move {
                ended.run_until_cancelled(polled).await;
            });
            return Self {
                received,
                outgoing,
                end,
                task: std::sync::Mutex::new(Some(task)),
            };
        }
        let hint_connection = HintConnection {
            connector,
            me: me.as_uuid().simple().to_string(),
            received: received.clone(),
            queued,
        };
        let ended = end.clone();
        let task = tokio::spawn(async move {
            ended.run_until_cancelled(hint_connection.run()).await;
        });
        Self {
            received,
            outgoing,
            end,
            task: std::sync::Mutex::new(Some(task)),
        }
    }

    /// Receives the hints of other processes from now on.
    pub(super) fn subscribe(&self) -> broadcast::Receiver<Hint> {
        self.received.subscribe()
    }

    /// Notifies the other processes of the job's change.
    pub(super) fn notify(&self, job: &Job) {
        self.send(Hint::Changed(job.id));
        if job.state() == State::Queued {
            self.send(Hint::Queued(job.service()));
        }
    }

    /// Notifies the other processes of the jobs' changes.
    pub(super) fn notify_all(&self, saved: &Saved) {
        saved.jobs.iter().for_each(|job| self.notify(job));
        if saved.released {
            // Only reports wait for other jobs.
            self.send(Hint::Queued(Service::Report));
        }
    }

    /// Queues a hint for the other processes, if there is room.
    fn send(&self, hint: Hint) {
        let _ = self.outgoing.try_send(hint);
    }

    /// Stops.
    pub(super) async fn close(&self) {
        self.end.cancel();
        let task = self
            .task
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        if let Some(task) = task
            && let Err(error) = task.await
        {
            log::error!("the notification task failed: {error}");
        }
    }
}

impl Drop for Notifier {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

/// Polls, and sends a hint for every service that has jobs to claim.
async fn poll(connections: Arc<Connections>, received: broadcast::Sender<Hint>) {
    loop {
        tokio::time::sleep(POLL_INTERVAL).await;
        match ready(&connections).await {
            Ok(services) => {
                for service in services {
                    // There may be no receivers.
                    let _ = received.send(Hint::Queued(service));
                }
            }
            Err(StoreError::Closed) => return,
            Err(error) => log::debug!("cannot poll the queue: {error}"),
        }
    }
}

async fn ready(connections: &Connections) -> StoreResult<Vec<Service>> {
    let numbers: Vec<i16> = Service::ALL.into_iter().map(service_number).collect();
    let numbers = &numbers;
    connections
        .run(|| async move {
            let mut conn = connections.acquire().await?;
            let found = conn.query(READY, &[numbers]).await?;
            conn.done();
            let services = found.iter().map(|row| Ok(codec::service(row.try_get(0)?)?));
            services.collect()
        })
        .await
}

struct HintConnection {
    connector: Arc<Connector>,
    me: String,
    received: broadcast::Sender<Hint>,
    queued: mpsc::Receiver<Hint>,
}

impl HintConnection {
    async fn run(mut self) {
        let mut pause = MIN_RETRY;
        loop {
            match self.serve_connection(&mut pause).await {
                Ok(()) => return,
                Err(error) => log::debug!("no hints until the next connection: {error}"),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(MAX_RETRY);
        }
    }

    /// Opens a connection that listens, and that ends when the returned guard is dropped.
    async fn listen(&self) -> Sql<(Client, Statement, AbortOnDrop)> {
        let connector = &self.connector;
        let (client, mut connection) = connector.config.connect(connector.tls.clone()).await?;
        let (received, me) = (self.received.clone(), self.me.clone());
        let task = connector.tasks.spawn(async move {
            loop {
                match std::future::poll_fn(|cx| connection.poll_message(cx)).await {
                    Some(Ok(AsyncMessage::Notification(notification))) => {
                        forward(&received, &me, notification.payload());
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => break,
                }
            }
        });
        let task = AbortOnDrop(task);
        let channel = client
            .query_one("SELECT quote_ident('lastcall_' || current_schema())", &[])
            .await?;
        let channel: String = channel.try_get(0)?;
        client.batch_execute(&format!("LISTEN {channel}")).await?;
        let notify = client
            .prepare("SELECT pg_notify('lastcall_' || current_schema(), $1)")
            .await?;
        Ok((client, notify, task))
    }

    /// Serves one connection until it fails.
    async fn serve_connection(&mut self, pause: &mut Duration) -> Sql<()> {
        // Bounded, because a server that accepts connections and then stays silent would block this
        // forever.
        let listening = tokio::time::timeout(OPERATION, self.listen()).await;
        // The connection ends with this function.
        let (client, notify, _task) = listening.unwrap_or(Err(Fault::Stale))?;
        *pause = MIN_RETRY;
        // Hints may have been missed until now.
        for service in Service::ALL {
            let _ = self.received.send(Hint::Queued(service));
        }
        let mut hints = Vec::new();
        loop {
            // An idle connection is checked periodically, because a dead one does not report
            // itself.
            let more = self.queued.recv_many(&mut hints, MAX_UNSENT);
            let payloads = match tokio::time::timeout(OPERATION, more).await {
                Ok(0) => return Ok(()),
                Ok(_) | Err(_) => encode_payloads(&self.me, hints.drain(..)),
            };
            let sent = async {
                for payload in &payloads {
                    client.query(&notify, &[payload]).await?;
                }
                client.batch_execute("").await
            };
            match tokio::time::timeout(OPERATION, sent).await {
                Ok(sent) => sent.map_err(Fault::Database)?,
                Err(_) => return Err(Fault::Stale),
            }
        }
    }
}

struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The payloads for these hints, without duplicates. Each begins with the id of the sender.
fn encode_payloads(me: &str, hints: impl Iterator<Item = Hint>) -> Vec<String> {
    let mut words: Vec<String> = hints.map(encode).collect();
    words.sort_unstable();
    words.dedup();
    let mut payloads: Vec<String> = Vec::new();
    for word in words {
        match payloads.last_mut() {
            Some(last) if last.len() + 1 + word.len() <= MAX_PAYLOAD => {
                last.push(' ');
                last.push_str(&word);
            }
            _ => payloads.push(format!("{me} {word}")),
        }
    }
    payloads
}

fn encode(hint: Hint) -> String {
    match hint {
        Hint::Queued(service) => service.to_string(),
        Hint::Changed(job) => job.as_uuid().simple().to_string(),
    }
}

/// Forwards the hints of another process.
fn forward(received: &broadcast::Sender<Hint>, me: &str, payload: &str) {
    let mut words = payload.split(' ');
    if words.next() == Some(me) {
        return;
    }
    for word in words {
        let queued = word.parse().map(Hint::Queued);
        let changed = || Uuid::parse_str(word).map(|id| Hint::Changed(JobId::from(id)));
        if let Some(hint) = queued.ok().or_else(|| changed().ok()) {
            // There may be no receivers.
            let _ = received.send(hint);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_reach_others_in_payloads_that_fit() {
        let jobs: Vec<JobId> = (0..1_000).map(|_| JobId::new()).collect();
        let hints = jobs.iter().map(|job| Hint::Changed(*job));
        let hints = hints.chain([Hint::Queued(Service::Report), Hint::Changed(jobs[0])]);
        let payloads = encode_payloads("me", hints);
        let received = broadcast::Sender::new(MAX_UNREAD);
        let mut listener = received.subscribe();
        for payload in &payloads {
            assert!(payload.len() < 8_000);
            forward(&received, "me", payload);
            forward(&received, "other", payload);
        }
        let mut count = 0;
        let mut queued = 0;
        while let Ok(hint) = listener.try_recv() {
            match hint {
                Hint::Queued(service) => queued += usize::from(service == Service::Report),
                Hint::Changed(job) => count += usize::from(jobs.contains(&job)),
            }
        }
        assert_eq!((count, queued), (1_000, 1));
    }

    #[test]
    fn noise_is_ignored() {
        let received = broadcast::Sender::new(MAX_UNREAD);
        let mut listener = received.subscribe();
        for noise in ["", "other", "other ", "other x 12 ☃", "report"] {
            forward(&received, "me", noise);
        }
        assert!(listener.try_recv().is_err());
    }
}
