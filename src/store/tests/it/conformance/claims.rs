//! Claims, leases and heartbeats.

use std::time::Duration;

use lastcall_domain::store::{HeartbeatResult, Outcome};
use lastcall_domain::{ClaimRef, InstanceId, JobError, JobId, Refused, Service, State};

use crate::bench::{Bench, LEASE, submission, success};

on_every_store![
    jobs_are_claimed_in_the_order_in_which_they_came,
    a_claim_has_a_holder_and_a_lease,
    a_claim_takes_no_more_than_its_limit_and_none_twice,
    a_service_claims_its_own_jobs_only,
    a_report_waits_for_the_analysis_that_it_needs,
    a_report_on_a_job_that_is_not_there_does_not_wait,
    a_failed_attempt_waits_out_its_pause,
    a_retried_job_keeps_its_place_in_the_queue,
    a_heartbeat_renews_the_lease_and_records_progress,
    a_heartbeat_reports_a_lost_claim,
    a_heartbeat_reports_a_cancellation,
    a_lease_expires_in_time_and_not_before,
    expiry_is_bounded,
    a_late_worker_changes_nothing,
];

async fn jobs_are_claimed_in_the_order_in_which_they_came(bench: Bench) {
    let session = bench.session().await;
    let mut expected = Vec::new();
    for _ in 0..10 {
        expected.push(bench.queued(&session).await.id);
    }
    let holder = InstanceId::new();
    let mut claimed = bench.claim(Service::Analysis, holder, 4).await;
    claimed.extend(bench.claim(Service::Analysis, holder, 100).await);
    let claimed: Vec<JobId> = claimed.iter().map(|job| job.id).collect();
    assert_eq!(claimed, expected);
}

async fn a_claim_has_a_holder_and_a_lease(bench: Bench) {
    let session = bench.session().await;
    let holder = InstanceId::new();
    let queued = bench.queued(&session).await;
    bench.advance(Duration::from_secs(2)).await;
    let claimed = bench.claim_one(holder).await.unwrap();
    assert_eq!(claimed.state(), State::Running);
    assert_eq!(claimed.lifecycle.attempt, 1);
    assert_eq!(claimed.lifecycle.epoch, 1);
    let lease = claimed.lifecycle.lease.unwrap();
    assert_eq!(lease.holder, holder);
    assert_eq!(lease.until, bench.later(LEASE));
    assert_eq!(claimed.started_at, Some(bench.now()));
    assert_eq!(claimed.created_at, queued.created_at);
    assert_eq!(claimed.spec, queued.spec);
    settle(&bench).await;
    assert_eq!(bench.job(claimed.id).await, claimed);
    assert_eq!(bench.counts(Service::Analysis).await, (0, 1));
}

async fn a_claim_takes_no_more_than_its_limit_and_none_twice(bench: Bench) {
    let session = bench.session().await;
    for _ in 0..3 {
        bench.queued(&session).await;
    }
    let holder = InstanceId::new();
    assert_eq!(bench.claim(Service::Analysis, holder, 0).await, []);
    assert_eq!(bench.claim(Service::Analysis, holder, 2).await.len(), 2);
    assert_eq!(bench.claim(Service::Analysis, holder, 2).await.len(), 1);
    assert_eq!(bench.claim(Service::Analysis, holder, 2).await, []);
}

async fn a_service_claims_its_own_jobs_only(bench: Bench) {
    let session = bench.session().await;
    bench.queued(&session).await;
    assert_eq!(bench.claim(Service::Report, InstanceId::new(), 9).await, []);
}

