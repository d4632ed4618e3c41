//! How a claim ends.

use lastcall_domain::store::{JobResult, Outcome, ResultLocation};
use lastcall_domain::{
    ATTEMPTS_EXHAUSTED, BlobKey, ClaimRef, ContentKey, INTERRUPTIONS_EXHAUSTED, InstanceId,
    JobError, JobId, Limits, Refused, Service, State,
};

use crate::bench::{Bench, LEASE, result, success};

on_every_store![
    a_job_succeeds_and_its_result_is_kept,
    a_result_elsewhere_is_kept_by_its_key,
    a_result_is_found_by_what_it_answers,
    a_job_fails_for_good,
    a_job_is_cancelled_by_its_worker,
    a_job_ends_once,
    attempts_are_bounded,
    deaths_are_bounded,
    interruptions_are_bounded,
    a_job_that_was_handed_back_is_there_for_a_peer_at_once,
    many_claims_are_handed_back_together,
    a_claim_that_never_was_is_refused,
    a_worker_that_succeeds_despite_the_wish_to_cancel_has_succeeded,
];

async fn a_job_succeeds_and_its_result_is_kept(bench: Bench) {
    let session = bench.session().await;
    let job = bench.running(&session, InstanceId::new()).await;
    assert_eq!(bench.store.result(job.id).await, Ok(None));
    let ended = bench.store.complete(job.claim(), success("[1]")).await;
    let ended = ended.unwrap().unwrap();
    assert_eq!(ended.state(), State::Succeeded);
    assert_eq!(ended.progress, 1.0);
    assert_eq!(ended.finished_at, Some(bench.now()));
    assert_eq!(ended.lifecycle.lease, None);
    assert_eq!(bench.job(job.id).await, ended);
    assert_eq!(bench.store.result(job.id).await, Ok(Some(result("[1]"))));
    assert_eq!(bench.counts(Service::Analysis).await, (0, 0));
}

async fn a_result_elsewhere_is_kept_by_its_key(bench: Bench) {
    let session = bench.session().await;
    let job = bench.running(&session, InstanceId::new()).await;
    let elsewhere = JobResult {
        media_type: "application/pdf".to_owned(),
        bytes: u64::from(u32::MAX) * 3,
        location: ResultLocation::Blob(BlobKey::result(session.id, job.id, 1)),
        content_key: None,
    };
    let outcome = Outcome::Succeeded(elsewhere.clone());
    let ended = bench.store.complete(job.claim(), outcome).await;
    assert!(ended.unwrap().is_ok());
    assert_eq!(bench.store.result(job.id).await, Ok(Some(elsewhere)));
}

async fn a_result_is_found_by_what_it_answers(bench: Bench) {
    let session = bench.session().await;
    let key = ContentKey::from_bytes([7; 32]);
    let answer = async || bench.store.answer_to(&key).await;
    let answering = |text: &str, key| {
        Outcome::Succeeded(JobResult {
            content_key: key,
            ..result(text)
        })
    };
    let first = bench.running(&session, InstanceId::new()).await;
    assert_eq!(answer().await, Ok(None));
    let outcome = answering("[1]", Some(key));
    let ended = bench.store.complete(first.claim(), outcome).await;
    assert!(ended.unwrap().is_ok());
    assert_eq!(answer().await, Ok(Some(first.id)));
    let kept = bench.store.result(first.id).await.unwrap().unwrap();
    assert_eq!(kept.content_key, Some(key));
    for other in [None, Some(ContentKey::from_bytes([8; 32]))] {
        let job = bench.running(&session, InstanceId::new()).await;
        let ended = bench.store.complete(job.claim(), answering("[2]", other));
        assert!(ended.await.unwrap().is_ok());
        assert_eq!(answer().await, Ok(Some(first.id)));
    }
    let later = bench.running(&session, InstanceId::new()).await;
    let ended = bench
        .store
        .complete(later.claim(), answering("[3]", Some(key)));
    assert!(ended.await.unwrap().is_ok());
    assert_eq!(answer().await, Ok(Some(later.id)), "the latest");
    bench.store.delete_session(session.id).await.unwrap();
    let removed = bench.store.begin_removal(bench.now(), 10).await.unwrap();
    assert_eq!(answer().await, Ok(None));
    bench.store.finish_removal(&removed).await.unwrap();
    assert_eq!(answer().await, Ok(None));
}

async fn a_job_fails_for_good(bench: Bench) {
    let session = bench.session().await;
    let job = bench.running(&session, InstanceId::new()).await;
    let error = JobError::permanent("sql_syntax", "unexpected ‘from’ at line 1");
    let outcome = Outcome::Failed(error.clone());
    let ended = bench.store.complete(job.claim(), outcome).await;
    let ended = ended.unwrap().unwrap();
    assert_eq!(ended.state(), State::Failed);
    assert_eq!(ended.error, Some(error));
    assert_eq!(bench.job(job.id).await, ended);
    assert_eq!(bench.store.result(job.id).await, Ok(None));
}

async fn a_job_is_cancelled_by_its_worker(bench: Bench) {
    let session = bench.session().await;
    let job = bench.running(&session, InstanceId::new()).await;
    bench.store.cancel(job.id).await.unwrap();
    let ended = bench.store.complete(job.claim(), Outcome::Cancelled).await;
    assert_eq!(ended.unwrap().unwrap().state(), State::Cancelled);
    assert_eq!(bench.job(job.id).await.state(), State::Cancelled);
}

