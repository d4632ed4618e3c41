//! Guarantees that only apply to a database that several processes share.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lastcall_domain::store::{Admission, ClaimOrder, Submission};
use lastcall_domain::{
    InstanceId, Job, JobId, JobSpec, Limits, Owner, ProfileOptions, Service, Session, Store,
    StoreError, SystemClock,
};
use lastcall_store::{PostgresStore, open_store};

use crate::bench::{LEASE, TTL, key, name, submission};
use crate::schema::{Schema, server};

/// Longer than any call may take.
pub(crate) const BOUND: Duration = Duration::from_secs(60);

pub(crate) async fn open(url: &str) -> Result<PostgresStore, StoreError> {
    let opened = PostgresStore::open(url, Limits::default());
    tokio::time::timeout(BOUND, opened)
        .await
        .expect("an answer in time")
}

pub(crate) async fn session(store: &PostgresStore) -> Session {
    let now = lastcall_domain::Clock::now(&SystemClock);
    let session = Session::new(Owner::new("alice"), TTL, now);
    store.create_session(session.clone(), None).await.unwrap();
    session
}

pub(crate) fn profile(session: &Session) -> Submission {
    let spec = JobSpec::Profile {
        dataset: name("x"),
        options: ProfileOptions::default(),
    };
    let (owner, now) = (session.owner.clone(), session.created_at);
    submission(Job::new(JobId::new(), session.id, owner, spec, now))
}

/// The URL with other parameters, and another host.
fn url_with(host: &str, parameters: &str) -> String {
    format!("{}?{parameters}", server().replace("localhost", host))
}

