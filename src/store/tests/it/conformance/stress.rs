//! Concurrency: every accepted job ends exactly once.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lastcall_domain::store::{Admission, ClaimOrder, JobFilter, Outcome, Submission};
use lastcall_domain::{InstanceId, JobError, JobId, Service, Session, State, Store};
use tokio::sync::Mutex;

use crate::bench::{Bench, LEASE, result, submission, success};

on_every_store![
    every_job_ends_exactly_once_under_any_failure,
    no_job_slips_into_a_session_that_is_being_deleted,
    no_report_waits_for_an_analysis_that_has_ended,
];

const SUBMITTERS: usize = 8;
const JOBS_EACH: usize = 25;
const WORKERS: usize = 6;

/// In which state a job ended, and with which result.
type End = (State, Option<String>);

/// What the workers observed: every end of every job.
#[derive(Default)]
struct Observed {
    ends: Mutex<HashMap<JobId, Vec<End>>>,
    submitting: AtomicUsize,
}

async fn every_job_ends_exactly_once_under_any_failure(bench: Bench) {
    let bench = Arc::new(bench);
    let session = bench.session().await;
    let seen = Arc::new(Observed::default());
    seen.submitting.store(SUBMITTERS, Ordering::SeqCst);
    let mut tasks = Vec::new();
    for _ in 0..SUBMITTERS {
        tasks.push(tokio::spawn(submitter(
            bench.clone(),
            seen.clone(),
            session.clone(),
        )));
    }
    for seed in 0..WORKERS {
        tasks.push(tokio::spawn(worker(bench.clone(), seen.clone(), seed)));
    }
    tasks.push(tokio::spawn(reaper(bench.clone(), seen.clone())));
    for task in tasks {
        task.await.unwrap();
    }
    let ends = seen.ends.lock().await;
    let all = bench.store.jobs(&JobFilter::default(), None, 10_000).await;
    let all = all.unwrap().items;
    assert_eq!(all.len(), SUBMITTERS * JOBS_EACH);
    for job in all {
        let kept = bench.store.result(job.id).await.unwrap();
        match ends.get(&job.id).map(Vec::as_slice) {
            Some([(state, text)]) => {
                assert_eq!(job.state(), *state);
                assert_eq!(kept, text.as_deref().map(result));
            }
            // Cancelled while no worker had it.
            None => assert_eq!(job.state(), State::Cancelled),
            Some(ends) => panic!("{} ended {ends:?}", job.id),
        }
    }
}

async fn submitter(bench: Arc<Bench>, seen: Arc<Observed>, session: Session) {
    for _ in 0..JOBS_EACH {
        let bounded = Submission {
            max_queued: 40,
            ..submission(bench.profile(&session))
        };
        loop {
            match bench.store.submit(bounded.clone()).await.unwrap() {
                Admission::Created(_) => break,
                Admission::QueueFull { queued } => assert!(queued >= 40),
                other => panic!("{other:?}"),
            }
            tokio::task::yield_now().await;
        }
    }
    seen.submitting.fetch_sub(1, Ordering::SeqCst);
}

/// Whether every job has been submitted and has ended.
async fn is_over(bench: &Bench, seen: &Observed) -> bool {
    let submitting = seen.submitting.load(Ordering::SeqCst);
    submitting == 0 && bench.counts(Service::Analysis).await == (0, 0)
}

/// Claims and ends jobs: with success, with an error, or too late.
async fn worker(bench: Arc<Bench>, seen: Arc<Observed>, seed: usize) {
    let store: &dyn Store = &*bench.store;
    let holder = InstanceId::new();
    let mut turn = seed;
    while !is_over(&bench, &seen).await {
        let claimed = store
            .claim(ClaimOrder::new(Service::Analysis, holder, LEASE, 3))
            .await;
        for job in claimed.unwrap() {
            turn += 1;
            let claim = job.claim();
            let text = format!("{}-{}", job.id, claim.epoch);
            let result = match turn % 7 {
                0 => store.hand_back(&[claim]).await.unwrap().remove(0),
                1 => {
                    let error = JobError::transient("engine_died", "again");
                    let failed = Outcome::Failed(error);
                    store.complete(claim, failed).await.unwrap()
                }
                // Its claim is left to the reaper.
                2 => continue,
                3 => {
                    store.cancel(job.id).await.unwrap();
                    store.complete(claim, Outcome::Cancelled).await.unwrap()
                }
                _ => store.complete(claim, success(&text)).await.unwrap(),
            };
            if let Ok(job) = result
                && job.state().is_final()
            {
                let text = (job.state() == State::Succeeded).then_some(text);
                note(&seen, job.id, job.state(), text).await;
            }
        }
        tokio::task::yield_now().await;
    }
}

/// Advances the clock, and expires what was left.
async fn reaper(bench: Arc<Bench>, seen: Arc<Observed>) {
    while !is_over(&bench, &seen).await {
        bench.advance(LEASE / 3).await;
        for job in bench.store.expire_leases(&[], 5).await.unwrap() {
            if job.state().is_final() {
                note(&seen, job.id, job.state(), None).await;
            }
        }
        tokio::task::yield_now().await;
    }
}

async fn note(seen: &Observed, job: JobId, state: State, text: Option<String>) {
    let mut ends = seen.ends.lock().await;
    ends.entry(job).or_default().push((state, text));
}

/// No job is left behind by a submission that is concurrent with the deletion of its session.
async fn no_job_slips_into_a_session_that_is_being_deleted(bench: Bench) {
    for _ in 0..10 {
        let session = bench.session().await;
        let submitted = (0..6).map(|_| {
            let (store, submission) = (bench.store.clone(), submission(bench.profile(&session)));
            tokio::spawn(async move { store.submit(submission).await.unwrap() })
        });
        let submitted: Vec<_> = submitted.collect();
        assert_eq!(bench.store.delete_session(session.id).await, Ok(true));
        for task in submitted {
            match task.await.unwrap() {
                Admission::Created(job) => {
                    assert_eq!(bench.job(job.id).await.state(), State::Cancelled);
                }
                admission => assert_eq!(admission, Admission::SessionGone),
            }
        }
        assert_eq!(bench.counts(Service::Analysis).await, (0, 0));
    }
}

/// A report whose submission is concurrent with the end of its analysis is claimed.
async fn no_report_waits_for_an_analysis_that_has_ended(bench: Bench) {
    let session = bench.session().await;
    let holder = InstanceId::new();
    for _ in 0..10 {
        let analysis = bench.running(&session, holder).await;
        let reports = (0..4).map(|_| {
            let report = submission(bench.report_on(&session, analysis.id));
            let store = bench.store.clone();
            tokio::spawn(async move { store.submit(report).await.unwrap() })
        });
        let reports: Vec<_> = reports.collect();
        let ended = bench.store.complete(analysis.claim(), success("1")).await;
        assert!(ended.unwrap().is_ok());
        for report in reports {
            assert!(matches!(report.await.unwrap(), Admission::Created(_)));
        }
        assert_eq!(bench.claim(Service::Report, holder, 9).await.len(), 4);
    }
}