async fn a_job_ends_once(bench: Bench) {
    let session = bench.session().await;
    let job = bench.running(&session, InstanceId::new()).await;
    let first = bench.store.complete(job.claim(), success("1")).await;
    assert!(first.unwrap().is_ok());
    let ended = Ok(Err(Refused::Ended));
    let second = bench.store.complete(job.claim(), success("2")).await;
    assert_eq!(second, ended);
    let third = bench.store.hand_back(&[job.claim()]).await;
    assert_eq!(third, Ok(vec![Err(Refused::Ended)]));
    assert_eq!(bench.store.result(job.id).await, Ok(Some(result("1"))));
}

async fn attempts_are_bounded(bench: Bench) {
    let session = bench.session().await;
    let id = bench.queued(&session).await.id;
    let error = JobError::transient("engine_died", "again");
    for attempt in 1..=Limits::default().max_attempts {
        bench.advance(std::time::Duration::from_secs(60)).await;
        let job = bench.claim_one(InstanceId::new()).await.unwrap();
        assert_eq!(job.lifecycle.attempt, attempt);
        let outcome = Outcome::Failed(error.clone());
        let _ = bench.store.complete(job.claim(), outcome).await.unwrap();
    }
    let job = bench.job(id).await;
    assert_eq!(job.state(), State::Failed);
    assert_eq!(job.error.unwrap().code, "engine_died");
}

async fn deaths_are_bounded(bench: Bench) {
    let session = bench.session().await;
    let id = bench.queued(&session).await.id;
    for _ in 0..Limits::default().max_attempts {
        bench.claim_one(InstanceId::new()).await.unwrap();
        bench.advance(LEASE).await;
        assert_eq!(bench.store.expire_leases(&[], 9).await.unwrap().len(), 1);
    }
    let job = bench.job(id).await;
    assert_eq!(job.state(), State::Failed);
    assert_eq!(job.error.unwrap().code, ATTEMPTS_EXHAUSTED);
}

async fn interruptions_are_bounded(bench: Bench) {
    let session = bench.session().await;
    let id = bench.queued(&session).await.id;
    let bound = Limits::default().max_interruptions;
    for interruptions in 1..=bound + 1 {
        let job = bench.claim_one(InstanceId::new()).await.unwrap();
        assert_eq!(job.lifecycle.attempt, 1, "an interruption is no attempt");
        let back = bench.store.hand_back(&[job.claim()]).await.unwrap();
        let back = back.into_iter().next().unwrap().unwrap();
        assert_eq!(back.lifecycle.interruptions, interruptions);
    }
    let job = bench.job(id).await;
    assert_eq!(job.state(), State::Failed);
    assert_eq!(job.error.unwrap().code, INTERRUPTIONS_EXHAUSTED);
}

async fn a_job_that_was_handed_back_is_there_for_a_peer_at_once(bench: Bench) {
    let session = bench.session().await;
    let job = bench.running(&session, InstanceId::new()).await;
    let back = bench.store.hand_back(&[job.claim()]).await.unwrap();
    let back = back.into_iter().next().unwrap().unwrap();
    assert_eq!(back.state(), State::Queued);
    assert_eq!(back.lifecycle.lease, None);
    assert_eq!(back.progress, 0.0);
    assert_eq!(bench.job(job.id).await, back);
    let peer = bench.claim_one(InstanceId::new()).await.unwrap();
    assert_eq!((peer.id, peer.lifecycle.epoch), (job.id, 2));
}

async fn many_claims_are_handed_back_together(bench: Bench) {
    let session = bench.session().await;
    let mut claims = Vec::new();
    for _ in 0..4 {
        claims.push(bench.running(&session, InstanceId::new()).await.claim());
    }
    let ended = bench.store.complete(claims[1], success("1")).await;
    assert!(ended.unwrap().is_ok());
    claims[2].epoch = 9;
    let back = bench.store.hand_back(&claims).await.unwrap();
    assert_eq!(back[0].as_ref().unwrap().id, claims[0].job);
    assert_eq!(back[1], Err(Refused::Ended));
    assert_eq!(back[2], Err(Refused::StaleEpoch));
    assert_eq!(back[3].as_ref().unwrap().id, claims[3].job);
    assert_eq!(bench.counts(Service::Analysis).await, (2, 1));
    assert_eq!(bench.store.hand_back(&[]).await, Ok(vec![]));
}

async fn a_claim_that_never_was_is_refused(bench: Bench) {
    let session = bench.session().await;
    let queued = bench.queued(&session).await;
    let never = ClaimRef {
        job: JobId::new(),
        epoch: 1,
    };
    let refused = Ok(Err(Refused::StaleEpoch));
    assert_eq!(bench.store.complete(never, success("1")).await, refused);
    let unclaimed = queued.claim();
    assert_eq!(bench.store.complete(unclaimed, success("1")).await, refused);
    assert_eq!(bench.job(queued.id).await, queued);
}

async fn a_worker_that_succeeds_despite_the_wish_to_cancel_has_succeeded(bench: Bench) {
    let session = bench.session().await;
    let job = bench.running(&session, InstanceId::new()).await;
    bench.store.cancel(job.id).await.unwrap();
    let ended = bench.store.complete(job.claim(), success("1")).await;
    assert_eq!(ended.unwrap().unwrap().state(), State::Succeeded);
    assert_eq!(bench.store.result(job.id).await, Ok(Some(result("1"))));
}
