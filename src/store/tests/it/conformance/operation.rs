//! The store itself: counts, restarts, closing.

use std::time::Duration;

use lastcall_domain::store::{ClaimOrder, Hint, JobFilter};
use lastcall_domain::{InstanceId, Job, Service, State, StoreError};

use crate::bench::{Bench, LEASE, submission, success};

on_every_store![
    the_counts_follow_the_jobs,
    what_was_accepted_and_what_has_ended_survives_a_crash,
    a_start_recovers_the_jobs_of_a_killed_process,
    a_reachable_store_answers_a_ping,
    a_closed_store_refuses_every_call,
    peers_are_notified_of_queued_and_changed_jobs,
];

async fn the_counts_follow_the_jobs(bench: Bench) {
    let session = bench.session().await;
    for _ in 0..3 {
        bench.queued(&session).await;
    }
    assert_eq!(bench.counts(Service::Analysis).await, (3, 0));
    let jobs = bench.claim(Service::Analysis, InstanceId::new(), 2).await;
    assert_eq!(bench.counts(Service::Analysis).await, (1, 2));
    let _ = bench.store.hand_back(&[jobs[0].claim()]).await.unwrap();
    assert_eq!(bench.counts(Service::Analysis).await, (2, 1));
    let _ = bench
        .store
        .complete(jobs[1].claim(), success("1"))
        .await
        .unwrap();
    assert_eq!(bench.counts(Service::Analysis).await, (2, 0));
    bench.store.delete_session(session.id).await.unwrap();
    assert_eq!(bench.counts(Service::Analysis).await, (0, 0));
    assert_eq!(bench.counts(Service::Report).await, (0, 0));
}

async fn what_was_accepted_and_what_has_ended_survives_a_crash(mut bench: Bench) {
    let session = bench.session().await;
    let done = bench.running(&session, InstanceId::new()).await;
    let done = bench.store.complete(done.claim(), success("1")).await;
    let done = done.unwrap().unwrap();
    let queued = bench.queued(&session).await;
    bench.crash().await;
    assert_eq!(bench.job(done.id).await, done);
    assert_eq!(bench.job(queued.id).await, queued);
    let result = bench.store.result(done.id).await.unwrap();
    assert_eq!(result, Some(crate::bench::result("1")));
    assert_eq!(bench.counts(Service::Analysis).await, (1, 0));
    assert_eq!(bench.store.counts().await.unwrap().sessions, 1);
}

async fn a_start_recovers_the_jobs_of_a_killed_process(mut bench: Bench) {
    let session = bench.session().await;
    let job = bench.running(&session, InstanceId::new()).await;
    bench.queued(&session).await;
    bench.crash().await;
    let before_the_lease = if bench.shared { 0 } else { 1 };
    assert_eq!(bench.store.recover().await, Ok(before_the_lease));
    bench.advance(LEASE).await;
    assert_eq!(bench.store.recover().await, Ok(1 - before_the_lease));
    assert_eq!(bench.job(job.id).await.state(), State::Queued);
    assert_eq!(bench.counts(Service::Analysis).await, (2, 0));
    let again = bench.claim_one(InstanceId::new()).await.unwrap();
    assert_eq!((again.id, again.lifecycle.epoch), (job.id, 2));
}

async fn a_reachable_store_answers_a_ping(bench: Bench) {
    assert_eq!(bench.store.ping().await, Ok(()));
}

async fn a_closed_store_refuses_every_call(bench: Bench) {
    let session = bench.session().await;
    bench.queued(&session).await;
    let store = &bench.store;
    assert_eq!(store.close().await, Ok(()));
    let closed = StoreError::Closed;
    assert_eq!(store.ping().await, Err(closed.clone()));
    assert_eq!(store.session(session.id).await, Err(closed.clone()));
    assert_eq!(store.counts().await, Err(closed.clone()));
    let listed = store.jobs(&JobFilter::default(), None, 1).await;
    assert_eq!(listed, Err(closed.clone()));
    let job: Job = bench.profile(&session);
    let submitted = store.submit(submission(job)).await;
    assert_eq!(submitted, Err(closed.clone()));
    let claimed = store
        .claim(ClaimOrder::new(
            Service::Analysis,
            InstanceId::new(),
            LEASE,
            1,
        ))
        .await;
    assert_eq!(claimed, Err(closed.clone()));
    assert_eq!(store.close().await, Err(closed));
}

async fn peers_are_notified_of_queued_and_changed_jobs(bench: Bench) {
    let peer = bench.peer().await;
    let Some(mut hints) = peer.hints() else {
        assert!(!bench.shared);
        return;
    };
    let session = bench.session().await;
    // The peer may not be subscribed yet when the first is submitted.
    let received = async {
        loop {
            let job = bench.queued(&session).await;
            let mut missing = vec![Hint::Queued(Service::Analysis)];
            if bench.hears_of_changes {
                missing.push(Hint::Changed(job.id));
            }
            let both = async {
                while !missing.is_empty() {
                    let hint = hints.recv().await.unwrap();
                    missing.retain(|expected| *expected != hint);
                }
            };
            if tokio::time::timeout(Duration::from_millis(500), both)
                .await
                .is_ok()
            {
                break;
            }
        }
    };
    let received = tokio::time::timeout(Duration::from_secs(30), received).await;
    received.expect("hints within the time");
}
