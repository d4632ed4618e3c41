//! Removal in two steps, and its record.

use std::time::Duration;

use lastcall_domain::store::{JobFilter, Precondition, UploadOutcome};
use lastcall_domain::{InstanceId, Owner, Session, Store};
use uuid::Uuid;

use crate::bench::{Bench, TTL, dataset, name, success};

on_every_store![
    a_sweep_marks_what_has_expired_and_nothing_else,
    a_session_with_work_is_not_removed,
    what_is_being_removed_is_not_found,
    a_sweep_that_was_killed_between_the_steps_is_finished_by_the_next,
    nothing_is_left_after_the_second_step,
    the_second_step_leaves_a_session_alone_that_was_not_named,
    an_expiry_is_remembered_for_its_owner_and_a_deletion_is_not,
    a_removal_is_purged_after_its_time,
    a_sweep_keeps_to_its_bound,
    sessions_with_many_jobs_are_removed_whole,
    a_marked_session_is_not_brought_back_by_a_renewal,
];

async fn a_sweep_marks_what_has_expired_and_nothing_else(bench: Bench) {
    let expired = bench.session().await;
    bench.advance(TTL / 2).await;
    bench.session().await;
    let just_before = expired.expires_at - chrono::TimeDelta::microseconds(1);
    assert_eq!(bench.store.begin_removal(just_before, 10).await, Ok(vec![]));
    bench.advance(TTL / 2).await;
    assert_eq!(sweep(&bench).await, [expired.id]);
}

async fn a_session_with_work_is_not_removed(bench: Bench) {
    let session = bench.session().await;
    let running = bench.running(&session, InstanceId::new()).await;
    let other = bench.session().await;
    let queued = bench.queued(&other).await;
    bench.advance(TTL * 2).await;
    assert_eq!(sweep(&bench).await, []);
    let ended = bench.store.complete(running.claim(), success("1")).await;
    assert!(ended.unwrap().is_ok());
    assert_eq!(sweep(&bench).await, [session.id]);
    bench.store.cancel(queued.id).await.unwrap();
    bench.store.finish_removal(&[session.id]).await.unwrap();
    assert_eq!(sweep(&bench).await, [other.id]);
}

async fn what_is_being_removed_is_not_found(bench: Bench) {
    let session = full_session(&bench).await;
    let jobs = of(&session);
    let before = bench.store.jobs(&jobs, None, 10).await.unwrap().items;
    assert_eq!(before.len(), 1);
    bench.advance(TTL).await;
    assert_eq!(sweep(&bench).await, [session.id]);
    let job = before[0].id;
    assert_eq!(bench.store.job(job).await, Ok(None));
    assert_eq!(bench.store.result(job).await, Ok(None));
    assert_eq!(bench.store.cancel(job).await, Ok(None));
    assert_eq!(bench.store.jobs(&jobs, None, 10).await.unwrap().items, []);
    let x = name("x");
    assert_eq!(bench.store.dataset(session.id, &x).await, Ok(None));
    let deleted = bench
        .store
        .delete_dataset(session.id, &x, &Precondition::None);
    assert_eq!(deleted.await, Ok(None));
    let listed = bench.store.datasets(session.id, None, 10).await.unwrap();
    assert_eq!(listed.items, []);
    assert!(was_removed(&bench, session.id.as_uuid(), "alice").await);
    assert!(was_removed(&bench, job.as_uuid(), "alice").await);
    assert!(!was_removed(&bench, job.as_uuid(), "bob").await);
}

async fn a_sweep_that_was_killed_between_the_steps_is_finished_by_the_next(mut bench: Bench) {
    let session = full_session(&bench).await;
    bench.advance(TTL).await;
    assert_eq!(sweep(&bench).await, [session.id]);
    bench.crash().await;
    // A store that several processes share reserves the sweep for the killed process for a minute.
    bench.advance(Duration::from_secs(60)).await;
    assert_eq!(sweep(&bench).await, [session.id]);
    bench.store.finish_removal(&[session.id]).await.unwrap();
    assert_eq!(sweep(&bench).await, []);
}

async fn nothing_is_left_after_the_second_step(bench: Bench) {
    let session = full_session(&bench).await;
    let other = full_session(&bench).await;
    bench
        .store
        .renew_session(other.id, bench.later(TTL * 3))
        .await
        .unwrap();
    let job = bench
        .store
        .jobs(&of(&session), None, 1)
        .await
        .unwrap()
        .items[0]
        .id;
    bench.advance(TTL).await;
    assert_eq!(sweep(&bench).await, [session.id]);
    bench.store.finish_removal(&[session.id]).await.unwrap();
    bench.store.finish_removal(&[session.id]).await.unwrap();
    assert_eq!(bench.store.session(session.id).await, Ok(None));
    assert_eq!(bench.store.job(job).await, Ok(None));
    assert_eq!(bench.store.result(job).await, Ok(None));
    assert_eq!(bench.store.counts().await.unwrap().sessions, 1);
    assert_eq!(sweep(&bench).await, []);
    let kept = bench.store.jobs(&of(&other), None, 9).await.unwrap().items;
    assert_eq!(kept.len(), 1);
    let kept = bench.store.dataset(other.id, &name("x")).await.unwrap();
    assert!(kept.is_some());
}

