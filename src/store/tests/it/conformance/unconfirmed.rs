//! Unconfirmed claims, and claims whose worker is alive: neither costs an attempt.

use std::time::Duration;

use lastcall_domain::{InstanceId, Job, JobId, Service, Session, State};
use tokio::time::{Instant, sleep};

use crate::bench::{Bench, LEASE, success};

on_every_store![
    an_unconfirmed_claim_costs_nothing,
    an_unconfirmed_claim_is_not_expired,
    a_claim_whose_caller_goes_at_any_moment_costs_nothing,
    claims_of_a_live_worker_do_not_expire,
];

/// The longest wait of a test.
const TIMEOUT: Duration = Duration::from_secs(30);

async fn an_unconfirmed_claim_costs_nothing(bench: Bench) {
    let session = bench.session().await;
    let holder = InstanceId::new();
    let job = unconfirmed_claims(&bench, &session, holder, 5).await;
    let claimed = claim_all(&bench, holder, 1).await.remove(0);
    assert_eq!(claimed.id, job);
    costs_nothing(&claimed);
    // It was confirmed, so it stays claimed.
    assert_eq!(bench.claim_one(holder).await, None);
    assert_eq!(bench.job(job).await.state(), State::Running);
    assert_eq!(bench.counts(Service::Analysis).await, (0, 1));
}

async fn an_unconfirmed_claim_is_not_expired(bench: Bench) {
    let session = bench.session().await;
    let job = unconfirmed_claims(&bench, &session, InstanceId::new(), 1).await;
    bench.advance(2 * LEASE).await;
    assert_eq!(bench.store.expire_leases(&[], 9).await, Ok(vec![]));
    let row = bench.job(job).await;
    assert_eq!((row.state(), row.lifecycle.attempt), (State::Queued, 0));
    assert!(!row.lifecycle.suspect);
}

async fn a_claim_whose_caller_goes_at_any_moment_costs_nothing(bench: Bench) {
    let session = bench.session().await;
    let holder = InstanceId::new();
    for _ in 0..40 {
        bench.queued(&session).await;
    }
    let mut claimed = Vec::new();
    for moments in 0..20 {
        claimed.extend(bench.claim_impatiently(holder, 2, moments).await);
    }
    let in_hand: Vec<_> = claimed.iter().map(|job: &Job| job.id).collect();
    bench.advance(2 * LEASE).await;
    assert_eq!(bench.store.expire_leases(&in_hand, 99).await, Ok(vec![]));
    let left = 40 - claimed.len();
    claimed.extend(claim_all(&bench, holder, left).await);
    claimed.iter().for_each(costs_nothing);
    let mut ids: Vec<_> = claimed.iter().map(|job| job.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 40);
}

async fn claims_of_a_live_worker_do_not_expire(bench: Bench) {
    let session = bench.session().await;
    let mine = bench.running(&session, InstanceId::new()).await;
    let dead = bench.running(&session, InstanceId::new()).await;
    bench.advance(2 * LEASE).await;
    let expired = bench.store.expire_leases(&[mine.id], 1).await.unwrap();
    assert_eq!(expired.len(), 1);
    assert_eq!(expired[0].id, dead.id);
    assert_eq!(bench.job(mine.id).await.state(), State::Running);
}

/// A job that was claimed this many times without a confirmation.
async fn unconfirmed_claims(
    bench: &Bench,
    session: &Session,
    holder: InstanceId,
    times: u32,
) -> JobId {
    'again: loop {
        let job = bench.queued(session).await;
        for _ in 0..times {
            if let Some(confirmed) = bench.claim_unconfirmed(holder).await {
                let ended = bench
                    .store
                    .complete(confirmed.claim(), success("done"))
                    .await;
                assert!(ended.unwrap().is_ok());
                continue 'again;
            }
        }
        return job.id;
    }
}

fn costs_nothing(job: &Job) {
    let lifecycle = &job.lifecycle;
    let spent = (
        lifecycle.attempt,
        lifecycle.interruptions,
        lifecycle.suspect,
    );
    assert_eq!(spent, (1, 0, false), "{job:?}");
}

/// Claims this many jobs. A server may need a moment to notice a closed connection.
async fn claim_all(bench: &Bench, holder: InstanceId, count: usize) -> Vec<Job> {
    let since = Instant::now();
    let mut claimed = Vec::new();
    while claimed.len() < count {
        claimed.extend(bench.claim(Service::Analysis, holder, 99).await);
        assert!(since.elapsed() < TIMEOUT, "{} of {count}", claimed.len());
        sleep(Duration::from_millis(5)).await;
    }
    claimed
}
