//! Tests below the port: groups, failed commits, unconfirmed claims, query plans.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod claims;
mod plans;

use std::sync::mpsc as gate;
use std::time::Duration;

use lastcall_domain::store::{
    Admission, JobFilter, JobResult, Order, Outcome, ResultLocation, Submission,
};
use lastcall_domain::{
    ClaimRef, InstanceId, Job, JobId, JobSpec, Limits, Owner, ProfileOptions, Refused, Service,
    Session, State, Store, StoreError, SystemClock,
};
use rusqlite::Connection;

use super::error::Fault;
use super::*;

const LEASE: Duration = Duration::from_secs(5);

struct Bench {
    store: Arc<SqliteStore>,
    session: Session,
    folder: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.db");
        let store = SqliteStore::open(&path, Arc::new(SystemClock), Limits::default()).unwrap();
        let ttl = Duration::from_secs(3600);
        let session = Session::new(Owner::anonymous(), ttl, SystemClock.now());
        store.create_session(session.clone(), None).await.unwrap();
        Self {
            store: Arc::new(store),
            session,
            folder,
        }
    }

    fn submission(&self) -> Submission {
        let spec = JobSpec::Profile {
            dataset: DatasetName::try_from("x".to_owned()).unwrap(),
            options: ProfileOptions::default(),
        };
        let owner = self.session.owner.clone();
        let now = SystemClock.now();
        Submission {
            job: Job::new(JobId::new(), self.session.id, owner, spec, now),
            idempotency: None,
            max_queued: 1_000,
        }
    }

    /// Blocks the writer, so that the requests that arrive meanwhile become one group.
    async fn hold(&self) -> Held {
        let (release, released) = gate::channel::<()>();
        let (reached, holds) = tokio::sync::oneshot::channel();
        let store = Arc::clone(&self.store);
        tokio::spawn(async move {
            let wait = move |_: &mut transaction::WriteTransaction<'_>| {
                let _ = reached.send(());
                // An error means that the test has dropped the other end.
                let _ = released.recv();
                Ok(())
            };
            store.threads.write(BeforeCommit, wait).await
        });
        holds.await.unwrap();
        Held { _release: release }
    }

    /// Runs the request in its own task, and returns once it is queued.
    async fn spawn<T: Send + 'static>(
        &self,
        call: impl Future<Output = T> + Send + 'static,
    ) -> tokio::task::JoinHandle<T> {
        let mut call = Box::pin(call);
        // The first poll puts it into the channel.
        let first = futures_util::poll!(call.as_mut());
        assert!(first.is_pending(), "the writer is being held up");
        tokio::spawn(call)
    }

    async fn submit(&self) -> tokio::task::JoinHandle<StoreResult<Admission<Job>>> {
        let (store, submission) = (Arc::clone(&self.store), self.submission());
        self.spawn(async move { store.submit(submission).await })
            .await
    }

    /// Adds another operation to the group.
    async fn also(
        &self,
        operation: impl FnOnce(&mut transaction::WriteTransaction<'_>) -> Result<(), Fault>
        + Send
        + 'static,
    ) -> tokio::task::JoinHandle<StoreResult<()>> {
        let store = Arc::clone(&self.store);
        self.spawn(async move { store.threads.write(AfterCommit, operation).await })
            .await
    }

    /// Makes the commit of the group fail.
    async fn spoil(&self) -> tokio::task::JoinHandle<StoreResult<()>> {
        self.also(|unit| {
            // A dangling reference, which is checked by the commit.
            unit.conn.execute_batch(
                "CREATE TABLE parents (id INTEGER PRIMARY KEY);
                 CREATE TABLE children
                     (parent INTEGER REFERENCES parents DEFERRABLE INITIALLY DEFERRED);
                 INSERT INTO children VALUES (1);",
            )?;
            Ok(())
        })
        .await
    }

    async fn queued(&self) -> u64 {
        self.store.counts().await.unwrap().jobs[&Service::Analysis].queued
    }
}

