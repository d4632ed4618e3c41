//! Turns and bounds of owners across several processes and versions.

use std::sync::Arc;

use lastcall_domain::store::{Admission, ClaimOrder, Precondition, UploadOutcome};
use lastcall_domain::{
    Clock, InstanceId, JobId, Limits, Owner, OwnerLimits, Service, Session, Store, SystemClock,
};
use lastcall_store::PostgresStore;

use crate::bench::{LEASE, ManualClock, TTL, dataset, open_sqlite};
use crate::postgres::{profile, session};
use crate::schema::Schema;

#[tokio::test]
async fn what_a_peer_is_taking_right_now_costs_the_other_owners_no_turn() {
    let mut schema = Schema::new().await;
    let store = schema.open().await;
    let mut jobs = Vec::new();
    for owner in ["a", "b", "c"] {
        let now = lastcall_domain::Clock::now(&SystemClock);
        let session = Session::new(Owner::new(owner), TTL, now);
        store.create_session(session.clone(), None).await.unwrap();
        let submission = profile(&session);
        jobs.push(submission.job.id);
        store.submit(submission).await.unwrap();
    }
    let claim = async |limit| {
        let order = ClaimOrder::new(Service::Analysis, InstanceId::new(), LEASE, limit);
        let claimed = store.claim(order).await.unwrap();
        claimed.iter().map(|job| job.id).collect::<Vec<_>>()
    };
    let peer = schema.client.transaction().await.unwrap();
    let lock = "SELECT id FROM jobs WHERE id = ANY($1) FOR UPDATE";
    peer.query(lock, &[&vec![*jobs[0].as_uuid(), *jobs[1].as_uuid()]])
        .await
        .unwrap();
    assert_eq!(claim(1).await, [jobs[2]], "the first that is free");
    assert_eq!(claim(9).await, []);
    peer.rollback().await.unwrap();
    assert_eq!(claim(9).await, [jobs[0], jobs[1]]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bounds_on_an_owner_hold_across_processes() {
    let schema = Schema::new().await;
    let per_owner = OwnerLimits {
        sessions: Some(4),
        stored_bytes: Some(30),
        queued_jobs: Some(7),
        running_jobs: Some(3),
    };
    let limits = Limits {
        per_owner,
        ..Limits::default()
    };
    let open = || async { Arc::new(PostgresStore::open(&schema.url, limits).await.unwrap()) };
    let stores = [open().await, open().await];
    let first = session(&stores[0]).await;

    let tasks = (0..20).map(|n| {
        let store = Arc::clone(&stores[n % 2]);
        let (owner, now) = (first.owner.clone(), first.created_at);
        tokio::spawn(async move {
            let session = Session::new(owner, TTL, now);
            store.create_session(session, None).await.unwrap()
        })
    });
    let made = futures_util::future::join_all(tasks.collect::<Vec<_>>()).await;
    let made = made
        .iter()
        .filter(|made| matches!(made, Ok(Admission::Created(_))));
    assert_eq!(made.count(), 3, "besides the first");

    let tasks = (0..20).map(|n| {
        let store = Arc::clone(&stores[n % 2]);
        // Seven bytes each.
        let put = dataset(first.id, &format!("d{n}"), first.created_at);
        tokio::spawn(async move { store.put_dataset(put, Precondition::None).await.unwrap() })
    });
    let put = futures_util::future::join_all(tasks.collect::<Vec<_>>()).await;
    let put = put
        .iter()
        .filter(|put| matches!(put, Ok(UploadOutcome::Stored { .. })));
    assert_eq!(put.count(), 4);

    let tasks = (0..40).map(|n| {
        let store = Arc::clone(&stores[n % 2]);
        let submission = profile(&first);
        tokio::spawn(async move { store.submit(submission).await.unwrap() })
    });
    let accepted = futures_util::future::join_all(tasks.collect::<Vec<_>>()).await;
    let accepted = accepted
        .iter()
        .filter(|made| matches!(made, Ok(Admission::Created(_))));
    assert_eq!(accepted.count(), 7);

    let tasks = (0..10).map(|n| {
        let store = Arc::clone(&stores[n % 2]);
        let order = ClaimOrder::new(Service::Analysis, InstanceId::new(), LEASE, 2);
        tokio::spawn(async move { store.claim(order).await.unwrap().len() })
    });
    let claimed = futures_util::future::join_all(tasks.collect::<Vec<_>>()).await;
    assert_eq!(claimed.into_iter().map(Result::unwrap).sum::<usize>(), 3);
}

#[tokio::test]
async fn a_queue_of_the_version_before_is_taken_over_and_its_processes_go_on_claiming() {
    let schema = Schema::new().await;
    let store = schema.open().await;
    let mut jobs = Vec::new();
    for owner in ["b", "a"] {
        let now = lastcall_domain::Clock::now(&SystemClock);
        let session = Session::new(Owner::new(owner), TTL, now);
        store.create_session(session.clone(), None).await.unwrap();
        for _ in 0..2 {
            let submission = profile(&session);
            jobs.push(submission.job.id);
            store.submit(submission).await.unwrap();
        }
    }
    store.close().await.unwrap();
    // The schema as it was.
    let before = "DROP INDEX jobs_ready;
         ALTER TABLE jobs DROP COLUMN priority;
         ALTER TABLE jobs DROP COLUMN trace;
         ALTER TABLE jobs DROP COLUMN labels;
         DROP INDEX results_by_content;
         ALTER TABLE results DROP COLUMN content_key;
         CREATE INDEX jobs_ready ON jobs (service, id)
             WHERE state = 0 AND not_before IS NULL AND waits_for IS NULL AND NOT suspect;
         UPDATE lastcall_schema SET version = 4";
    schema.client.batch_execute(before).await.unwrap();
    let store = schema.open().await;
    let order = ClaimOrder::new(Service::Analysis, InstanceId::new(), LEASE, 2);
    let claimed = store.claim(order).await.unwrap();
    let claimed: Vec<JobId> = claimed.iter().map(|job| job.id).collect();
    assert_eq!(claimed, [jobs[2], jobs[0]], "in turn");
    // A query of the previous version.
    let text = "SELECT id FROM jobs
         WHERE service = 0 AND state = 0 AND not_before IS NULL AND waits_for IS NULL
           AND NOT suspect AND id <> ALL($2)
         ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED";
    let none: Vec<uuid::Uuid> = Vec::new();
    let rows = schema.client.query(text, &[&9_i64, &none]).await.unwrap();
    let rows: Vec<uuid::Uuid> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(rows, [*jobs[1].as_uuid(), *jobs[3].as_uuid()]);
}

#[tokio::test]
async fn a_file_of_the_version_before_is_brought_up_with_its_queue() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::new();
    let store = open_sqlite(folder.path(), &clock);
    let mut jobs = Vec::new();
    for owner in ["b", "a"] {
        let session = Session::new(Owner::new(owner), TTL, clock.now());
        store.create_session(session.clone(), None).await.unwrap();
        for _ in 0..2 {
            let submission = profile(&session);
            jobs.push(submission.job.id);
            store.submit(submission).await.unwrap();
        }
    }
    store.close().await.unwrap();
    let file = rusqlite::Connection::open(folder.path().join("lastcall.db")).unwrap();
    let before = "DROP INDEX jobs_ready;
         ALTER TABLE jobs DROP COLUMN priority;
         ALTER TABLE jobs DROP COLUMN trace;
         ALTER TABLE jobs DROP COLUMN labels;
         DROP INDEX results_by_content;
         ALTER TABLE results DROP COLUMN content_key;
         CREATE INDEX jobs_ready ON jobs (service, id)
             WHERE state = 0 AND not_before IS NULL AND waits_for IS NULL AND suspect = 0;
         PRAGMA user_version = 3";
    file.execute_batch(before).unwrap();
    drop(file);
    let store = open_sqlite(folder.path(), &clock);
    let order = ClaimOrder::new(Service::Analysis, InstanceId::new(), LEASE, 4);
    let claimed = store.claim(order).await.unwrap();
    let claimed: Vec<JobId> = claimed.iter().map(|job| job.id).collect();
    assert_eq!(claimed, [jobs[2], jobs[0], jobs[3], jobs[1]]);
    store.close().await.unwrap();
}
