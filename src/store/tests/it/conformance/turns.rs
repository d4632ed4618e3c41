//! Claims take the owners in turn.

use std::time::Duration;

use lastcall_domain::store::{Admission, Outcome};
use lastcall_domain::{InstanceId, Job, JobError, JobId, Priority, Service, Session};

use crate::bench::{Bench, submission};

on_every_store![
    owners_take_turns,
    the_turns_go_on_from_claim_to_claim,
    what_an_owner_does_not_use_goes_to_the_others,
    ten_thousand_jobs_of_one_owner_come_behind_the_first_of_another,
    more_owners_than_a_claim_has_places_all_have_their_turn,
    a_job_that_is_queued_again_has_its_place_among_those_of_its_owner,
    owners_are_in_the_order_of_the_bytes_of_their_names,
    each_service_has_turns_of_its_own,
    low_jobs_come_behind_the_others_of_their_owner_and_keep_its_turn,
    a_low_job_that_is_handed_back_stays_low,
];

/// The given number of jobs of each owner, all of the first before all of the next.
async fn queued(bench: &Bench, owners: &[(&str, usize)]) -> Vec<Session> {
    let mut sessions = Vec::new();
    for (owner, jobs) in owners {
        let session = bench.session_of(owner).await;
        queue_at_once(bench, &session, *jobs).await;
        sessions.push(session);
    }
    sessions
}

async fn queue_at_once(bench: &Bench, session: &Session, jobs: usize) {
    let mut left = jobs;
    while left > 0 {
        let some = left.min(500);
        let submitted = (0..some).map(|_| bench.store.submit(submission(bench.profile(session))));
        for admission in futures_util::future::join_all(submitted).await {
            assert!(matches!(admission, Ok(Admission::Created(_))));
        }
        left -= some;
    }
}

/// Whose jobs a claim gives.
async fn claimed(bench: &Bench, limit: u32) -> String {
    let claimed = bench.claim(Service::Analysis, InstanceId::new(), limit);
    owners(&claimed.await)
}

fn owners(jobs: &[Job]) -> String {
    let owners: Vec<&str> = jobs.iter().map(|job| job.owner.as_str()).collect();
    owners.join(" ")
}

async fn owners_take_turns(bench: Bench) {
    queued(&bench, &[("a", 4), ("b", 2), ("c", 3)]).await;
    assert_eq!(claimed(&bench, 6).await, "a b c a b c");
    assert_eq!(claimed(&bench, 9).await, "a c a");
    assert_eq!(claimed(&bench, 9).await, "");
}

async fn the_turns_go_on_from_claim_to_claim(bench: Bench) {
    let sessions = queued(&bench, &[("a", 9), ("c", 3)]).await;
    for owner in ["a", "c", "a", "c", "a"] {
        assert_eq!(claimed(&bench, 1).await, owner);
    }
    // A later owner does not wait for more than one turn of each other owner.
    queued(&bench, &[("b", 1)]).await;
    assert_eq!(claimed(&bench, 1).await, "b");
    assert_eq!(claimed(&bench, 3).await, "c a a");
    queue_at_once(&bench, &sessions[1], 1).await;
    assert_eq!(claimed(&bench, 1).await, "c");
}

async fn what_an_owner_does_not_use_goes_to_the_others(bench: Bench) {
    queued(&bench, &[("a", 40), ("b", 1), ("c", 7)]).await;
    let all = claimed(&bench, 48).await;
    assert!(all.starts_with("a b c a c a c"), "{all}");
    assert_eq!(
        all.split(' ').count(),
        48,
        "nothing is left for a second claim"
    );
}

async fn ten_thousand_jobs_of_one_owner_come_behind_the_first_of_another(bench: Bench) {
    queued(&bench, &[("a", 10_000)]).await;
    assert_eq!(claimed(&bench, 4).await, "a a a a");
    queued(&bench, &[("b", 2)]).await;
    assert_eq!(claimed(&bench, 1).await, "b");
    assert_eq!(claimed(&bench, 1).await, "a");
    assert_eq!(claimed(&bench, 4).await, "b a a a");
}

