//! Admission, and the answers to repeats.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lastcall_domain::store::{
    Admission, Answer, JobFilter, JobResult, Order, ResultLocation, Submission,
};
use lastcall_domain::{InstanceId, Job, JobId, Owner, Service, Session, SessionId, State};

use crate::bench::{Bench, TTL, key, submission};

on_every_store![
    an_accepted_job_is_found_as_it_was_submitted,
    a_request_that_is_repeated_after_a_lost_answer_makes_one,
    a_repeat_is_given_the_first_answer_and_makes_nothing,
    a_key_with_another_request_is_refused,
    the_keys_of_two_callers_are_independent,
    a_repeat_is_answered_even_when_the_queue_is_full_or_the_session_is_gone,
    a_refused_request_leaves_its_key_unused,
    of_many_requests_with_one_key_at_once_one_is_made,
    of_many_sessions_with_one_key_at_once_one_is_made,
    the_bound_of_the_queue_is_exact_under_concurrency,
    the_bound_counts_each_service_by_itself,
    a_job_that_is_queued_again_counts_in_the_queue,
    a_session_that_is_gone_accepts_no_job,
    keys_are_purged_after_their_time,
    a_job_keeps_its_labels_and_is_found_by_them,
    a_job_whose_result_is_there_already_has_succeeded_and_waits_in_no_queue,
];

async fn an_accepted_job_is_found_as_it_was_submitted(bench: Bench) {
    let session = bench.session().await;
    let job = bench.queued(&session).await;
    assert_eq!(bench.job(job.id).await, job);
    assert_eq!(bench.counts(Service::Analysis).await, (1, 0));
    assert_eq!(bench.store.job(JobId::new()).await, Ok(None));
}

async fn a_request_that_is_repeated_after_a_lost_answer_makes_one(bench: Bench) {
    let session = bench.session().await;
    let again = bench.store.create_session(session.clone(), None).await;
    assert_eq!(again, Ok(Admission::Created(session.clone())));
    assert_eq!(bench.store.counts().await.unwrap().sessions, 1);
    let holder = lastcall_domain::InstanceId::new();
    let running = bench.running(&session, holder).await;
    let mut first = bench.profile(&session);
    first.id = running.id;
    let again = bench.store.submit(submission(first)).await;
    assert_eq!(again, Ok(Admission::Created(running)));
    assert_eq!(bench.counts(Service::Analysis).await, (0, 1));
}

async fn a_repeat_is_given_the_first_answer_and_makes_nothing(bench: Bench) {
    let session = bench.session().await;
    let first = submit_with_key(&bench, &session, "alice", 1, "first").await;
    assert!(matches!(first, Admission::Created(_)));
    let second = submit_with_key(&bench, &session, "alice", 1, "second").await;
    assert_eq!(second, Admission::Replayed(answer("first")));
    assert_eq!(bench.counts(Service::Analysis).await, (1, 0));
}

async fn a_key_with_another_request_is_refused(bench: Bench) {
    let session = bench.session().await;
    submit_with_key(&bench, &session, "alice", 1, "first").await;
    let second = submit_with_key(&bench, &session, "alice", 2, "second").await;
    assert_eq!(second, Admission::KeyReused);
    assert_eq!(bench.counts(Service::Analysis).await, (1, 0));
}

async fn the_keys_of_two_callers_are_independent(bench: Bench) {
    let session = bench.session().await;
    submit_with_key(&bench, &session, "alice", 1, "first").await;
    let other = submit_with_key(&bench, &session, "bob", 2, "second").await;
    assert!(matches!(other, Admission::Created(_)));
}

async fn a_repeat_is_answered_even_when_the_queue_is_full_or_the_session_is_gone(bench: Bench) {
    let session = bench.session().await;
    submit_with_key(&bench, &session, "alice", 1, "first").await;
    let mut full = submission(bench.profile(&session));
    full.max_queued = 1;
    full.idempotency = Some(key("alice", "k", 1, "second"));
    let repeat = bench.store.submit(full.clone()).await;
    assert_eq!(repeat, Ok(Admission::Replayed(answer("first"))));
    assert_eq!(bench.store.delete_session(session.id).await, Ok(true));
    let repeat = bench.store.submit(full).await;
    assert_eq!(repeat, Ok(Admission::Replayed(answer("first"))));
}

