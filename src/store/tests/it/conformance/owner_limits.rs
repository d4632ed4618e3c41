//! What one owner may have at once.

use futures_util::future::join_all;
use lastcall_domain::store::{Admission, HeartbeatResult, Precondition, UploadOutcome};
use lastcall_domain::{InstanceId, Job, JobId, Owner, OwnerLimits, Service, Session};

use crate::bench::{Bench, TTL, dataset, key, submission};

on_every_store![
    an_owner_has_no_more_sessions_than_one_may_have,
    sessions_that_are_opened_at_once_keep_to_the_bound,
    an_owner_has_no_more_jobs_in_the_queue_than_one_may_have,
    jobs_that_are_submitted_at_once_keep_to_the_bound,
    an_owner_stores_no_more_bytes_than_one_may_store,
    datasets_that_are_put_at_once_keep_to_the_quota,
    an_owner_runs_no_more_jobs_than_one_may_run,
    claims_at_once_keep_to_the_bound_on_what_an_owner_runs,
    bounds_that_change_hold_from_then_on_and_take_nothing_away,
];

fn sessions(most: u64) -> OwnerLimits {
    OwnerLimits {
        sessions: Some(most),
        ..OwnerLimits::default()
    }
}

fn queued_jobs(most: u64) -> OwnerLimits {
    OwnerLimits {
        queued_jobs: Some(most),
        ..OwnerLimits::default()
    }
}

fn stored_bytes(most: u64) -> OwnerLimits {
    OwnerLimits {
        stored_bytes: Some(most),
        ..OwnerLimits::default()
    }
}

async fn open(bench: &Bench, owner: &str) -> Admission<Session> {
    let session = Session::new(Owner::new(owner), TTL, bench.now());
    bench.store.create_session(session, None).await.unwrap()
}

async fn an_owner_has_no_more_sessions_than_one_may_have(bench: Bench) {
    bench.limit_owners(sessions(2));
    let refused = Admission::TooManySessions { sessions: 2 };
    let session = Session::new(Owner::new("alice"), TTL, bench.now());
    let first = key("alice", "k", 1, "first");
    let made = bench
        .store
        .create_session(session.clone(), Some(first.clone()));
    assert_eq!(made.await, Ok(Admission::Created(session.clone())));
    bench.session().await;
    assert_eq!(open(&bench, "alice").await, refused);
    bench.session_of("bob").await;
    let second = Session::new(Owner::new("alice"), TTL, bench.now());
    let replayed = bench
        .store
        .create_session(second, Some(first.clone()))
        .await;
    assert_eq!(replayed, Ok(Admission::Replayed(first.answer)));
    let again = bench.store.create_session(session.clone(), None).await;
    assert_eq!(
        again,
        Ok(Admission::Created(session.clone())),
        "its answer was lost"
    );

    bench.store.delete_session(session.id).await.unwrap();
    bench.session().await;
    assert_eq!(open(&bench, "alice").await, refused);
    bench.advance(TTL).await;
    bench.session().await;
}

async fn sessions_that_are_opened_at_once_keep_to_the_bound(bench: Bench) {
    bench.limit_owners(sessions(3));
    let admissions = join_all((0..20).map(|_| open(&bench, "alice"))).await;
    let made = admissions
        .iter()
        .filter(|made| matches!(made, Admission::Created(_)));
    assert_eq!(made.count(), 3);
}

async fn an_owner_has_no_more_jobs_in_the_queue_than_one_may_have(bench: Bench) {
    bench.limit_owners(queued_jobs(2));
    let (alice, bob) = (bench.session().await, bench.session_of("bob").await);
    bench.queued(&alice).await;
    bench.submit(bench.report_on(&alice, JobId::new())).await;
    let submit = async |bench: &Bench| {
        let asked = submission(bench.profile(&alice));
        bench.store.submit(asked).await.unwrap()
    };
    let refused = Admission::OwnerQueueFull { queued: 2 };
    assert_eq!(submit(&bench).await, refused);
    let mut asked = submission(bench.profile(&alice));
    asked.idempotency = Some(key("alice", "k", 1, "refused"));
    assert_eq!(bench.store.submit(asked.clone()).await, Ok(refused.clone()));
    bench.queued(&bob).await;
    // A running job is in no queue.
    assert_eq!(
        bench
            .claim(Service::Report, InstanceId::new(), 9)
            .await
            .len(),
        1
    );
    let tried_again = bench.store.submit(asked.clone()).await.unwrap();
    assert!(
        matches!(tried_again, Admission::Created(_)),
        "it was not kept"
    );
    let repeated = bench.store.submit(asked).await.unwrap();
    assert!(matches!(repeated, Admission::Replayed(_)), "{repeated:?}");
    assert_eq!(submit(&bench).await, refused);
}

