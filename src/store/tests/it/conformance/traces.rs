//! The trace context of a submission: kept with the job until it is removed.

use std::time::Duration;

use lastcall_domain::store::JobFilter;
use lastcall_domain::trace::TraceContext;
use lastcall_domain::{InstanceId, State};

use crate::bench::{Bench, LEASE, key, success};

on_every_store![
    a_trace_survives_claim_hand_back_recovery_and_the_end,
    a_job_without_a_trace_has_none,
    a_repeat_in_another_trace_is_a_repeat,
];

fn context(state: Option<&str>) -> TraceContext {
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    TraceContext::parse(parent, state).unwrap()
}

async fn a_trace_survives_claim_hand_back_recovery_and_the_end(mut bench: Bench) {
    let session = bench.session().await;
    let holder = InstanceId::new();
    let trace = Some(context(Some("congo=t61rcWkgMzE,rojo=a b")));
    let job = bench.profile(&session).traced(trace.clone());
    let job = bench.submit(job).await;
    assert_eq!(bench.job(job.id).await.trace, trace);

    let claimed = bench.claim_one(holder).await.unwrap();
    assert_eq!(claimed.trace, trace);
    let back = bench.store.hand_back(&[claimed.claim()]).await.unwrap();
    assert_eq!(back[0].as_ref().unwrap().trace, trace);

    let claimed = bench.claim_one(holder).await.unwrap();
    assert_eq!(claimed.trace, trace);
    bench.crash().await;
    bench.advance(LEASE + Duration::from_secs(1)).await;
    bench.store.recover().await.unwrap();
    let recovered = bench.job(job.id).await;
    assert_eq!(
        (recovered.state(), &recovered.trace),
        (State::Queued, &trace)
    );

    bench.advance(Duration::from_secs(600)).await;
    let claimed = bench.claim_one(holder).await.unwrap();
    assert_eq!(claimed.trace, trace);
    let ended = bench.store.complete(claimed.claim(), success("{}")).await;
    assert_eq!(ended.unwrap().unwrap().trace, trace);
    let filter = JobFilter {
        session: Some(session.id),
        ..JobFilter::default()
    };
    let listed = bench.store.jobs(&filter, None, 9).await.unwrap();
    assert_eq!(listed.items[0].trace, trace);
}

async fn a_job_without_a_trace_has_none(bench: Bench) {
    let session = bench.session().await;
    let job = bench.queued(&session).await;
    assert_eq!(bench.job(job.id).await.trace, None);
}

async fn a_repeat_in_another_trace_is_a_repeat(bench: Bench) {
    use lastcall_domain::store::{Admission, Submission};
    let session = bench.session().await;
    let submission = |trace| Submission {
        job: bench.profile(&session).traced(trace),
        idempotency: Some(key("alice", "k", 1, "first")),
        max_queued: 9,
    };
    let first = bench.store.submit(submission(Some(context(None)))).await;
    assert!(matches!(first, Ok(Admission::Created(_))));
    let again = bench.store.submit(submission(None)).await;
    assert!(matches!(again, Ok(Admission::Replayed(_))));
}