async fn a_report_waits_for_the_analysis_that_it_needs(bench: Bench) {
    let session = bench.session().await;
    let holder = InstanceId::new();
    let analysis = bench.queued(&session).await;
    let report = bench.submit(bench.report_on(&session, analysis.id)).await;
    assert_eq!(bench.claim(Service::Report, holder, 9).await, []);
    let analysis = bench.claim_one(holder).await.unwrap();
    assert_eq!(bench.claim(Service::Report, holder, 9).await, []);
    let failed = Outcome::Failed(JobError::transient("engine_died", "again"));
    let again = bench.store.complete(analysis.claim(), failed).await;
    assert_eq!(again.unwrap().unwrap().state(), State::Queued);
    assert_eq!(bench.claim(Service::Report, holder, 9).await, []);
    bench.store.cancel(analysis.id).await.unwrap();
    let claimed = bench.claim(Service::Report, holder, 9).await;
    assert_eq!(claimed[0].id, report.id);

    // One that comes after the analysis has ended need not wait.
    let late = bench.submit(bench.report_on(&session, analysis.id)).await;
    let claimed = bench.claim(Service::Report, holder, 9).await;
    assert_eq!(claimed[0].id, late.id);
}

async fn a_report_on_a_job_that_is_not_there_does_not_wait(bench: Bench) {
    let session = bench.session().await;
    let report = bench.report_on(&session, JobId::new());
    bench.store.submit(submission(report)).await.unwrap();
    let claimed = bench.claim(Service::Report, InstanceId::new(), 9).await;
    assert_eq!(claimed.len(), 1);
}

async fn a_failed_attempt_waits_out_its_pause(bench: Bench) {
    let session = bench.session().await;
    let holder = InstanceId::new();
    let first = bench.running(&session, holder).await;
    let failed = Outcome::Failed(JobError::transient("engine_died", "again"));
    let queued = bench.store.complete(first.claim(), failed.clone()).await;
    let queued = queued.unwrap().unwrap();
    assert_eq!(queued.state(), State::Queued);
    assert_eq!(queued.lifecycle.attempt, 1);
    assert_eq!(queued.error, None);
    let due = queued.lifecycle.not_before.unwrap();
    let pause = (due - bench.now()).to_std().unwrap();
    assert!(pause > Duration::ZERO);
    assert_eq!(bench.job(queued.id).await, queued);

    bench.advance(pause - Duration::from_micros(1)).await;
    assert_eq!(bench.claim_one(holder).await, None);
    bench.advance(Duration::from_micros(1)).await;
    let second = bench.claim_one(holder).await.unwrap();
    assert_eq!(second.lifecycle.attempt, 2);
    assert_eq!(second.lifecycle.epoch, 2);
    assert_eq!(second.lifecycle.not_before, None);
}

async fn a_retried_job_keeps_its_place_in_the_queue(bench: Bench) {
    let session = bench.session().await;
    let holder = InstanceId::new();
    let first = bench.running(&session, holder).await;
    let later = bench.queued(&session).await;
    let failed = Outcome::Failed(JobError::transient("engine_died", "again"));
    let _ = bench.store.complete(first.claim(), failed).await.unwrap();
    bench.advance(Duration::from_secs(60)).await;
    let order = bench.claim(Service::Analysis, holder, 9).await;
    let order: Vec<JobId> = order.iter().map(|job| job.id).collect();
    assert_eq!(order, [first.id, later.id]);
}

async fn a_heartbeat_renews_the_lease_and_records_progress(bench: Bench) {
    let session = bench.session().await;
    let job = bench.running(&session, InstanceId::new()).await;
    bench.advance(LEASE / 2).await;
    assert_eq!(
        heartbeat(&bench, job.claim(), 0.25).await,
        HeartbeatResult::Held
    );
    assert_eq!(
        heartbeat(&bench, job.claim(), 0.125).await,
        HeartbeatResult::Held
    );
    assert_eq!(
        heartbeat(&bench, job.claim(), f64::NAN).await,
        HeartbeatResult::Held
    );
    settle(&bench).await;
    let renewed = bench.job(job.id).await;
    assert_eq!(renewed.progress, 0.25);
    assert_eq!(renewed.lifecycle.lease.unwrap().until, bench.later(LEASE));
    bench.advance(LEASE / 2).await;
    assert_eq!(bench.store.expire_leases(&[], 9).await, Ok(vec![]));
}