async fn jobs_that_are_submitted_at_once_keep_to_the_bound(bench: Bench) {
    bench.limit_owners(queued_jobs(5));
    let sessions = [bench.session().await, bench.session_of("bob").await];
    let submitted = (0..60).map(|n| {
        let session = &sessions[n % 2];
        let job = match n % 4 {
            0 | 1 => bench.profile(session),
            _ => bench.report_on(session, JobId::new()),
        };
        bench.store.submit(submission(job))
    });
    let mut accepted = Vec::new();
    for admission in join_all(submitted).await {
        if let Admission::Created(job) = admission.unwrap() {
            accepted.push(job.owner);
        }
    }
    let of = |session: &Session| {
        accepted
            .iter()
            .filter(|owner| **owner == session.owner)
            .count()
    };
    assert_eq!(sessions.each_ref().map(of), [5, 5]);
}

async fn an_owner_stores_no_more_bytes_than_one_may_store(bench: Bench) {
    bench.limit_owners(stored_bytes(20));
    let (first, second) = (bench.session().await, bench.session().await);
    let put = async |session: &Session, name: &str, bytes: u64| {
        let mut put = dataset(session.id, name, bench.now());
        put.bytes = bytes;
        bench
            .store
            .put_dataset(put, Precondition::None)
            .await
            .unwrap()
    };
    let is_stored = |outcome: &UploadOutcome| matches!(outcome, UploadOutcome::Stored { .. });
    assert!(is_stored(&put(&first, "a", 7).await));
    assert!(is_stored(&put(&second, "a", 13).await), "to the last byte");
    let refused = UploadOutcome::QuotaExceeded {
        others: 20,
        quota: 20,
    };
    assert_eq!(put(&second, "b", 1).await, refused);
    let larger = UploadOutcome::QuotaExceeded {
        others: 13,
        quota: 20,
    };
    assert_eq!(put(&first, "a", 8).await, larger);
    assert!(
        is_stored(&put(&first, "a", 5).await),
        "a smaller one in its place"
    );
    assert!(is_stored(&put(&first, "b", 2).await));
    let bob = bench.session_of("bob").await;
    assert!(is_stored(&put(&bob, "a", 20).await));

    let name = crate::bench::name("b");
    let deleted = bench
        .store
        .delete_dataset(first.id, &name, &Precondition::None);
    deleted.await.unwrap();
    assert!(is_stored(&put(&second, "b", 2).await));
    bench.store.delete_session(second.id).await.unwrap();
    assert!(
        is_stored(&put(&first, "b", 15).await),
        "that of a deleted session counts no more"
    );
    assert!(!is_stored(&put(&first, "c", 1).await));
}

async fn datasets_that_are_put_at_once_keep_to_the_quota(bench: Bench) {
    bench.limit_owners(stored_bytes(30));
    let sessions = [bench.session().await, bench.session().await];
    let put = (0..20).map(|n| {
        // Seven bytes each.
        let put = dataset(sessions[n % 2].id, &format!("d{n}"), bench.now());
        bench.store.put_dataset(put, Precondition::None)
    });
    let outcomes = join_all(put).await;
    let stored = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Ok(UploadOutcome::Stored { .. })));
    assert_eq!(stored.count(), 4);
}

fn running_jobs(most: u64) -> OwnerLimits {
    OwnerLimits {
        running_jobs: Some(most),
        ..OwnerLimits::default()
    }
}

