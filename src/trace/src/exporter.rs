//! The exporting thread, and how it ends.

use std::fmt;
use std::io;
use std::sync::mpsc::{Receiver as Done, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lastcall_domain::trace::{SpanRecord, SpanSink};
use serde_json::Value as Json;
use tokio::runtime::Builder;
use tokio::sync::mpsc::Receiver;
use tokio::sync::watch;
use tokio::time::{sleep, sleep_until, timeout};

use crate::client::Client;
use crate::otlp;
use crate::queue::Queue;

/// The name of the thread, and of those that resolve host names for it. The operating system may
/// hold one of the latter while a name server is silent.
pub const THREAD: &str = "trace-export";
/// The most spans in one request.
const BATCH: usize = 512;
/// How long spans are batched for a request.
const BATCH_INTERVAL: Duration = Duration::from_secs(1);
/// How long a request may take, its retries included.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(10);

/// Where spans are exported to, and the attributes of this process.
#[derive(Clone)]
pub struct ExporterConfig {
    /// The collector's base URL, such as `http://127.0.0.1:4318`; `/v1/traces` is added to it.
    pub endpoint: String,
    /// Headers of each request, by name. They may be secrets.
    pub headers: Vec<(String, String)>,
    /// The version of the service.
    pub version: String,
    /// The instance: one run of the process.
    pub instance: String,
}

impl fmt::Debug for ExporterConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExporterConfig")
            .field("endpoint", &self.endpoint)
            .field("instance", &self.instance)
            .finish_non_exhaustive()
    }
}

