//! What is recorded of attempts.

use std::sync::{Arc, Mutex};

use lastcall_domain::State;
use lastcall_domain::trace::{SpanCounts, SpanKind, SpanRecord, SpanSink, Tracer, Value};

use crate::fixture::{World, drain, in_virtual_time};

/// Collects every span.
#[derive(Debug, Default)]
struct Collected(Mutex<Vec<SpanRecord>>);

impl SpanSink for Collected {
    fn take(&self, span: SpanRecord) {
        self.0.lock().unwrap().push(span);
    }

    fn counts(&self) -> SpanCounts {
        SpanCounts::default()
    }
}

fn text(span: &SpanRecord, key: &str) -> String {
    let value = span.attributes.iter().find(|(found, _)| *found == key);
    match value {
        Some((_, Value::Text(text))) => text.clone(),
        Some((_, Value::Integer(number))) => number.to_string(),
        other => format!("{other:?}"),
    }
}

#[test]
fn each_attempt_records_its_outcome_and_links_to_the_one_before() {
    in_virtual_time(async {
        let kept = Arc::<Collected>::default();
        let mut world = World::new().await;
        world.tracer = Tracer::new(kept.clone(), 1.0);
        let handle = world.start().await;
        let job = world.submit("retry").await;
        world.reaches(job, State::Failed).await;
        drain(&handle).await;
        let spans = kept.0.lock().unwrap();
        let attempts: Vec<_> = spans.iter().filter(|span| span.name == "run sql").collect();
        assert_eq!(attempts.len(), 3);
        for (number, attempt) in attempts.iter().enumerate() {
            assert_eq!(attempt.kind, SpanKind::Consumer);
            assert_eq!(
                text(attempt, "lastcall.job.attempt"),
                (number + 1).to_string()
            );
            assert_eq!(text(attempt, "lastcall.job.outcome"), "failed");
            assert_eq!(attempt.error.as_deref(), Some("no_luck"));
            let links: Vec<_> = attempt.links.iter().map(|link| link.span_id()).collect();
            let before = number.checked_sub(1).map(|before| &attempts[before]);
            let before: Vec<_> = before.iter().map(|span| span.context.span_id()).collect();
            assert_eq!(links, before);
            assert_eq!(attempt.context.trace_id(), attempts[0].context.trace_id());
        }
        let written: Vec<_> = spans
            .iter()
            .filter(|span| span.name == "write result")
            .map(|span| (span.parent.unwrap(), text(span, "lastcall.job.state")))
            .collect();
        let expected = ["queued", "queued", "failed"].iter().zip(&attempts);
        let expected: Vec<_> = expected
            .map(|(state, attempt)| (attempt.context.span_id(), (*state).to_owned()))
            .collect();
        assert_eq!(written, expected);
    });
}

#[test]
fn an_attempt_that_is_handed_back_records_so() {
    in_virtual_time(async {
        let kept = Arc::<Collected>::default();
        let mut world = World::new().await;
        world.tracer = Tracer::new(kept.clone(), 1.0);
        let handle = world.start().await;
        let job = world.submit("sleep 3600s").await;
        world.reaches(job, State::Running).await;
        drain(&handle).await;
        assert_eq!(
            world
                .reaches(job, State::Queued)
                .await
                .lifecycle
                .interruptions,
            1
        );
        let spans = kept.0.lock().unwrap();
        let [attempt] = &spans[..] else {
            panic!("{spans:#?}");
        };
        assert_eq!(text(attempt, "lastcall.job.outcome"), "handed_back");
        assert_eq!(attempt.error, None);
    });
}