async fn a_heartbeat_reports_a_lost_claim(bench: Bench) {
    let session = bench.session().await;
    let mine = bench.running(&session, InstanceId::new()).await;
    let stale = ClaimRef {
        job: mine.id,
        epoch: 7,
    };
    let nothing = ClaimRef {
        job: JobId::new(),
        epoch: 1,
    };
    let beats = [(stale, 0.5), (mine.claim(), 0.5), (nothing, 0.5)];
    let beats = bench.store.heartbeat(&beats, LEASE).await.unwrap();
    assert_eq!(
        beats,
        [
            HeartbeatResult::Lost,
            HeartbeatResult::Held,
            HeartbeatResult::Lost
        ]
    );
    assert_eq!(bench.store.heartbeat(&[], LEASE).await, Ok(vec![]));
}

async fn a_heartbeat_reports_a_cancellation(bench: Bench) {
    let session = bench.session().await;
    let job = bench.running(&session, InstanceId::new()).await;
    bench.store.cancel(job.id).await.unwrap();
    assert_eq!(
        heartbeat(&bench, job.claim(), 0.5).await,
        HeartbeatResult::CancelRequested
    );
}

async fn a_lease_expires_in_time_and_not_before(bench: Bench) {
    let session = bench.session().await;
    let job = bench.running(&session, InstanceId::new()).await;
    bench.advance(LEASE - Duration::from_micros(1)).await;
    assert_eq!(bench.store.expire_leases(&[], 9).await, Ok(vec![]));
    bench.advance(Duration::from_micros(1)).await;
    let expired = bench.store.expire_leases(&[], 9).await.unwrap();
    assert_eq!(expired.len(), 1);
    assert_eq!(expired[0].id, job.id);
    assert_eq!(expired[0].state(), State::Queued);
    assert_eq!(expired[0].lifecycle.lease, None);
    assert_eq!(bench.job(job.id).await, expired[0]);
    let again = bench.claim_one(InstanceId::new()).await.unwrap();
    assert_eq!((again.id, again.lifecycle.epoch), (job.id, 2));
    assert_eq!(again.lifecycle.attempt, 2, "a death counts as an attempt");
}

async fn expiry_is_bounded(bench: Bench) {
    let session = bench.session().await;
    for _ in 0..5 {
        bench.running(&session, InstanceId::new()).await;
    }
    bench.advance(LEASE).await;
    for expected in [2, 2, 1, 0] {
        assert_eq!(
            bench.store.expire_leases(&[], 2).await.unwrap().len(),
            expected
        );
    }
    assert_eq!(bench.counts(Service::Analysis).await, (5, 0));
}

async fn a_late_worker_changes_nothing(bench: Bench) {
    let session = bench.session().await;
    let late = bench.running(&session, InstanceId::new()).await.claim();
    bench.advance(LEASE).await;
    bench.store.expire_leases(&[], 9).await.unwrap();
    let stale = Err(Refused::StaleEpoch);
    let refused = bench.store.complete(late, success("late")).await;
    assert_eq!(refused, Ok(stale.clone()), "while it is queued");

    let peer = bench.claim_one(InstanceId::new()).await.unwrap();
    let refused = bench.store.complete(late, success("late")).await;
    assert_eq!(refused, Ok(stale.clone()), "while a peer runs it");
    let refused = bench.store.hand_back(&[late]).await;
    assert_eq!(refused, Ok(vec![stale]));
    assert_eq!(heartbeat(&bench, late, 0.5).await, HeartbeatResult::Lost);
    settle(&bench).await;
    assert_eq!(bench.job(peer.id).await, peer);

    let ended = bench.store.complete(peer.claim(), success("mine")).await;
    assert!(ended.unwrap().is_ok());
    let refused = bench.store.complete(late, success("late")).await;
    assert_eq!(refused, Ok(Err(Refused::Ended)), "when it has ended");
    let kept = bench.store.result(peer.id).await.unwrap();
    assert_eq!(kept, Some(crate::bench::result("mine")));
}

async fn heartbeat(bench: &Bench, claim: ClaimRef, progress: f64) -> HeartbeatResult {
    let beats = bench.store.heartbeat(&[(claim, progress)], LEASE).await;
    beats.unwrap()[0]
}

/// Waits until what need not be durable at its return can be read.
async fn settle(bench: &Bench) {
    bench.session().await;
}
