//! A service on a free port, and a worker that the test moves by hand.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web;
use lastcall_actors::{CleanerCounts, MailboxStatus, ServiceState, ServiceStatus};
use lastcall_api::{ApiConfig, ApiState, JobMetrics, Parts, server};
use lastcall_domain::store::{ClaimOrder, JobResult, Outcome, ResultLocation, Store, WriteResult};
use lastcall_domain::trace::Tracer;
use lastcall_domain::{
    BlobKey, Blobs, Feed, InstanceId, Job, JobError, JobId, JobObserver as _, Limits, MemoryBlobs,
    MemoryStore, NewSessions, Service,
};
use serde_json::{Value, json};

use crate::client::{Client, Reply};
use crate::fakes::{FakeDescribe, FakeDisks, FakeSystem, HandClock};

pub const CSV: &[u8] = b"species,mass\nAdelie,3750\nGentoo,5000\n";

pub struct Api {
    pub client: Client,
    pub address: SocketAddr,
    pub store: MemoryStore,
    pub blobs: MemoryBlobs,
    pub feed: Feed,
    pub clock: Arc<HandClock>,
    pub system: Arc<FakeSystem>,
    pub describe: Arc<FakeDescribe>,
    pub disks: Arc<FakeDisks>,
    pub new_sessions: Arc<NewSessions>,
    pub job_metrics: JobMetrics,
    pub state: web::Data<ApiState>,
    handle: ServerHandle,
    thread: Option<JoinHandle<std::io::Result<()>>>,
}

impl Api {
    pub fn start() -> Self {
        Self::with(|_| {})
    }

