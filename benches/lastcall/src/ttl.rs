//! The cost of a sweep, by the number of live sessions and by the number of expired ones.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, TryStreamExt as _};
use lastcall_domain::store::{
    Admission, ClaimOrder, JobResult, Outcome as Ended, ResultLocation, Submission,
};
use lastcall_domain::{
    BlobKey, Blobs, Clock, InstanceId, Job, JobId, JobSpec, Owner, Service, Session, Store,
    SystemClock, TableFormat, Timestamp,
};

use crate::Outcome;
use crate::tree::{MAX_QUEUED, open_store};

/// Concurrent calls while the rows are created: they are committed together.
const CONCURRENCY: usize = 4096;
/// Sweeps that find nothing, for a median.
const SWEEPS: usize = 201;
/// Sessions that the cleaner removes in one batch.
const BATCH: u32 = 100;
/// How many have expired, in one measurement each.
const EXPIRED: [u64; 2] = [1_000, 10_000];

const SHORT: Duration = Duration::from_secs(3_600);
const LONG: Duration = Duration::from_secs(7 * 86_400);

struct Bench {
    store: Arc<dyn Store>,
    blobs: Arc<dyn Blobs>,
    /// Between the two times to live.
    later: Timestamp,
}

/// Prints a line for sweeps that find nothing, and one for each number of expired sessions.
pub(crate) async fn run(live: u64, folder: &str) -> Outcome<()> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let now = clock.now();
    let scratch = std::path::Path::new(folder).join("scratch");
    std::fs::create_dir_all(&scratch)?;
    let bench = Bench {
        store: open_store(folder, &clock).await?,
        blobs: lastcall_store::open_blobs(&format!("file://{folder}/blobs"), &scratch)?,
        later: now + Duration::from_secs(86_400),
    };
    bench.sessions(live, LONG, now).await?;

    let mut seconds = Vec::with_capacity(SWEEPS);
    for _ in 0..SWEEPS {
        let begin = Instant::now();
        bench.sweep(0).await?;
        seconds.push(begin.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    print(live, 0, seconds[SWEEPS / 2]);

    for expired in EXPIRED {
        let sessions = bench.sessions(expired, SHORT, now).await?;
        bench.fill(&sessions, now).await?;
        let begin = Instant::now();
        bench.sweep(expired).await?;
        print(live, expired, begin.elapsed().as_secs_f64());
    }
    bench.store.close().await?;
    Ok(())
}

fn print(live: u64, expired: u64, seconds: f64) {
    println!("{{\"live\":{live},\"expired\":{expired},\"seconds\":{seconds:.9}}}");
}

impl Bench {
    async fn sessions(&self, count: u64, ttl: Duration, now: Timestamp) -> Outcome<Vec<Session>> {
        futures_util::stream::iter(0..count)
            .map(|_| async {
                let session = Session::new(Owner::anonymous(), ttl, now);
                self.store.create_session(session.clone(), None).await?;
                Ok(session)
            })
            .buffer_unordered(CONCURRENCY)
            .try_collect()
            .await
    }

    /// One job that has ended, with its result, in each session.
    async fn fill(&self, sessions: &[Session], now: Timestamp) -> Outcome<()> {
        futures_util::stream::iter(sessions)
            .map(|session| self.submit(session, now))
            .buffer_unordered(CONCURRENCY)
            .try_collect::<()>()
            .await?;
        let holder = InstanceId::new();
        loop {
            let lease = Duration::from_secs(600);
            let jobs = self
                .store
                .claim(ClaimOrder::new(Service::Analysis, holder, lease, 1000))
                .await?;
            if jobs.is_empty() {
                return Ok(());
            }
            futures_util::stream::iter(jobs)
                .map(|job| self.end(job))
                .buffer_unordered(CONCURRENCY)
                .try_collect::<()>()
                .await?;
        }
    }

    async fn submit(&self, session: &Session, now: Timestamp) -> Outcome<()> {
        let spec = JobSpec::Sql {
            query: "select 1".to_owned(),
            parameters: Vec::new(),
            format: TableFormat::Json,
        };
        let owner = session.owner.clone();
        let submission = Submission {
            job: Job::new(JobId::new(), session.id, owner, spec, now),
            idempotency: None,
            max_queued: MAX_QUEUED,
        };
        match self.store.submit(submission).await? {
            Admission::Created(_) => Ok(()),
            other => Err(format!("a job was not accepted: {other:?}").into()),
        }
    }

    async fn end(&self, job: Job) -> Outcome<()> {
        let result = JobResult {
            media_type: "application/json".to_owned(),
            bytes: 2,
            location: ResultLocation::Inline(b"{}".as_slice().into()),
            content_key: None,
        };
        let verdict = self
            .store
            .complete(job.claim(), Ended::Succeeded(result))
            .await?;
        verdict.map_err(|refused| format!("{refused:?}"))?;
        Ok(())
    }

    /// What TtlCleaner does in one sweep, step for step.
    async fn sweep(&self, expected: u64) -> Outcome<()> {
        let mut removed = 0;
        loop {
            let sessions = self.store.begin_removal(self.later, BATCH).await?;
            if sessions.is_empty() {
                break;
            }
            for session in &sessions {
                self.blobs.delete_prefix(&BlobKey::prefix(*session)).await?;
            }
            self.store.finish_removal(&sessions).await?;
            removed += sessions.len() as u64;
        }
        self.store.purge(Timestamp::MIN_UTC, BATCH).await?;
        if removed != expected {
            return Err(format!("{removed} sessions were removed, not {expected}").into());
        }
        Ok(())
    }
}