/// Why the exporter could not start.
#[derive(Debug)]
pub enum StartError {
    /// The thread cannot be started.
    Thread(io::Error),
    /// The settings are invalid.
    Settings(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Thread(error) => write!(f, "the thread cannot be started: {error}"),
            Self::Settings(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for StartError {}

/// Exports spans from a thread of its own.
#[derive(Debug)]
pub struct Exporter {
    queue: Arc<Queue>,
    close_by: watch::Sender<Option<Instant>>,
    thread: Mutex<Option<(JoinHandle<()>, Done<()>)>>,
}

impl Exporter {
    /// Starts the thread. Nothing is sent before there are spans.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(config: &ExporterConfig) -> Result<Self, StartError> {
        let client = Client::new(&config.endpoint, &config.headers, EXPORT_TIMEOUT)
            .map_err(StartError::Settings)?;
        // The timer and the sockets belong to this runtime, and end with it.
        let runtime = Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(2)
            .thread_name(THREAD)
            .build()
            .map_err(StartError::Thread)?;
        let (queue, spans) = Queue::new();
        let queue = Arc::new(queue);
        let (close_by, closing) = watch::channel(None);
        let (ended, done) = channel();
        let mut work = Work {
            queue: Arc::clone(&queue),
            spans,
            closing,
            client,
            resource: resource(config),
            version: config.version.clone(),
            is_failing: false,
        };
        let thread = std::thread::Builder::new()
            .name(THREAD.to_owned())
            .spawn(move || {
                let closing = work.closing.clone();
                runtime.block_on(async {
                    tokio::select! {
                        biased;
                        () = work.run() => {}
                        () = time_is_over(closing) => {}
                    }
                });
                work.queue.end();
                // A thread that resolves a name cannot be stopped, and has nothing to lose.
                runtime.shutdown_background();
                // The receiver may be gone.
                let _ = ended.send(());
            })
            .map_err(StartError::Thread)?;
        Ok(Self {
            queue,
            close_by,
            thread: Mutex::new(Some((thread, done))),
        })
    }

    /// The sink for spans.
    pub fn sink(&self) -> Arc<dyn SpanSink> {
        Arc::<Queue>::clone(&self.queue)
    }

    /// Exports the queued spans, until `until` at most, and joins the thread. Blocks, so it must
    /// not be called on a runtime's thread. Returns `false` if the thread does not end.
    pub fn close(&self, until: Instant) -> bool {
        self.close_by.send_replace(Some(until));
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some((thread, done)) = thread else {
            return true;
        };
        // It ends at `until` by itself, because nothing blocks it.
        let patience = until.saturating_duration_since(Instant::now()) + JOIN_GRACE;
        let ended = done.recv_timeout(patience) != Err(std::sync::mpsc::RecvTimeoutError::Timeout);
        ended && thread.join().is_ok()
    }
}

/// How much later the thread may end on a busy machine.
const JOIN_GRACE: Duration = Duration::from_millis(250);

async fn time_is_over(mut closing: watch::Receiver<Option<Instant>>) {
    let until = closing.wait_for(Option::is_some).await.ok();
    // Without a deadline the exporter is gone, and nobody waits.
    if let Some(until) = until.and_then(|until| *until) {
        sleep_until(until.into()).await;
    }
}

/// The resource of the spans.
fn resource(config: &ExporterConfig) -> Json {
    // The standard variable that all OpenTelemetry services share.
    let name = std::env::var("OTEL_SERVICE_NAME").unwrap_or_default();
    let name = if name.is_empty() { "lastcall" } else { &name };
    otlp::resource(&[
        ("service.name", name),
        ("service.version", &config.version),
        ("service.instance.id", &config.instance),
    ])
}

/// The work of the thread.
struct Work {
    queue: Arc<Queue>,
    spans: Receiver<SpanRecord>,
    closing: watch::Receiver<Option<Instant>>,
    client: Client,
    resource: Json,
    version: String,
    is_failing: bool,
}

impl Work {
    /// Exports until it is closed and the queue is empty.
    async fn run(&mut self) {
        loop {
            let batch = self.next_batch().await;
            if batch.is_empty() {
                return;
            }
            self.export(batch).await;
        }
    }

    /// Waits for spans and batches them for a while; empty if it is closing and there are none.
    async fn next_batch(&mut self) -> Vec<SpanRecord> {
        let mut batch = Vec::new();
        let mut closing = self.closing.clone();
        tokio::select! {
            biased;
            _ = self.spans.recv_many(&mut batch, BATCH) => {}
            _ = closing.wait_for(Option::is_some) => {
                self.spans.close();
                self.spans.recv_many(&mut batch, BATCH).await;
            }
        }
        let gathered = sleep(BATCH_INTERVAL);
        tokio::pin!(gathered);
        while !batch.is_empty() && batch.len() < BATCH {
            let room = BATCH - batch.len();
            tokio::select! {
                biased;
                more = self.spans.recv_many(&mut batch, room) => if more == 0 {
                    break;
                },
                () = &mut gathered => break,
                _ = closing.wait_for(Option::is_some) => break,
            }
        }
        batch
    }

    async fn export(&mut self, batch: Vec<SpanRecord>) {
        let count = batch.len() as u64;
        let request = otlp::request(&self.resource, &self.version, &batch);
        drop(batch);
        let sent = self.client.send(request.to_string().into_bytes());
        let fault = match timeout(EXPORT_TIMEOUT, sent).await {
            Ok(Ok(rejected)) => {
                let rejected = rejected.min(count);
                self.queue.exported(count - rejected);
                self.queue.dropped(rejected);
                if std::mem::take(&mut self.is_failing) {
                    log::info!("the trace collector takes spans again");
                }
                return;
            }
            Ok(Err(why)) => why,
            Err(_) => format!("no answer in {EXPORT_TIMEOUT:?}"),
        };
        self.queue.dropped(count);
        if !std::mem::replace(&mut self.is_failing, true) {
            log::warn!("the trace collector does not take spans, which are dropped: {fault}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use lastcall_domain::trace::Tracer;

    use super::*;

    /// The longest wait of a test.
    const TIMEOUT: Duration = Duration::from_secs(60);

    fn to(endpoint: String) -> Exporter {
        let config = ExporterConfig {
            endpoint,
            headers: vec![("authorization".to_owned(), "Bearer s3cret".to_owned())],
            version: "1".to_owned(),
            instance: "here".to_owned(),
        };
        assert!(!format!("{config:?}").contains("s3cret"));
        Exporter::start(&config).unwrap()
    }

    #[test]
    fn a_silent_collector_costs_spans_and_no_time() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let exporter = to(format!("http://{}", silent.local_addr().unwrap()));
        let tracer = Tracer::new(exporter.sink(), 1.0);
        // Many more than there is room for: the sender never waits.
        let spans = 20_000;
        for _ in 0..spans {
            drop(tracer.request(None));
        }
        let dropped = tracer.counts().unwrap().dropped;
        assert!(dropped > 0 && dropped < spans, "{dropped}");
        let until = Instant::now() + Duration::from_millis(100);
        assert!(exporter.close(until), "it ends although it has no answer");
        let counts = tracer.counts().unwrap();
        assert_eq!((counts.exported, counts.dropped), (0, spans));
        assert!(exporter.close(until), "twice is no harm");
    }

    #[test]
    fn without_a_span_it_ends_at_once() {
        let exporter = to("http://collector.invalid:4318".to_owned());
        assert!(exporter.close(Instant::now() + TIMEOUT));
    }

    #[test]
    fn an_invalid_header_is_an_error() {
        let config = ExporterConfig {
            endpoint: "http://127.0.0.1:4318".to_owned(),
            headers: vec![("a b".to_owned(), "s3cret".to_owned())],
            version: String::new(),
            instance: String::new(),
        };
        let error = Exporter::start(&config).unwrap_err().to_string();
        assert_eq!(error, "a header is invalid");
    }
}