async fn an_owner_runs_no_more_jobs_than_one_may_run(bench: Bench) {
    bench.limit_owners(running_jobs(2));
    let (alice, bob) = (bench.session().await, bench.session_of("bob").await);
    for _ in 0..4 {
        bench.queued(&alice).await;
        bench.queued(&bob).await;
    }
    bench.submit(bench.report_on(&alice, JobId::new())).await;
    let holder = InstanceId::new();
    let claimed = bench.claim(Service::Analysis, holder, 9).await;
    let owners: Vec<&str> = claimed.iter().map(|job| job.owner.as_str()).collect();
    assert_eq!(owners, ["alice", "bob", "alice", "bob"]);
    assert_eq!(bench.claim(Service::Analysis, holder, 9).await, []);
    assert_eq!(
        bench.claim(Service::Report, holder, 9).await,
        [],
        "of all services"
    );

    // A place is freed by a job that ends, and by one that is handed back.
    let end = bench
        .store
        .complete(claimed[0].claim(), crate::bench::success("1"));
    assert!(end.await.unwrap().is_ok());
    assert_eq!(bench.claim(Service::Report, holder, 9).await.len(), 1);
    let given_back = bench.store.hand_back(&[claimed[1].claim()]).await.unwrap();
    assert!(given_back[0].is_ok());
    let again = bench.claim(Service::Analysis, holder, 9).await;
    assert_eq!(
        again.iter().map(|job| job.id).collect::<Vec<_>>(),
        [claimed[1].id]
    );

    // A suspect counts like any other.
    bench.advance(crate::bench::LEASE).await;
    bench.store.expire_leases(&[], 99).await.unwrap();
    bench.advance(TTL / 2).await;
    let first = bench.claim(Service::Analysis, holder, 9).await;
    assert!(first[0].lifecycle.suspect, "{:?}", first[0]);
    let of = |owner: &str| {
        first
            .iter()
            .filter(|job| job.owner.as_str() == owner)
            .count()
    };
    assert_eq!((of("alice"), of("bob")), (2, 2));
    assert_eq!(bench.claim(Service::Analysis, holder, 9).await, []);
}

async fn claims_at_once_keep_to_the_bound_on_what_an_owner_runs(bench: Bench) {
    bench.limit_owners(running_jobs(5));
    let session = bench.session().await;
    for _ in 0..20 {
        bench.queued(&session).await;
        bench.submit(bench.report_on(&session, JobId::new())).await;
    }
    let claims = (0..12).map(|n| {
        let service = Service::ALL[n % 2];
        bench.claim(service, InstanceId::new(), 3)
    });
    let claimed: usize = join_all(claims).await.iter().map(Vec::len).sum();
    assert_eq!(claimed, 5);
}

async fn bounds_that_change_hold_from_then_on_and_take_nothing_away(bench: Bench) {
    let alice = bench.session().await;
    for _ in 0..6 {
        bench.queued(&alice).await;
    }
    bench
        .store
        .put_dataset(dataset(alice.id, "d", bench.now()), Precondition::None)
        .await
        .unwrap();
    let holder = InstanceId::new();
    let claim = async || bench.claim(Service::Analysis, holder, 9).await;
    let submit = async || {
        let asked = submission(bench.profile(&alice));
        bench.store.submit(asked).await.unwrap()
    };
    let end = async |job: &Job| {
        let ended = crate::bench::success("1");
        let ended = bench.store.complete(job.claim(), ended).await;
        assert!(ended.unwrap().is_ok());
    };
    let running = bench.claim(Service::Analysis, holder, 3).await;
    assert_eq!(running.len(), 3, "there is no bound");

    bench.limit_owners(OwnerLimits {
        sessions: Some(1),
        stored_bytes: Some(1),
        queued_jobs: Some(3),
        running_jobs: Some(2),
    });
    let beats: Vec<_> = running.iter().map(|job| (job.claim(), 0.5)).collect();
    let beaten = bench.store.heartbeat(&beats, crate::bench::LEASE).await;
    assert_eq!(beaten.unwrap(), [HeartbeatResult::Held; 3]);
    assert_eq!(claim().await, []);
    let name = "d".to_owned().try_into().unwrap();
    let kept = bench.store.dataset(alice.id, &name).await;
    assert!(kept.unwrap().is_some());
    let refused = Admission::TooManySessions { sessions: 1 };
    assert_eq!(open(&bench, "alice").await, refused);
    assert_eq!(submit().await, Admission::OwnerQueueFull { queued: 3 });
    let put = dataset(alice.id, "e", bench.now());
    let put = bench.store.put_dataset(put, Precondition::None).await;
    assert!(!matches!(put, Ok(UploadOutcome::Stored { .. })), "{put:?}");
    end(&running[0]).await;
    assert_eq!(claim().await, [], "two run on");
    end(&running[1]).await;
    assert_eq!(claim().await.len(), 1);

    bench.limit_owners(running_jobs(3));
    assert_eq!(claim().await.len(), 1);
    assert!(matches!(submit().await, Admission::Created(_)));
    assert!(matches!(open(&bench, "alice").await, Admission::Created(_)));
    let put = dataset(alice.id, "e", bench.now());
    let put = bench.store.put_dataset(put, Precondition::None).await;
    assert!(matches!(put, Ok(UploadOutcome::Stored { .. })), "{put:?}");
    assert_eq!(claim().await, []);
    bench.limit_owners(OwnerLimits::default());
    assert_eq!(claim().await.len(), 2, "there is no bound again");
}