/// Host and port of the server.
pub(crate) fn address() -> String {
    let url = server();
    let (_, place) = url.rsplit_once('@').unwrap();
    place.split('/').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_start_at_once_make_one_schema() {
    let schema = Schema::new().await;
    let opened = (0..6).map(|_| {
        let url = schema.url.clone();
        tokio::spawn(async move { open(&url).await })
    });
    for opened in opened.collect::<Vec<_>>() {
        let store = opened.await.unwrap().unwrap();
        store.ping().await.unwrap();
        store.close().await.unwrap();
    }
    let versions = schema
        .client
        .query("SELECT version FROM lastcall_schema", &[]);
    assert_eq!(versions.await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let schema = Schema::new().await;
    schema.open().await.close().await.unwrap();
    let newer = schema
        .client
        .batch_execute("UPDATE lastcall_schema SET version = 999");
    newer.await.unwrap();
    let error = schema.try_open().await.err().expect("a refusal");
    assert_eq!(error.code(), "store_failed");
    assert!(error.to_string().contains("newer version"), "{error}");
}

#[tokio::test]
async fn a_refusal_is_distinguished_from_an_absence_and_no_password_is_shown() {
    let refused = server().replace("only-for-tests", "s3cret");
    let absent = "postgres://lastcall:s3cret@localhost:1/postgres".to_owned();
    let elsewhere = "postgres://lastcall:s3cret@nowhere.invalid/postgres".to_owned();
    let no_database = server().replace("/postgres", "/no_such_database");
    let cases = [
        (refused, "store_failed"),
        (no_database, "store_failed"),
        (absent, "store_unavailable"),
        (elsewhere, "store_unavailable"),
    ];
    for (url, code) in cases {
        let clock = Arc::new(SystemClock);
        let opened = open_store(&url, clock, Limits::default()).await;
        let error = opened.err().expect("an error");
        assert_eq!(error.code(), code, "{error}");
        assert!(!format!("{error} {error:?}").contains("s3cret"));
    }
}

#[tokio::test]
async fn the_line_is_encrypted_and_the_server_checked_as_the_url_says() {
    let schema = Schema::new().await;
    let folder = schema.client.query_one("SHOW unix_socket_directories", &[]);
    let folder: String = folder.await.unwrap().get(0);
    let certificate = PathBuf::from(folder).join("server.crt");
    let trusted = format!("sslrootcert={}", certificate.display());
    let good = [
        ("localhost", "sslmode=require".to_owned()),
        ("localhost", format!("sslmode=verify-full&{trusted}")),
        ("localhost", format!("sslmode=require&{trusted}")),
        // The certificate is for another name.
        ("127.0.0.1", format!("sslmode=verify-ca&{trusted}")),
    ];
    let schema_name = schema.url.split_once("&options").unwrap().1;
    for (n, (host, parameters)) in good.into_iter().enumerate() {
        let me = format!("lastcall-{}-{n}", uuid::Uuid::now_v7().simple());
        let url = url_with(host, &format!("{parameters}&application_name={me}"));
        let store = open(&format!("{url}&options{schema_name}")).await.unwrap();
        let text = "SELECT bool_and(ssl), count(*) FROM pg_stat_ssl
             JOIN pg_stat_activity USING (pid) WHERE application_name = $1";
        let lines = schema.client.query_one(text, &[&me]).await.unwrap();
        assert!(lines.get::<_, i64>(1) > 0);
        assert!(lines.get::<_, bool>(0), "{parameters}");
        store.close().await.unwrap();
    }
    let bad = [
        ("127.0.0.1", format!("sslmode=verify-full&{trusted}")),
        (
            "localhost",
            "sslmode=verify-ca&sslrootcert=/no/such/file".to_owned(),
        ),
    ];
    for (host, parameters) in bad {
        let refused = open(&url_with(host, &parameters)).await;
        assert!(refused.is_err(), "{parameters}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_job_is_claimed_by_two_processes() {
    let schema = Schema::new().await;
    let stores = [
        schema.open().await,
        schema.open().await,
        schema.open().await,
    ];
    let session = session(&stores[0]).await;
    let submitted = (0..60).map(|_| stores[0].submit(profile(&session)));
    let submitted = futures_util::future::join_all(submitted).await;
    assert!(submitted.iter().all(Result::is_ok));
    let tasks = stores.map(|store| {
        tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                let claimed = store.claim(ClaimOrder::new(
                    Service::Analysis,
                    InstanceId::new(),
                    LEASE,
                    3,
                ));
                let claimed = claimed.await.unwrap();
                if claimed.is_empty()
                    && store.counts().await.unwrap().jobs[&Service::Analysis].queued == 0
                {
                    break mine;
                }
                mine.extend(claimed.into_iter().map(|job| job.id));
            }
        })
    });
    let mut claimed = Vec::new();
    for task in tasks {
        claimed.extend(task.await.unwrap());
    }
    assert_eq!(claimed.len(), 60);
    assert_eq!(claimed.iter().collect::<HashSet<_>>().len(), 60);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bound_of_the_queue_and_the_keys_hold_across_processes() {
    let schema = Schema::new().await;
    let stores = [schema.open().await, schema.open().await];
    let session = session(&stores[0]).await;
    let stores = stores.map(Arc::new);
    let tasks = (0..40).map(|n| {
        let store = Arc::clone(&stores[n % 2]);
        let mut submission = profile(&session);
        submission.max_queued = 7;
        if n < 10 {
            submission.idempotency = Some(key("alice", "k", 1, &n.to_string()));
        }
        tokio::spawn(async move { store.submit(submission).await.unwrap() })
    });
    let (mut created, mut keyed) = (0, 0);
    for (n, task) in tasks.collect::<Vec<_>>().into_iter().enumerate() {
        if let Admission::Created(_) = task.await.unwrap() {
            created += 1;
            keyed += usize::from(n < 10);
        }
    }
    assert_eq!(created, 7);
    assert!(keyed <= 1, "one request of that key was made at most");
}

#[tokio::test]
async fn a_job_that_a_process_of_the_version_before_has_accepted_has_no_trace() {
    let schema = Schema::new().await;
    let store = schema.open().await;
    let session = session(&store).await;
    let job = profile(&session).job;
    // What such a process writes.
    let text = "INSERT INTO jobs (id, session, owner, service, spec, state, attempt,
             interruptions, epoch, cancel_requested, waits_for, progress, created_at)
         VALUES ($1, $2, $3, 0, $4, 0, 0, 0, 0, false, NULL, 0, $5)";
    let spec = serde_json::to_string(&job.spec).unwrap();
    let created_at = job.created_at.timestamp_micros();
    let row: [&(dyn tokio_postgres::types::ToSql + Sync); 5] = [
        job.id.as_uuid(),
        session.id.as_uuid(),
        &session.owner.as_str(),
        &spec,
        &created_at,
    ];
    schema.client.execute(text, &row).await.unwrap();
    let order = ClaimOrder::new(Service::Analysis, InstanceId::new(), LEASE, 1);
    let claimed = store.claim(order).await.unwrap();
    assert_eq!((claimed[0].id, &claimed[0].trace), (job.id, &None));
}

#[tokio::test]
async fn one_process_sweeps_at_a_time_and_a_killed_one_is_succeeded() {
    let schema = Schema::new().await;
    let (first, second) = (schema.open().await, schema.open().await);
    let session = session(&first).await;
    let now = session.expires_at;
    schema.take_over_the_clock(now).await;
    assert_eq!(first.begin_removal(now, 9).await, Ok(vec![session.id]));
    assert_eq!(second.begin_removal(now, 9).await, Ok(vec![]));
    let minute = chrono::TimeDelta::seconds(60);
    schema.set_clock(now + minute).await;
    assert_eq!(second.begin_removal(now, 9).await, Ok(vec![session.id]));
    second.finish_removal(&[session.id]).await.unwrap();
    // It has nothing left to do, so the next may.
    assert_eq!(second.begin_removal(now, 9).await, Ok(vec![]));
    assert_eq!(first.begin_removal(now, 9).await, Ok(vec![]));
}

#[tokio::test]
async fn a_session_expires_by_the_clock_of_the_database() {
    let schema = Schema::new().await;
    let store = schema.open().await;
    let session = session(&store).await;
    schema.take_over_the_clock(session.created_at).await;
    let fast = session.expires_at + chrono::TimeDelta::days(1);
    assert_eq!(store.begin_removal(fast, 9).await, Ok(vec![]));
    schema.set_clock(session.expires_at).await;
    assert_eq!(store.begin_removal(fast, 9).await, Ok(vec![session.id]));
}

#[tokio::test]
async fn one_submission_at_fault_does_not_fail_those_beside_it() {
    let schema = Schema::new().await;
    let store = schema.open().await;
    let session = session(&store).await;
    let good: Vec<Submission> = (0..5).map(|_| profile(&session)).collect();
    let mut bad = profile(&session);
    // PostgreSQL keeps no text with a zero byte.
    bad.idempotency = Some(key("alice", "zero\0byte", 1, "x"));
    let mut all = good.clone();
    all.insert(2, bad.clone());
    let answers = all.into_iter().map(|submission| store.submit(submission));
    let answers = futures_util::future::join_all(answers).await;
    for (n, answer) in answers.into_iter().enumerate() {
        match answer {
            Ok(Admission::Created(_)) => assert_ne!(n, 2),
            Err(StoreError::Failed(_)) => assert_eq!(n, 2),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_row_that_cannot_be_read_keeps_neither_the_start_nor_the_queue_from_going_on() {
    let schema = Schema::new().await;
    let store = schema.open().await;
    let session = session(&store).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        let submission = profile(&session);
        ids.push(submission.job.id);
        store.submit(submission).await.unwrap();
    }
    let claimed = store.claim(ClaimOrder::new(
        Service::Analysis,
        InstanceId::new(),
        Duration::ZERO,
        2,
    ));
    assert_eq!(claimed.await.unwrap().len(), 2);
    let spec = r#"{"kind":"of another version"}"#;
    let spoil = "UPDATE jobs SET spec = $1 WHERE id = ANY($2)";
    let spoilt: Vec<uuid::Uuid> = [0, 2, 3].map(|n: usize| *ids[n].as_uuid()).into();
    schema
        .client
        .execute(spoil, &[&spec, &spoilt])
        .await
        .unwrap();

    let next = schema.open().await;
    assert_eq!(next.recover().await, Ok(1));
    let mut claimed = Vec::new();
    for _ in 0..3 {
        let one = next.claim(ClaimOrder::new(
            Service::Analysis,
            InstanceId::new(),
            LEASE,
            1,
        ));
        claimed.extend(one.await.unwrap().into_iter().map(|job| job.id));
    }
    assert_eq!(claimed, [ids[1], ids[4]]);
    let text = "SELECT state FROM jobs WHERE spec = $1 ORDER BY id";
    let left = schema.client.query(text, &[&spec]).await.unwrap();
    let left: Vec<i16> = left.iter().map(|row| row.get(0)).collect();
    assert_eq!(left, [1, 0, 0]);
}
