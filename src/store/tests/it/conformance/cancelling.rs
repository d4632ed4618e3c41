//! Cancelling a job in each of its states.

use lastcall_domain::store::Outcome;
use lastcall_domain::{InstanceId, JobError, JobId, Service, State};

use crate::bench::{Bench, LEASE, success};

on_every_store![
    a_queued_job_is_cancelled_at_once,
    the_cancellation_of_a_running_job_is_recorded,
    a_job_that_has_ended_stays_as_it_is,
    a_cancelled_job_whose_worker_crashes_ends_as_cancelled,
    a_cancelled_job_that_is_handed_back_ends_as_cancelled,
    a_cancelled_job_that_fails_ends_as_cancelled,
    a_job_in_its_pause_is_cancelled_at_once,
    there_is_nothing_to_cancel_where_there_is_no_job,
];

async fn a_queued_job_is_cancelled_at_once(bench: Bench) {
    let session = bench.session().await;
    let job = bench.queued(&session).await;
    let cancelled = bench.store.cancel(job.id).await.unwrap().unwrap();
    assert_eq!(cancelled.state(), State::Cancelled);
    assert_eq!(cancelled.finished_at, Some(bench.now()));
    assert_eq!(cancelled.error, None);
    assert_eq!(bench.job(job.id).await, cancelled);
    assert_eq!(bench.claim_one(InstanceId::new()).await, None);
    assert_eq!(bench.counts(Service::Analysis).await, (0, 0));
}

async fn the_cancellation_of_a_running_job_is_recorded(bench: Bench) {
    let session = bench.session().await;
    let job = bench.running(&session, InstanceId::new()).await;
    let noted = bench.store.cancel(job.id).await.unwrap().unwrap();
    assert_eq!(noted.state(), State::Running);
    assert!(noted.lifecycle.cancel_requested);
    assert_eq!(noted.lifecycle.lease, job.lifecycle.lease);
    assert_eq!(bench.job(job.id).await, noted);
}

async fn a_job_that_has_ended_stays_as_it_is(bench: Bench) {
    let session = bench.session().await;
    let job = bench.running(&session, InstanceId::new()).await;
    let ended = bench.store.complete(job.claim(), success("1")).await;
    let ended = ended.unwrap().unwrap();
    bench.advance(LEASE).await;
    assert_eq!(bench.store.cancel(job.id).await, Ok(Some(ended.clone())));
    assert_eq!(bench.job(job.id).await, ended);
}

async fn a_cancelled_job_whose_worker_crashes_ends_as_cancelled(bench: Bench) {
    let session = bench.session().await;
    let job = bench.running(&session, InstanceId::new()).await;
    bench.store.cancel(job.id).await.unwrap();
    bench.advance(LEASE).await;
    let expired = bench.store.expire_leases(&[], 9).await.unwrap();
    assert_eq!(expired[0].state(), State::Cancelled);
    assert_eq!(bench.job(job.id).await, expired[0]);
}

async fn a_cancelled_job_that_is_handed_back_ends_as_cancelled(bench: Bench) {
    let session = bench.session().await;
    let job = bench.running(&session, InstanceId::new()).await;
    bench.store.cancel(job.id).await.unwrap();
    let back = bench.store.hand_back(&[job.claim()]).await.unwrap();
    assert_eq!(back[0].as_ref().unwrap().state(), State::Cancelled);
    assert_eq!(bench.job(job.id).await.state(), State::Cancelled);
}

async fn a_cancelled_job_that_fails_ends_as_cancelled(bench: Bench) {
    let session = bench.session().await;
    let job = bench.running(&session, InstanceId::new()).await;
    bench.store.cancel(job.id).await.unwrap();
    let failed = Outcome::Failed(JobError::transient("engine_died", "again"));
    let ended = bench.store.complete(job.claim(), failed).await;
    let ended = ended.unwrap().unwrap();
    assert_eq!(ended.state(), State::Cancelled);
    assert_eq!(ended.error, None);
}

async fn a_job_in_its_pause_is_cancelled_at_once(bench: Bench) {
    let session = bench.session().await;
    let job = bench.running(&session, InstanceId::new()).await;
    let failed = Outcome::Failed(JobError::transient("engine_died", "again"));
    let _ = bench.store.complete(job.claim(), failed).await.unwrap();
    let cancelled = bench.store.cancel(job.id).await.unwrap().unwrap();
    assert_eq!(cancelled.state(), State::Cancelled);
    bench.advance(LEASE * 20).await;
    assert_eq!(bench.claim_one(InstanceId::new()).await, None);
}

async fn there_is_nothing_to_cancel_where_there_is_no_job(bench: Bench) {
    assert_eq!(bench.store.cancel(JobId::new()).await, Ok(None));
}
