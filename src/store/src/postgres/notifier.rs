//! LISTEN and NOTIFY on a connection of their own. Notifications are hints: they may be lost with
//! the connection, so listeners poll as well.
//!
//! Behind a pooler that gives out connections by the transaction nobody can listen: there the
//! queue is looked at now and then.

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

/// Hints that a slow listener may leave unread before it loses the oldest.
const UNREAD: usize = 4_096;
/// Hints that may wait to be sent; those beyond are dropped.
const UNSENT: usize = 8_192;
/// The longest payload that PostgreSQL takes is 8,000 bytes.
const PAYLOAD: usize = 7_900;
/// How long to wait before another try to connect, at first and at most.
const RETRY: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(5);
/// How often the queue is looked at where nobody can listen.
const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// The services that have jobs to claim.
const READY: &str = "SELECT service FROM unnest($1::smallint[]) AS service
     WHERE EXISTS (SELECT 1 FROM jobs WHERE jobs.service = service.service AND state = 0
         AND not_before IS NULL AND waits_for IS NULL AND NOT suspect)";

/// Both directions.
pub(super) struct Notifier {
    heard: broadcast::Sender<Hint>,
    say: mpsc::Sender<Hint>,
    end: CancellationToken,
    task: std::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Notifier {
    /// Begins to listen and to speak, as `me`; or to look, where nobody can listen.
    pub(super) fn start(
        connector: Arc<Connector>,
        connections: &Arc<Connections>,
        me: InstanceId,
    ) -> Self {
        let heard = broadcast::Sender::new(UNREAD);
        let (say, said) = mpsc::channel(UNSENT);
        let end = CancellationToken::new();
        if connector.pooled {
            let polled = poll(Arc::clone(connections), heard.clone());
            let ended = end.clone();
            let task = tokio::spawn(async move {
                ended.run_until_cancelled(polled).await;
            });
            return Self {
                heard,
                say,
                end,
                task: std::sync::Mutex::new(Some(task)),
            };
        }
        let line = Line {
            connector,
            me: me.as_uuid().simple().to_string(),
            heard: heard.clone(),
            said,
        };
        let ended = end.clone();
        let task = tokio::spawn(async move {
            ended.run_until_cancelled(line.run()).await;
        });
        Self {
            heard,
            say,
            end,
            task: std::sync::Mutex::new(Some(task)),
        }
    }

    /// Hears what other processes say from now on.
    pub(super) fn subscribe(&self) -> broadcast::Receiver<Hint> {
        self.heard.subscribe()
    }

    /// Tells the other processes what has become of the job.
    pub(super) fn tell(&self, job: &Job) {
        self.send(Hint::Changed(job.id));
        if job.state() == State::Queued {
            self.send(Hint::Queued(job.service()));
        }
    }

    /// Tells the other processes what has become of the jobs.
    pub(super) fn tell_all(&self, saved: &Saved) {
        saved.jobs.iter().for_each(|job| self.tell(job));
        if saved.released {
            // Only reports wait for other jobs.
            self.send(Hint::Queued(Service::Report));
        }
    }

    /// Says it to the other processes, soon, if that is possible.
    fn send(&self, hint: Hint) {
        let _ = self.say.try_send(hint);
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

/// Says of every service that has jobs to claim that it has, again and again.
async fn poll(connections: Arc<Connections>, heard: broadcast::Sender<Hint>) {
    loop {
        tokio::time::sleep(POLL_INTERVAL).await;
        match ready(&connections).await {
            Ok(services) => {
                for service in services {
                    // Nobody listening is no fault of the one who speaks.
                    let _ = heard.send(Hint::Queued(service));
                }
            }
            Err(StoreError::Closed) => return,
            Err(error) => log::debug!("the queue cannot be looked at: {error}"),
        }
    }
}

async fn ready(connections: &Connections) -> StoreResult<Vec<Service>> {
    let numbers: Vec<i16> = Service::ALL.into_iter().map(service_number).collect();
    let numbers = &numbers;
    connections
        .run(|| async move {
            let mut lent = connections.lend().await?;
            let found = lent.query(READY, &[numbers]).await?;
            lent.done();
            let services = found.iter().map(|row| Ok(codec::service(row.try_get(0)?)?));
            services.collect()
        })
        .await
}

struct Line {
    connector: Arc<Connector>,
    me: String,
    heard: broadcast::Sender<Hint>,
    said: mpsc::Receiver<Hint>,
}

impl Line {
    async fn run(mut self) {
        let mut pause = RETRY;
        loop {
            match self.talk(&mut pause).await {
                Ok(()) => return,
                Err(error) => log::debug!("no hints until the next connection: {error}"),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(RETRY_MAX);
        }
    }

    /// A connection that listens, and ends when what goes with it is dropped.
    async fn listen(&self) -> Sql<(Client, Statement, AbortOnDrop)> {
        let connector = &self.connector;
        let (client, mut connection) = connector.config.connect(connector.tls.clone()).await?;
        let (heard, me) = (self.heard.clone(), self.me.clone());
        let task = connector.tasks.spawn(async move {
            loop {
                match std::future::poll_fn(|cx| connection.poll_message(cx)).await {
                    Some(Ok(AsyncMessage::Notification(said))) => {
                        recv(&heard, &me, said.payload());
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

    /// One connection's life.
    async fn talk(&mut self, pause: &mut Duration) -> Sql<()> {
        // A server that takes connections and says nothing would keep this deaf forever.
        let listening = tokio::time::timeout(OPERATION, self.listen()).await;
        // However this ends, the connection does.
        let (client, notify, _task) = listening.unwrap_or(Err(Fault::Stale))?;
        *pause = RETRY;
        // What was said until now was not heard.
        for service in Service::ALL {
            let _ = self.heard.send(Hint::Queued(service));
        }
        let mut hints = Vec::new();
        loop {
            // A quiet line is tried now and then: a dead one does not say so by itself.
            let more = self.said.recv_many(&mut hints, UNSENT);
            let heard = match tokio::time::timeout(OPERATION, more).await {
                Ok(0) => return Ok(()),
                Ok(_) | Err(_) => payloads(&self.me, hints.drain(..)),
            };
            let sent = async {
                for payload in &heard {
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

/// The hints, each once, as texts that begin with the name of who says them.
fn payloads(me: &str, hints: impl Iterator<Item = Hint>) -> Vec<String> {
    let mut words: Vec<String> = hints.map(word).collect();
    words.sort_unstable();
    words.dedup();
    let mut payloads: Vec<String> = Vec::new();
    for word in words {
        match payloads.last_mut() {
            Some(last) if last.len() + 1 + word.len() <= PAYLOAD => {
                last.push(' ');
                last.push_str(&word);
            }
            _ => payloads.push(format!("{me} {word}")),
        }
    }
    payloads
}

fn word(hint: Hint) -> String {
    match hint {
        Hint::Queued(service) => service.to_string(),
        Hint::Changed(job) => job.as_uuid().simple().to_string(),
    }
}

/// Passes on what another process has said.
fn recv(heard: &broadcast::Sender<Hint>, me: &str, payload: &str) {
    let mut words = payload.split(' ');
    if words.next() == Some(me) {
        return;
    }
    for word in words {
        let queued = word.parse().map(Hint::Queued);
        let changed = || Uuid::parse_str(word).map(|id| Hint::Changed(JobId::from(id)));
        if let Some(hint) = queued.ok().or_else(|| changed().ok()) {
            // Nobody listening is no fault of the one who speaks.
            let _ = heard.send(hint);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_heard_by_others_in_payloads_that_fit() {
        let jobs: Vec<JobId> = (0..1_000).map(|_| JobId::new()).collect();
        let hints = jobs.iter().map(|job| Hint::Changed(*job));
        let hints = hints.chain([Hint::Queued(Service::Report), Hint::Changed(jobs[0])]);
        let payloads = payloads("me", hints);
        let heard = broadcast::Sender::new(UNREAD);
        let mut listener = heard.subscribe();
        for payload in &payloads {
            assert!(payload.len() < 8_000);
            recv(&heard, "me", payload);
            recv(&heard, "other", payload);
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
    fn noise_is_not_heard() {
        let heard = broadcast::Sender::new(UNREAD);
        let mut listener = heard.subscribe();
        for noise in ["", "other", "other ", "other x 12 ☃", "report"] {
            recv(&heard, "me", noise);
        }
        assert!(listener.try_recv().is_err());
    }
}