    /// A service whose settings differ.
    pub fn with(change: impl FnOnce(&mut ApiConfig)) -> Self {
        let clock = Arc::new(HandClock::new());
        let store = MemoryStore::new(clock.clone(), Limits::default());
        let blobs = MemoryBlobs::new();
        let feed = Feed::new();
        let system = Arc::new(FakeSystem::new());
        let describe = Arc::new(FakeDescribe::new());
        let disks = Arc::new(FakeDisks::new());
        let new_sessions = Arc::new(NewSessions::default());
        let job_metrics = JobMetrics::default();
        let mut config = ApiConfig {
            workers: 2,
            shutdown_timeout: Duration::from_secs(1),
            ..ApiConfig::default()
        };
        change(&mut config);
        let parts = Parts {
            store: Arc::new(store.clone()),
            blobs: Arc::new(blobs.clone()),
            feed: feed.clone(),
            clock: clock.clone(),
            system: system.clone(),
            describe: describe.clone(),
            disks: disks.clone(),
            new_sessions: Arc::clone(&new_sessions),
            tracer: Tracer::default(),
            job_metrics: job_metrics.clone(),
        };
        let state = web::Data::new(ApiState::new(parts, config));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (started, handle) = mpsc::channel();
        let (served, refreshed) = (state.clone(), state.refresh_token_keys());
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async {
                let server = server(served, listener)?;
                actix_web::rt::spawn(refreshed);
                started.send(server.handle()).unwrap();
                server.await
            })
        });
        Self {
            client: Client::new(format!("http://{address}")),
            address,
            store,
            blobs,
            feed,
            clock,
            system,
            describe,
            disks,
            new_sessions,
            job_metrics,
            state,
            handle: handle.recv().unwrap(),
            thread: Some(thread),
        }
    }

    /// The path of a new session.
    pub fn session(&self) -> String {
        let reply = self.client.post("/v1/sessions", &json!({})).expect(201);
        reply.header("location").to_owned()
    }

    /// The path of a new session with the dataset `penguins`.
    pub fn session_with_penguins(&self) -> String {
        let session = self.session();
        self.put(&session, "penguins").expect(201);
        session
    }

    /// Uploads a small CSV.
    pub fn put(&self, session: &str, name: &str) -> Reply {
        self.client
            .put(&format!("{session}/datasets/{name}"), "text/csv", CSV)
    }

    /// The job of a new profile of `penguins`.
    pub fn profile(&self, session: &str) -> Value {
        let body = json!({"dataset": "penguins", "kind": "profile"});
        self.client
            .post(&format!("{session}/analyses"), &body)
            .ok(202)
    }

    /// Lets the actors report three services.
    pub fn with_services(&self) {
        let service = |name: &str, slots| ServiceStatus {
            name: name.to_owned(),
            state: ServiceState::Running,
            slots,
            mailbox: MailboxStatus {
                depth: 3,
                capacity: 64,
            },
            ..ServiceStatus::default()
        };
        let mut analysis = service("AnalysisService", 4);
        (analysis.busy, analysis.in_flight, analysis.restarts) = (1, 1, 2);
        (analysis.counts.claimed, analysis.counts.succeeded) = (8, 7);
        let mut cleaner = service("TtlCleaner", 0);
        cleaner.cleaner = Some(CleanerCounts {
            sweeps: 3,
            ..CleanerCounts::default()
        });
        let report = service("ReportService", 4);
        *self.system.services.lock().unwrap() = vec![analysis, report, cleaner];
    }

    /// Lets the next request for `/v1/system` panic.
    pub fn panic_next(&self) {
        self.system.panics.store(true, Ordering::Relaxed);
    }

    /// Claims the oldest job of the service.
    pub fn claim(&self, service: Service) -> Option<Job> {
        let lease = Duration::from_secs(5);
        let claimed =
            block(
                self.store
                    .claim(ClaimOrder::new(service, InstanceId::new(), lease, 1)),
            )
            .unwrap();
        let job = claimed.into_iter().next()?;
        self.feed.changed(job.id);
        Some(job)
    }

    /// Ends a claimed job.
    pub fn complete(&self, job: &Job, outcome: Outcome) -> WriteResult {
        let verdict = block(self.store.complete(job.claim(), outcome)).unwrap();
        if let Ok(job) = &verdict
            && job.state().is_final()
        {
            self.job_metrics.ended(job);
        }
        self.feed.changed(job.id);
        verdict
    }

    /// Lets the oldest job of the service succeed.
    pub fn work(&self, service: Service, media_type: &str, body: &str) -> JobId {
        let job = self.claim(service).expect("a job is queued");
        let result = inline(media_type, body);
        self.complete(&job, Outcome::Succeeded(result)).unwrap();
        job.id
    }

    /// Lets the oldest job of the service succeed with a result in the blob store.
    pub fn work_to_blob(&self, service: Service, media_type: &str, body: &[u8]) -> JobId {
        let job = self.claim(service).expect("a job is queued");
        let key = BlobKey::result(job.session, job.id, job.lifecycle.epoch);
        block(self.blobs.put(&key, body.to_vec().into())).unwrap();
        let result = JobResult {
            media_type: media_type.to_owned(),
            bytes: body.len() as u64,
            location: ResultLocation::Blob(key),
            content_key: None,
        };
        self.complete(&job, Outcome::Succeeded(result)).unwrap();
        job.id
    }

    /// Lets the oldest job of the service fail for good.
    pub fn fail(&self, service: Service, code: &str) -> JobId {
        let job = self.claim(service).expect("a job is queued");
        let error = JobError::permanent(code, "it did not go well");
        self.complete(&job, Outcome::Failed(error)).unwrap();
        job.id
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        // No graceful end: connections of the client are still open.
        block(self.handle.stop(false));
        let ended = self.thread.take().unwrap().join();
        if !std::thread::panicking() {
            ended.unwrap().unwrap();
        }
    }
}

pub fn inline(media_type: &str, body: &str) -> JobResult {
    JobResult {
        media_type: media_type.to_owned(),
        bytes: body.len() as u64,
        location: ResultLocation::Inline(body.to_owned().into()),
        content_key: None,
    }
}

/// Waits for a future of the in-memory stores, or of the server.
pub fn block<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}
