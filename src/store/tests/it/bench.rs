//! A store under test, with a manual clock.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::Poll;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use lastcall_domain::store::{
    Admission, Answer, ClaimOrder, Idempotency, JobResult, Outcome, ResultLocation,
};
use lastcall_domain::{
    BlobKey, Clock, Dataset, DatasetName, Fault, Format, InstanceId, Job, JobId, JobSpec, Limits,
    MemoryStore, Owner, OwnerLimits, ReadOptions, ReportFormat, ReportSource, Service, Session,
    SessionId, Store, Timestamp,
};
use lastcall_store::SqliteStore;
use tempfile::TempDir;

use crate::schema::Schema;

/// How long a lease is in these tests.
pub(crate) const LEASE: Duration = Duration::from_secs(5);
/// How long a session lives in these tests.
pub(crate) const TTL: Duration = Duration::from_secs(3600);

/// A manual clock.
#[derive(Debug)]
pub(crate) struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows a moment in the year 2026.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(1_780_000_000_000_000)))
    }

    /// Advances it.
    pub(crate) fn advance(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap();
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        DateTime::from_timestamp_micros(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

/// The storage of a bench's store.
pub(crate) enum Ground {
    /// Memory; the same store is what a restart finds.
    Memory(MemoryStore),
    /// A file in this folder.
    Sqlite(TempDir),
    /// A schema of the database server.
    Postgres(Schema),
}

/// A store under test.
pub(crate) struct Bench {
    /// The store.
    pub(crate) store: Arc<dyn Store>,
    /// Whether other processes may have it open.
    pub(crate) shared: bool,
    /// Whether the peers of a shared store are notified of each change: nobody can listen behind a
    /// pooler.
    pub(crate) hears_of_changes: bool,
    clock: Arc<ManualClock>,
    ground: Ground,
}

impl Bench {
    /// A store in memory that stands for SQLite.
    pub(crate) async fn memory() -> Self {
        Self::on_memory(MemoryStore::new, false)
    }

    /// A store in memory that stands for PostgreSQL.
    pub(crate) async fn shared_memory() -> Self {
        Self::on_memory(MemoryStore::shared, true)
    }

    /// A store in a file.
    pub(crate) async fn sqlite() -> Self {
        let clock = ManualClock::new();
        let folder = tempfile::tempdir().unwrap();
        Self {
            store: Arc::new(open_sqlite(folder.path(), &clock)),
            shared: false,
            hears_of_changes: true,
            clock,
            ground: Ground::Sqlite(folder),
        }
    }

    /// A store in a schema of the server that `scripts/test.sh` starts.
    pub(crate) async fn postgres() -> Self {
        Self::in_schema(Schema::new().await).await
    }

    /// The same behind PgBouncer in transaction mode.
    pub(crate) async fn pooled() -> Self {
        let mut bench = Self::in_schema(Schema::behind_a_pooler().await).await;
        bench.hears_of_changes = false;
        bench
    }

    async fn in_schema(schema: Schema) -> Self {
        let store = schema.open().await;
        let clock = ManualClock::new();
        schema.take_over_the_clock(clock.now()).await;
        Self {
            store: Arc::new(store),
            shared: true,
            hears_of_changes: true,
            clock,
            ground: Ground::Postgres(schema),
        }
    }

    fn on_memory(make: fn(Arc<dyn Clock>, Limits) -> MemoryStore, shared: bool) -> Self {
        let clock = ManualClock::new();
        let store = make(clock.clone(), Limits::default());
        Self {
            store: Arc::new(store.clone()),
            shared,
            hears_of_changes: true,
            clock,
            ground: Ground::Memory(store),
        }
    }

    /// Sets the bounds on owners.
    pub(crate) fn limit_owners(&self, per_owner: OwnerLimits) {
        self.store.limit_owners(per_owner);
    }

    /// Ends the process without a close, and starts another.
    pub(crate) async fn crash(&mut self) {
        match &self.ground {
            Ground::Memory(store) => self.store = Arc::new(store.clone()),
            Ground::Sqlite(folder) => {
                // The files of the open store are what a crash leaves.
                let left = tempfile::tempdir().unwrap();
                for file in ["lastcall.db", "lastcall.db-wal"] {
                    std::fs::copy(folder.path().join(file), left.path().join(file)).unwrap();
                }
                self.store = Arc::new(open_sqlite(left.path(), &self.clock));
                self.ground = Ground::Sqlite(left);
            }
            Ground::Postgres(schema) => self.store = Arc::new(schema.open().await),
        }
    }

    /// The store as another process has it, where that is possible.
    pub(crate) async fn peer(&self) -> Arc<dyn Store> {
        match &self.ground {
            Ground::Postgres(schema) => Arc::new(schema.open().await),
            Ground::Memory(_) | Ground::Sqlite(_) => Arc::clone(&self.store),
        }
    }

    /// The time on the store's clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The time on the store's clock, `by` from now.
    pub(crate) fn later(&self, by: Duration) -> Timestamp {
        self.now() + TimeDelta::from_std(by).unwrap()
    }

    /// Moves the store's clock on.
    pub(crate) async fn advance(&self, by: Duration) {
        self.clock.advance(by);
        match &self.ground {
            Ground::Memory(_) | Ground::Sqlite(_) => {}
            Ground::Postgres(schema) => schema.set_clock(self.clock.now()).await,
        }
    }

    /// A session that was made just now.
    pub(crate) async fn session(&self) -> Session {
        self.session_of("alice").await
    }

    /// A session of that owner that was made just now.
    pub(crate) async fn session_of(&self, owner: &str) -> Session {
        let session = Session::new(Owner::new(owner), TTL, self.now());
        let made = self.store.create_session(session.clone(), None).await;
        assert_eq!(made, Ok(Admission::Created(session.clone())));
        session
    }

    /// A profile to be submitted.
    pub(crate) fn profile(&self, session: &Session) -> Job {
        let spec = JobSpec::Profile {
            dataset: name("flights"),
            options: lastcall_domain::ProfileOptions::default(),
        };
        self.job_of(session, spec)
    }

    /// A report on another job, to be submitted.
    pub(crate) fn report_on(&self, session: &Session, analysis: JobId) -> Job {
        let spec = JobSpec::Report {
            source: ReportSource::Analysis(analysis),
            format: ReportFormat::Pdf,
            options: Box::default(),
        };
        self.job_of(session, spec)
    }

    /// A job to be submitted.
    pub(crate) fn job_of(&self, session: &Session, spec: JobSpec) -> Job {
        let owner = session.owner.clone();
        Job::new(JobId::new(), session.id, owner, spec, self.now())
    }

    /// Submits the job, which must be accepted.
    pub(crate) async fn submit(&self, job: Job) -> Job {
        let admission = self.store.submit(submission(job.clone())).await.unwrap();
        assert_eq!(admission, Admission::Created(job.clone()));
        job
    }

    /// A profile that was accepted.
    pub(crate) async fn queued(&self, session: &Session) -> Job {
        self.submit(self.profile(session)).await
    }

    /// A profile that `holder` is running.
    pub(crate) async fn running(&self, session: &Session, holder: InstanceId) -> Job {
        let job = self.queued(session).await;
        let claimed = self.claim_one(holder).await.expect("a job to claim");
        assert_eq!(claimed.id, job.id, "an older job was in the queue");
        claimed
    }

    /// Claims one analysis.
    pub(crate) async fn claim_one(&self, holder: InstanceId) -> Option<Job> {
        let claimed = self.claim(Service::Analysis, holder, 1).await;
        claimed.into_iter().next()
    }

    /// Claims jobs.
    pub(crate) async fn claim(&self, service: Service, holder: InstanceId, limit: u32) -> Vec<Job> {
        let claimed = self
            .store
            .claim(ClaimOrder::new(service, holder, LEASE, limit))
            .await;
        claimed.unwrap()
    }

    /// Claims up to `limit` analyses and stops waiting for the response after some polls. Returns
    /// what arrived in time.
    pub(crate) async fn claim_impatiently(
        &self,
        holder: InstanceId,
        limit: u32,
        moments: u32,
    ) -> Vec<Job> {
        let order = ClaimOrder::new(Service::Analysis, holder, LEASE, limit);
        let mut claim = std::pin::pin!(self.store.claim(order));
        for moment in 0..=moments {
            if let Poll::Ready(claimed) = futures_util::poll!(claim.as_mut()) {
                return claimed.unwrap();
            }
            tokio::time::sleep(moment * Duration::from_micros(50)).await;
        }
        Vec::new()
    }

    /// Claims an analysis whose response is lost, as far as the store can tell. Returns the job if
    /// the response was faster.
    pub(crate) async fn claim_unconfirmed(&self, holder: InstanceId) -> Option<Job> {
        if let Ground::Memory(store) = &self.ground {
            store.faults().fail_next(1, Fault::After);
        }
        let order = ClaimOrder::new(Service::Analysis, holder, LEASE, 1);
        let mut claim = std::pin::pin!(self.store.claim(order));
        match futures_util::poll!(claim.as_mut()) {
            Poll::Ready(heard) => heard.ok()?.pop(),
            Poll::Pending => {
                // It continues without a caller.
                tokio::time::sleep(Duration::from_millis(20)).await;
                None
            }
        }
    }

    /// The job in its row.
    pub(crate) async fn job(&self, id: JobId) -> Job {
        self.store.job(id).await.unwrap().expect("the job's row")
    }

    /// The names of the queued and running jobs of the service.
    pub(crate) async fn counts(&self, service: Service) -> (u64, u64) {
        let counts = self.store.counts().await.unwrap();
        let of = counts.jobs.get(&service).copied().unwrap_or_default();
        (of.queued, of.running)
    }
}

/// A submission without a key, into a queue that is never full.
pub(crate) fn submission(job: Job) -> lastcall_domain::store::Submission {
    lastcall_domain::store::Submission {
        job,
        idempotency: None,
        max_queued: 1_000_000,
    }
}

/// A key with a request and its answer.
pub(crate) fn key(owner: &str, key: &str, request: u8, body: &str) -> Idempotency {
    Idempotency {
        owner: Owner::new(owner),
        key: key.to_owned(),
        fingerprint: [request; 32],
        answer: Answer {
            status: 202,
            location: Some(format!("/v1/jobs/{body}")),
            body: format!("{{\"id\":\"{body}\"}}"),
        },
    }
}

/// A dataset to be put.
pub(crate) fn dataset(session: SessionId, dataset: &str, now: Timestamp) -> Dataset {
    Dataset {
        session,
        name: name(dataset),
        format: Format::Csv,
        bytes: 7,
        sha256: "ab".repeat(32),
        blob: BlobKey::upload(session),
        created_at: now,
        read: ReadOptions::default(),
        schema: None,
    }
}

/// A dataset's name.
pub(crate) fn name(name: &str) -> DatasetName {
    DatasetName::try_from(name.to_owned()).unwrap()
}

/// A small result.
pub(crate) fn result(text: &str) -> JobResult {
    JobResult {
        media_type: "application/json".to_owned(),
        bytes: text.len() as u64,
        location: ResultLocation::Inline(text.to_owned().into()),
        content_key: None,
    }
}

/// A job's end with a small result.
pub(crate) fn success(text: &str) -> Outcome {
    Outcome::Succeeded(result(text))
}

/// The store in the file of that folder.
pub(crate) fn open_sqlite(folder: &Path, clock: &Arc<ManualClock>) -> SqliteStore {
    let path = folder.join("lastcall.db");
    SqliteStore::open(&path, clock.clone(), Limits::default()).unwrap()
}