struct Held {
    _release: gate::Sender<()>,
}

fn success() -> Outcome {
    Outcome::Succeeded(JobResult {
        media_type: "application/json".to_owned(),
        bytes: 2,
        location: ResultLocation::Inline("{}".into()),
        content_key: None,
    })
}

#[tokio::test]
async fn an_operation_that_fails_or_panics_leaves_its_neighbours_alone() {
    let bench = Bench::new().await;
    let held = bench.hold().await;
    let first = bench.submit().await;
    let failing = bench.also(|unit| {
        unit.conn
            .execute_batch("DELETE FROM jobs; DELETE FROM sessions; SELECT nonsense")?;
        Ok(())
    });
    let failing = failing.await;
    let panicking = bench.also(|unit| {
        unit.conn
            .execute_batch("DELETE FROM jobs; DELETE FROM sessions")?;
        panic!("a test wants it so")
    });
    let panicking = panicking.await;
    let last = bench.submit().await;
    drop(held);
    let first = first.await.unwrap().unwrap();
    let last = last.await.unwrap().unwrap();
    assert!(matches!(failing.await.unwrap(), Err(StoreError::Failed(_))));
    assert!(matches!(
        panicking.await.unwrap(),
        Err(StoreError::Failed(_))
    ));
    for admission in [first, last] {
        let Admission::Created(job) = admission else {
            panic!("{admission:?}");
        };
        assert_eq!(bench.store.job(job.id).await, Ok(Some(job)));
    }
    assert_eq!(bench.queued().await, 2);
}

#[tokio::test]
async fn a_failed_commit_is_reported_to_all_and_leaves_nothing() {
    let bench = Bench::new().await;
    let held = bench.hold().await;
    let submitted = bench.submit().await;
    let spoiling = bench.spoil().await;
    drop(held);
    let answer = submitted.await.unwrap();
    assert!(
        matches!(answer, Err(StoreError::Unavailable(_))),
        "{answer:?}"
    );
    let answer = spoiling.await.unwrap();
    assert!(
        matches!(answer, Err(StoreError::Unavailable(_))),
        "{answer:?}"
    );
    assert_eq!(bench.queued().await, 0);
    let all = bench
        .store
        .jobs(&JobFilter::default(), None, 9)
        .await
        .unwrap();
    assert_eq!(all.items, []);
    let again = bench.store.submit(bench.submission()).await.unwrap();
    assert!(
        matches!(again, Admission::Created(_)),
        "the next one goes through"
    );
}

#[tokio::test]
async fn a_full_disk_is_reported_and_not_fatal() {
    let bench = Bench::new().await;
    let limit = |pages: i64| {
        let store = Arc::clone(&bench.store);
        async move {
            let set = move |unit: &mut transaction::WriteTransaction<'_>| {
                let set = format!("PRAGMA max_page_count = {pages}");
                unit.conn.execute_batch(&set)?;
                Ok(())
            };
            store.threads.write(AfterCommit, set).await.unwrap();
        }
    };
    limit(1).await;
    let mut accepted = 0;
    let error = loop {
        match bench.store.submit(bench.submission()).await {
            Ok(_) => accepted += 1,
            Err(error) => break error,
        }
        assert!(accepted < 10_000, "the file must not grow");
    };
    assert_eq!(error.code(), "store_unavailable");
    assert!(error.to_string().contains("full"), "{error}");
    assert_eq!(bench.queued().await, accepted);
    limit(1_000_000).await;
    bench.store.submit(bench.submission()).await.unwrap();
    assert_eq!(bench.queued().await, accepted + 1);
}

#[tokio::test]
async fn an_accepted_job_is_on_disk_before_its_answer() {
    let bench = Bench::new().await;
    let synchronous = bench.store.threads.write(AfterCommit, |unit| {
        let of = |name| {
            unit.conn
                .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0))
        };
        Ok((of("journal_mode")?, of("synchronous")?))
    });
    let (journal, synchronous) = synchronous.await.unwrap();
    assert_eq!(journal, "wal".to_owned().into());
    assert_eq!(synchronous, 2_i64.into(), "FULL");
}