async fn the_second_step_leaves_a_session_alone_that_was_not_named(bench: Bench) {
    let session = full_session(&bench).await;
    bench.store.finish_removal(&[session.id]).await.unwrap();
    assert_eq!(bench.store.session(session.id).await, Ok(Some(session)));
}

async fn an_expiry_is_remembered_for_its_owner_and_a_deletion_is_not(bench: Bench) {
    let deleted = full_session(&bench).await;
    bench.store.delete_session(deleted.id).await.unwrap();
    assert!(!was_removed(&bench, deleted.id.as_uuid(), "alice").await);
    let expired = full_session(&bench).await;
    let job = bench
        .store
        .jobs(&of(&expired), None, 1)
        .await
        .unwrap()
        .items[0]
        .id;
    assert!(!was_removed(&bench, expired.id.as_uuid(), "alice").await);
    bench.advance(TTL).await;
    let ids = sweep(&bench).await;
    assert_eq!(ids.len(), 2);
    bench.store.finish_removal(&ids).await.unwrap();
    bench.advance(Duration::from_secs(24 * 3600)).await;
    assert!(was_removed(&bench, expired.id.as_uuid(), "alice").await);
    assert!(was_removed(&bench, job.as_uuid(), "alice").await);
    assert!(!was_removed(&bench, expired.id.as_uuid(), "bob").await);
    assert!(!was_removed(&bench, deleted.id.as_uuid(), "alice").await);
    assert!(!was_removed(&bench, &Uuid::now_v7(), "alice").await);
}

async fn a_removal_is_purged_after_its_time(bench: Bench) {
    let session = full_session(&bench).await;
    bench.advance(TTL).await;
    let ids = sweep(&bench).await;
    bench.store.finish_removal(&ids).await.unwrap();
    bench.advance(TTL).await;
    // The session's and its job's.
    assert_eq!(bench.store.purge(bench.now(), 1).await, Ok(1));
    assert_eq!(bench.store.purge(bench.now(), 9).await, Ok(1));
    assert_eq!(bench.store.purge(bench.now(), 9).await, Ok(0));
    assert!(!was_removed(&bench, session.id.as_uuid(), "alice").await);
}

async fn sessions_with_many_jobs_are_removed_whole(bench: Bench) {
    let sessions = [bench.session().await, bench.session().await];
    let submitted = (0..650).flat_map(|_| sessions.iter().map(|session| bench.profile(session)));
    let jobs: Vec<_> = submitted.collect();
    let accepted = jobs.iter().map(|job| bench.submit(job.clone()));
    futures_util::future::join_all(accepted).await;
    for session in &sessions {
        assert_eq!(bench.store.delete_session(session.id).await, Ok(true));
    }
    let ids = sweep(&bench).await;
    assert_eq!(ids.len(), 2);
    bench.store.finish_removal(&ids).await.unwrap();
    for job in &jobs {
        assert_eq!(bench.store.job(job.id).await, Ok(None));
    }
    assert_eq!(sweep(&bench).await, []);
    assert_eq!(bench.store.counts().await.unwrap().sessions, 0);
}

async fn a_sweep_keeps_to_its_bound(bench: Bench) {
    for _ in 0..5 {
        bench.session().await;
    }
    bench.advance(TTL).await;
    let mut removed = 0;
    for expected in [2, 2, 1, 0] {
        let ids = bench.store.begin_removal(bench.now(), 2).await.unwrap();
        assert_eq!(ids.len(), expected);
        bench.store.finish_removal(&ids).await.unwrap();
        removed += ids.len();
    }
    assert_eq!(removed, 5);
}

async fn a_marked_session_is_not_brought_back_by_a_renewal(bench: Bench) {
    let session = full_session(&bench).await;
    bench.advance(TTL).await;
    assert_eq!(sweep(&bench).await, [session.id]);
    bench
        .store
        .renew_session(session.id, bench.later(TTL))
        .await
        .unwrap();
    assert_eq!(sweep(&bench).await, [session.id]);
    assert_eq!(bench.store.session(session.id).await, Ok(None));
    assert_eq!(bench.store.delete_session(session.id).await, Ok(false));
}

/// A session with a dataset and a job that has succeeded.
async fn full_session(bench: &Bench) -> Session {
    let session = bench.session().await;
    let put = dataset(session.id, "x", bench.now());
    let put = bench.store.put_dataset(put, Precondition::None).await;
    assert_eq!(put, Ok(UploadOutcome::Stored { replaced: None }));
    let job = bench.running(&session, InstanceId::new()).await;
    let ended = bench.store.complete(job.claim(), success("1")).await;
    assert!(ended.unwrap().is_ok());
    session
}

async fn sweep(bench: &Bench) -> Vec<lastcall_domain::SessionId> {
    bench.store.begin_removal(bench.now(), 100).await.unwrap()
}

async fn was_removed(bench: &Bench, id: &Uuid, owner: &str) -> bool {
    let store: &dyn Store = &*bench.store;
    store.was_removed(id, &Owner::new(owner)).await.unwrap()
}

fn of(session: &Session) -> JobFilter {
    JobFilter {
        session: Some(session.id),
        ..JobFilter::default()
    }
}