async fn a_refused_request_leaves_its_key_unused(bench: Bench) {
    let session = bench.session().await;
    let mut full = submission(bench.profile(&session));
    full.max_queued = 0;
    full.idempotency = Some(key("alice", "k", 1, "first"));
    let refused = bench.store.submit(full).await;
    assert_eq!(refused, Ok(Admission::QueueFull { queued: 0 }));
    let again = submit_with_key(&bench, &session, "alice", 2, "second").await;
    assert!(matches!(again, Admission::Created(_)));
}

async fn of_many_requests_with_one_key_at_once_one_is_made(bench: Bench) {
    let session = bench.session().await;
    let bench = Arc::new(bench);
    let tasks = (0..32).map(|n| {
        let (bench, session) = (Arc::clone(&bench), session.clone());
        tokio::spawn(
            async move { submit_with_key(&bench, &session, "alice", 1, &n.to_string()).await },
        )
    });
    let mut created = Vec::new();
    let mut replayed = BTreeSet::new();
    for task in tasks.collect::<Vec<_>>() {
        match task.await.unwrap() {
            Admission::Created(job) => created.push(job),
            Admission::Replayed(answer) => {
                replayed.insert(answer.body);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(created.len(), 1);
    assert_eq!(replayed.len(), 1, "all repeats get the same answer");
    assert_eq!(bench.counts(Service::Analysis).await, (1, 0));
}

async fn of_many_sessions_with_one_key_at_once_one_is_made(bench: Bench) {
    let tasks = (0..16).map(|n: u32| {
        let store = Arc::clone(&bench.store);
        let session = Session::new(Owner::new("alice"), TTL, bench.now());
        let key = key("alice", "/v1/sessions k", 1, &n.to_string());
        tokio::spawn(async move { store.create_session(session, Some(key)).await.unwrap() })
    });
    let mut created = 0;
    for task in tasks.collect::<Vec<_>>() {
        created += usize::from(matches!(task.await.unwrap(), Admission::Created(_)));
    }
    assert_eq!(created, 1);
    let owner = Owner::new("alice");
    let all = bench
        .store
        .sessions(&owner, bench.now(), Order::Asc, None, 50);
    assert_eq!(all.await.unwrap().items.len(), 1);
    let other = Session::new(Owner::new("alice"), TTL, bench.now());
    let reused = key("alice", "/v1/sessions k", 2, "other");
    let reused = bench.store.create_session(other, Some(reused)).await;
    assert_eq!(reused, Ok(Admission::KeyReused));
}

async fn the_bound_of_the_queue_is_exact_under_concurrency(bench: Bench) {
    let session = bench.session().await;
    let tasks = (0..64).map(|_| {
        let store = Arc::clone(&bench.store);
        let job = bench.profile(&session);
        tokio::spawn(async move {
            let bounded = Submission {
                job,
                idempotency: None,
                max_queued: 10,
            };
            store.submit(bounded).await.unwrap()
        })
    });
    let mut created = 0;
    for task in tasks.collect::<Vec<_>>() {
        match task.await.unwrap() {
            Admission::Created(_) => created += 1,
            Admission::QueueFull { queued } => assert_eq!(queued, 10),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(created, 10);
    assert_eq!(bench.counts(Service::Analysis).await, (10, 0));
}

async fn the_bound_counts_each_service_by_itself(bench: Bench) {
    let session = bench.session().await;
    let analysis = bench.queued(&session).await;
    let mut report = submission(bench.report_on(&session, analysis.id));
    report.max_queued = 1;
    let admission = bench.store.submit(report).await.unwrap();
    assert!(matches!(admission, Admission::Created(_)));
}

async fn a_job_that_is_queued_again_counts_in_the_queue(bench: Bench) {
    let session = bench.session().await;
    let claimed = bench
        .running(&session, lastcall_domain::InstanceId::new())
        .await;
    let mut bounded = submission(bench.profile(&session));
    bounded.max_queued = 1;
    let back = bench.store.hand_back(&[claimed.claim()]).await.unwrap();
    assert!(back[0].is_ok());
    let refused = bench.store.submit(bounded).await;
    assert_eq!(refused, Ok(Admission::QueueFull { queued: 1 }));
}

async fn a_session_that_is_gone_accepts_no_job(bench: Bench) {
    let gone = Ok(Admission::SessionGone);
    let deleted = bench.session().await;
    bench.store.delete_session(deleted.id).await.unwrap();
    let into_deleted = submission(bench.profile(&deleted));
    assert_eq!(bench.store.submit(into_deleted).await, gone);

    let mut never = deleted;
    never.id = SessionId::new();
    let into_nothing = submission(bench.profile(&never));
    assert_eq!(bench.store.submit(into_nothing).await, gone);

    let expired = bench.session().await;
    bench.advance(TTL).await;
    let into_expired = submission(bench.profile(&expired));
    assert_eq!(bench.store.submit(into_expired).await, gone);
    assert_eq!(bench.counts(Service::Analysis).await, (0, 0));
}

async fn keys_are_purged_after_their_time(bench: Bench) {
    let session = bench.session().await;
    submit_with_key(&bench, &session, "alice", 1, "first").await;
    assert_eq!(bench.store.purge(bench.now(), 10).await, Ok(0));
    bench.advance(TTL / 2).await;
    assert_eq!(bench.store.purge(bench.now(), 0).await, Ok(0));
    assert_eq!(bench.store.purge(bench.now(), 10).await, Ok(1));
    let again = submit_with_key(&bench, &session, "alice", 2, "second").await;
    assert!(matches!(again, Admission::Created(_)));
}

async fn submit_with_key(
    bench: &Bench,
    session: &Session,
    caller: &str,
    request: u8,
    body: &str,
) -> Admission<lastcall_domain::Job> {
    let mut submission = submission(bench.profile(session));
    submission.idempotency = Some(key(caller, "k", request, body));
    bench.store.submit(submission).await.unwrap()
}

fn answer(body: &str) -> Answer {
    key("alice", "k", 1, body).answer
}

async fn a_job_keeps_its_labels_and_is_found_by_them(bench: Bench) {
    let session = bench.session().await;
    let submit = async |labels: &[(&str, &str)]| {
        let pairs = labels.iter();
        let pairs: BTreeMap<String, String> = pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let job = Job {
            labels: pairs.try_into().unwrap(),
            ..bench.profile(&session)
        };
        let admission = bench.store.submit(submission(job.clone())).await;
        assert_eq!(admission, Ok(Admission::Created(job.clone())));
        assert_eq!(bench.job(job.id).await.labels, job.labels);
        job.id
    };
    let none = submit(&[]).await;
    let blue = submit(&[("team", "blue"), ("v1.2/x", "It's \"Q3\": 日本")]).await;
    let red = submit(&[("team", "red"), ("empty", "")]).await;
    let found = async |label: &str| {
        let filter = JobFilter {
            owner: Some(session.owner.clone()),
            label: Some(label.parse().unwrap()),
            ..JobFilter::default()
        };
        let page = bench.store.jobs(&filter, None, 10).await.unwrap();
        page.items.into_iter().map(|job| job.id).collect::<Vec<_>>()
    };
    assert_eq!(found("team").await, [blue, red]);
    assert_eq!(found("team:blue").await, [blue]);
    assert_eq!(found("team:").await, []);
    assert_eq!(found("empty:").await, [red]);
    assert_eq!(found("v1.2/x:It's \"Q3\": 日本").await, [blue]);
    assert_eq!(found("v1").await, []);
    let claimed = bench.claim(Service::Analysis, InstanceId::new(), 3).await;
    let labels: Vec<bool> = claimed.iter().map(|job| job.labels.is_empty()).collect();
    assert_eq!(labels, [true, false, false], "{none}");
}

async fn a_job_whose_result_is_there_already_has_succeeded_and_waits_in_no_queue(bench: Bench) {
    let session = bench.session().await;
    let result = JobResult {
        media_type: "application/json".into(),
        bytes: 2,
        location: ResultLocation::Inline("{}".into()),
        content_key: None,
    };
    let mut asked = submission(bench.profile(&session));
    asked.max_queued = 0;
    let job = asked.job.clone().answered();
    let submit = |asked: Submission| bench.store.submit_answered(asked, result.clone());
    let admission = submit(asked.clone()).await;
    assert_eq!(admission, Ok(Admission::Created(job.clone())));
    let found = bench.job(job.id).await;
    assert_eq!(found.state(), State::Succeeded);
    assert!(found.lifecycle.is_answered());
    assert_eq!(bench.store.result(job.id).await, Ok(Some(result.clone())));
    assert_eq!(bench.counts(Service::Analysis).await, (0, 0));
    let again = submit(asked.clone()).await.unwrap();
    assert!(matches!(again, Admission::Created(again) if again.id == job.id));
    bench.store.delete_session(session.id).await.unwrap();
    let late = submission(bench.profile(&session));
    assert_eq!(submit(late).await, Ok(Admission::SessionGone));
}