async fn more_owners_than_a_claim_has_places_all_have_their_turn(bench: Bench) {
    let names: Vec<String> = (0..30).map(|n| format!("owner-{n:02}")).collect();
    for name in &names {
        queued(&bench, &[(name, 2)]).await;
    }
    let mut order = Vec::new();
    for _ in 0..12 {
        order.push(claimed(&bench, 4).await);
    }
    let order = order.join(" ");
    let expected: Vec<&str> = names.iter().cycle().take(48).map(String::as_str).collect();
    assert_eq!(order, expected.join(" "));
}

async fn a_job_that_is_queued_again_has_its_place_among_those_of_its_owner(bench: Bench) {
    queued(&bench, &[("a", 3), ("b", 3)]).await;
    let holder = InstanceId::new();
    let first = bench.claim_one(holder).await.unwrap();
    let failed = Outcome::Failed(JobError::transient("engine_died", "again"));
    let again = bench.store.complete(first.claim(), failed).await;
    assert!(again.unwrap().is_ok());
    let second = bench.claim_one(holder).await.unwrap();
    let given_back = bench.store.hand_back(&[second.claim()]).await;
    assert!(given_back.unwrap()[0].is_ok());
    bench.advance(Duration::from_secs(60)).await;
    let claimed = bench.claim(Service::Analysis, holder, 2).await;
    assert_eq!(owners(&claimed), "a b");
    assert_eq!((claimed[0].id, claimed[1].id), (first.id, second.id));
}

async fn owners_are_in_the_order_of_the_bytes_of_their_names(bench: Bench) {
    queued(
        &bench,
        &[("ä", 1), ("b", 1), ("A", 1), ("_", 1), ("a b", 1)],
    )
    .await;
    let claimed = bench.claim(Service::Analysis, InstanceId::new(), 9).await;
    let claimed: Vec<&str> = claimed.iter().map(|job| job.owner.as_str()).collect();
    assert_eq!(claimed, ["A", "_", "a b", "b", "ä"]);
}

async fn each_service_has_turns_of_its_own(bench: Bench) {
    let sessions = queued(&bench, &[("a", 1), ("b", 1)]).await;
    for session in &sessions {
        let on_nothing = bench.report_on(session, lastcall_domain::JobId::new());
        bench.submit(on_nothing).await;
    }
    assert_eq!(claimed(&bench, 1).await, "a");
    let report = bench.claim(Service::Report, InstanceId::new(), 1).await;
    assert_eq!(owners(&report), "a");
    assert_eq!(claimed(&bench, 1).await, "b");
}

async fn submit_with(bench: &Bench, session: &Session, priority: Priority) -> JobId {
    let profile = bench.profile(session);
    bench
        .submit(Job {
            priority,
            ..profile
        })
        .await
        .id
}

async fn claimed_ids(bench: &Bench, limit: u32) -> Vec<JobId> {
    let claimed = bench.claim(Service::Analysis, InstanceId::new(), limit);
    claimed.await.iter().map(|job| job.id).collect()
}

async fn low_jobs_come_behind_the_others_of_their_owner_and_keep_its_turn(bench: Bench) {
    use Priority::{Low, Normal};
    let (a, b) = (bench.session_of("a").await, bench.session_of("b").await);
    let mut jobs = Vec::new();
    for (session, priority) in [(&a, Low), (&a, Normal), (&a, Low), (&a, Normal), (&b, Low)] {
        jobs.push(submit_with(&bench, session, priority).await);
    }
    assert_eq!(bench.job(jobs[0]).await.priority, Low);
    assert_eq!(bench.job(jobs[1]).await.priority, Normal);
    assert_eq!(claimed_ids(&bench, 1).await, [jobs[1]]);
    assert_eq!(claimed_ids(&bench, 1).await, [jobs[4]], "b has its turn");
    assert_eq!(claimed_ids(&bench, 9).await, [jobs[3], jobs[0], jobs[2]]);
}

async fn a_low_job_that_is_handed_back_stays_low(bench: Bench) {
    let session = bench.session_of("a").await;
    let low = submit_with(&bench, &session, Priority::Low).await;
    let holder = InstanceId::new();
    let claimed = bench.claim_one(holder).await.unwrap();
    assert_eq!((claimed.id, claimed.priority), (low, Priority::Low));
    let given_back = bench.store.hand_back(&[claimed.claim()]).await;
    assert!(given_back.unwrap()[0].is_ok());
    let normal = submit_with(&bench, &session, Priority::Normal).await;
    assert_eq!(claimed_ids(&bench, 9).await, [normal, low]);
}