#[tokio::test]
async fn a_caller_that_goes_away_stops_nothing() {
    let bench = Bench::new().await;
    let held = bench.hold().await;
    let submission = bench.submission();
    let id = submission.job.id;
    let store = Arc::clone(&bench.store);
    let caller = bench
        .spawn(async move { store.submit(submission).await })
        .await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    drop(held);
    bench.store.ping().await.unwrap();
    assert!(bench.store.job(id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_close_finishes_what_was_begun() {
    let bench = Bench::new().await;
    let held = bench.hold().await;
    let submitted = bench.submit().await;
    let store = Arc::clone(&bench.store);
    let closing = bench.spawn(async move { store.close().await }).await;
    drop(held);
    assert!(matches!(
        submitted.await.unwrap(),
        Ok(Admission::Created(_))
    ));
    assert_eq!(closing.await.unwrap(), Ok(()));
    let never = ClaimRef {
        job: JobId::new(),
        epoch: 1,
    };
    let late = bench.store.complete(never, success()).await;
    assert_eq!(late, Err(StoreError::Closed));
}

#[tokio::test]
async fn operations_that_wait_for_a_lock_wait_together() {
    let bench = Bench::new().await;
    let other = Connection::open(bench.folder.path().join("test.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut waiting = Vec::new();
    for _ in 0..8 {
        waiting.push(bench.submit().await);
    }
    let began = std::time::Instant::now();
    for submitted in waiting {
        let answer = submitted.await.unwrap();
        assert!(
            matches!(answer, Err(StoreError::Unavailable(_))),
            "{answer:?}"
        );
    }
    // One after the other they would take eight times 5 s.
    assert!(began.elapsed() < Duration::from_secs(20));
    other.execute_batch("ROLLBACK").unwrap();
    bench.store.submit(bench.submission()).await.unwrap();
    assert_eq!(bench.queued().await, 1);
}

#[tokio::test]
async fn a_close_does_not_wait_for_a_lock_of_another_process() {
    let bench = Bench::new().await;
    let other = Connection::open(bench.folder.path().join("test.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let submitted = bench.submit().await;
    let began = std::time::Instant::now();
    assert_eq!(bench.store.close().await, Ok(()));
    // A lock is otherwise waited for for 5 s: by the operation, and by the last checkpoint.
    assert!(began.elapsed() < Duration::from_secs(4));
    let answer = submitted.await.unwrap();
    assert!(
        matches!(answer, Err(StoreError::Unavailable(_))),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_row_that_cannot_be_read_keeps_neither_the_start_nor_the_queue_from_going_on() {
    let bench = Bench::new().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        let submission = bench.submission();
        ids.push(submission.job.id);
        bench.store.submit(submission).await.unwrap();
    }
    let claim = |limit| {
        bench.store.claim(ClaimOrder::new(
            Service::Analysis,
            InstanceId::new(),
            LEASE,
            limit,
        ))
    };
    assert_eq!(claim(2).await.unwrap().len(), 2);
    let spoilt = [0, 2, 3].map(|n: usize| ids[n]);
    let spoil = move |unit: &mut transaction::WriteTransaction<'_>| {
        for id in spoilt {
            let text = "UPDATE jobs SET spec = '{\"kind\":\"of another version\"}' WHERE id = ?1";
            unit.sql(text)?.execute([row::key(id.as_uuid())])?;
        }
        Ok(())
    };
    bench.store.threads.write(AfterCommit, spoil).await.unwrap();

    assert_eq!(bench.store.recover().await, Ok(1));
    let mut claimed = Vec::new();
    for _ in 0..3 {
        claimed.extend(claim(1).await.unwrap().into_iter().map(|job| job.id));
    }
    assert_eq!(claimed, [ids[1], ids[4]]);
    let counts = bench.store.counts().await.unwrap().jobs[&Service::Analysis];
    assert_eq!((counts.queued, counts.running), (2, 3));
}
