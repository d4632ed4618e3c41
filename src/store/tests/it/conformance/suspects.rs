//! Jobs whose worker crashed: one at a time, until an attempt ends by itself.

use std::time::Duration;

use lastcall_domain::store::{ClaimOrder, Outcome};
use lastcall_domain::{InstanceId, Job, JobError, JobId, Service, State};

use crate::bench::{Bench, LEASE};

on_every_store![
    a_job_whose_worker_crashed_is_a_suspect,
    an_attempt_that_ends_by_itself_clears_a_suspect,
    a_worker_that_was_lost_with_its_thread_makes_a_suspect,
    suspects_are_claimed_one_at_a_time_and_the_likely_culprit_last,
    jobs_in_progress_at_a_crash_are_run_alone_by_the_next_process,
    only_the_culprit_uses_up_its_attempts,
];

async fn a_job_whose_worker_crashed_is_a_suspect(bench: Bench) {
    let session = bench.session().await;
    let job = bench.running(&session, InstanceId::new()).await;
    assert!(!job.lifecycle.suspect);
    let row = expire(&bench).await.remove(0);
    assert!(row.lifecycle.suspect);
    assert_eq!(bench.job(job.id).await, row);
    // A hand-back proves nothing.
    let again = bench.claim_one(InstanceId::new()).await.unwrap();
    let back = bench.store.hand_back(&[again.claim()]).await.unwrap();
    assert!(back[0].as_ref().unwrap().lifecycle.suspect);
}

async fn an_attempt_that_ends_by_itself_clears_a_suspect(bench: Bench) {
    let session = bench.session().await;
    bench.running(&session, InstanceId::new()).await;
    expire(&bench).await;
    let again = bench.claim_one(InstanceId::new()).await.unwrap();
    let failed = Outcome::Failed(JobError::transient("engine_died", "again"));
    let queued = bench.store.complete(again.claim(), failed).await;
    assert!(!queued.unwrap().unwrap().lifecycle.suspect);
}

async fn a_worker_that_was_lost_with_its_thread_makes_a_suspect(bench: Bench) {
    let session = bench.session().await;
    for last in [false, false, true] {
        if !last {
            bench.advance(Duration::from_secs(60)).await;
        }
        let job = match bench.claim_one(InstanceId::new()).await {
            Some(job) => job,
            None => bench.running(&session, InstanceId::new()).await,
        };
        let lost = Outcome::WorkerLost(JobError::transient("worker_lost", "it died"));
        let row = bench.store.complete(job.claim(), lost).await;
        let row = row.unwrap().unwrap();
        bench.advance(Duration::from_secs(60)).await;
        assert!(row.lifecycle.suspect);
        assert_eq!(row.state() == State::Failed, last);
        assert_eq!(
            row.error.is_some_and(|error| error.code == "worker_lost"),
            last
        );
    }
}

async fn suspects_are_claimed_one_at_a_time_and_the_likely_culprit_last(bench: Bench) {
    let session = bench.session().await;
    let holder = InstanceId::new();
    let culprit = bench.running(&session, holder).await.id;
    expire(&bench).await;
    bench.claim_one(holder).await.unwrap();
    let neighbours = [
        bench.running(&session, holder).await.id,
        bench.running(&session, holder).await.id,
    ];
    assert_eq!(expire(&bench).await.len(), 3);
    let fresh = bench.queued(&session).await.id;

    assert_eq!(claim(&bench, false).await, [fresh]);
    assert_eq!(claim(&bench, false).await, []);
    for suspect in [neighbours[0], neighbours[1], culprit] {
        assert_eq!(claim(&bench, true).await, [suspect]);
    }
    assert_eq!(claim(&bench, true).await, []);
}

async fn jobs_in_progress_at_a_crash_are_run_alone_by_the_next_process(mut bench: Bench) {
    let session = bench.session().await;
    let holder = InstanceId::new();
    let mut ran = Vec::new();
    for _ in 0..3 {
        ran.push(bench.running(&session, holder).await.id);
    }
    let waited = bench.queued(&session).await.id;
    // A claim need not be on disk before what comes after it is.
    bench.session().await;
    bench.crash().await;
    // On a shared store the leases have to run out first.
    bench.advance(LEASE).await;
    assert_eq!(bench.store.recover().await, Ok(3));
    for (nth, expected) in [
        (0, vec![ran[0], waited]),
        (1, vec![ran[1]]),
        (2, vec![ran[2]]),
    ] {
        assert_eq!(claim(&bench, true).await, expected, "claim {nth}");
    }
    // Nor need it be read before.
    bench.session().await;
    for job in ran {
        let row = bench.job(job).await;
        assert_eq!((row.lifecycle.attempt, row.lifecycle.suspect), (2, true));
    }
}

async fn only_the_culprit_uses_up_its_attempts(bench: Bench) {
    let session = bench.session().await;
    let mut jobs = Vec::new();
    for _ in 0..4 {
        jobs.push(bench.queued(&session).await.id);
    }
    // The second crashes the process whenever it runs.
    let culprit = jobs[1];
    let mut ended = Vec::new();
    let mut deaths = 0;
    while ended.len() < 3 {
        let order = ClaimOrder::new(Service::Analysis, InstanceId::new(), LEASE, 4);
        let claimed = bench.store.claim(order).await.unwrap();
        if claimed.is_empty() || claimed.iter().any(|job| job.id == culprit) {
            deaths += 1;
            assert!(deaths < 10, "{ended:?}");
            expire(&bench).await;
            continue;
        }
        for job in claimed {
            let done = bench
                .store
                .complete(job.claim(), crate::bench::success("done"));
            ended.push(done.await.unwrap().unwrap().id);
        }
    }
    while bench.job(culprit).await.state() != State::Failed {
        bench.claim_one(InstanceId::new()).await.unwrap();
        expire(&bench).await;
    }
    let row = bench.job(culprit).await;
    assert_eq!(row.error.unwrap().code, "attempts_exhausted");
}

/// Lets every lease run out.
async fn expire(bench: &Bench) -> Vec<Job> {
    bench.advance(LEASE).await;
    bench.store.expire_leases(&[], 99).await.unwrap()
}

/// Claims all that may be claimed now.
async fn claim(bench: &Bench, suspect: bool) -> Vec<JobId> {
    let order = ClaimOrder {
        suspect,
        ..ClaimOrder::new(Service::Analysis, InstanceId::new(), LEASE, 99)
    };
    let claimed = bench.store.claim(order).await.unwrap();
    claimed.iter().map(|job| job.id).collect()
}
