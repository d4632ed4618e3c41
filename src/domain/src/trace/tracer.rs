//! The tracer: starts the spans that have no parent in this process.

use std::borrow::Cow;
use std::sync::Arc;

use super::context::TraceContext;
use super::ids::SpanId;
use super::job::attempt_context;
use super::record::{SpanCounts, SpanKind, SpanSink};
use super::recording::Recording;
use super::scope::Scope;
use super::span::Span;
use crate::{Job, JobId};

/// Starts the spans of requests and of attempts. Cheap to clone; the default records nothing.
#[derive(Clone, Debug, Default)]
pub struct Tracer {
    sink: Option<Arc<dyn SpanSink>>,
    /// New traces are recorded if their 56 random bits are below this.
    threshold: u64,
}

impl Tracer {
    /// A tracer that records new traces with the probability `sample`, 0 to 1, and those of callers
    /// according to their flags.
    pub fn new(sink: Arc<dyn SpanSink>, sample: f64) -> Self {
        let all = (1_u64 << 56) as f64;
        Self {
            sink: Some(sink),
            threshold: (all * sample.clamp(0.0, 1.0)) as u64,
        }
    }

    /// Whether anything is recorded.
    pub fn is_on(&self) -> bool {
        self.sink.is_some()
    }

    /// The fate of the spans; `None` if nothing is recorded.
    pub fn counts(&self) -> Option<SpanCounts> {
        self.sink.as_ref().map(|sink| sink.counts())
    }

    /// Starts the span of a request, in the trace of its caller if there is one.
    pub fn request(&self, caller: Option<TraceContext>) -> Span {
        let (context, parent) = match caller {
            Some(caller) if !self.is_on() => (caller, None),
            Some(caller) => (caller.at(SpanId::random()), Some(caller.span_id())),
            None => (self.decide(TraceContext::root()), None),
        };
        self.start(
            Cow::Borrowed("HTTP"),
            SpanKind::Server,
            context,
            parent,
            None,
        )
    }

    /// Starts the span of an attempt at a claimed job: a child of the request that submitted it,
    /// linked to the previous attempt, if there was one.
    pub fn attempt(&self, job: &Job) -> Span {
        let epoch = job.lifecycle.epoch;
        let (context, parent) = match &job.trace {
            Some(trace) => (attempt_context(job, epoch), Some(trace.span_id())),
            None => (self.decide(attempt_context(job, epoch)), None),
        };
        let name = Cow::Owned(format!("run {}", job.spec.kind()));
        let span = self.start(name, SpanKind::Consumer, context, parent, Some(job.id));
        let lifecycle = &job.lifecycle;
        if lifecycle.attempt > 1 || lifecycle.interruptions > 0 {
            let scope = span.scope();
            scope.link(attempt_context(job, epoch.saturating_sub(1)));
        }
        span.set("lastcall.job.id", || job.id.to_string());
        span.set("lastcall.job.service", || job.service().as_str());
        span.set("lastcall.job.kind", || job.spec.kind());
        span.set("lastcall.job.format", || job.spec.format());
        span.set("lastcall.job.attempt", || lifecycle.attempt);
        span.set("lastcall.job.interruptions", || lifecycle.interruptions);
        if let Some(started) = job.started_at {
            let waited = (started - job.created_at).to_std().unwrap_or_default();
            span.set("lastcall.job.queue_time", || waited.as_secs_f64());
        }
        span
    }

    /// Whether a trace that begins here is recorded.
    fn decide(&self, context: TraceContext) -> TraceContext {
        let sampled = self.is_on() && context.trace_id().randomness() < self.threshold;
        context.sampled(sampled)
    }

    fn start(
        &self,
        name: Cow<'static, str>,
        kind: SpanKind,
        context: TraceContext,
        parent: Option<SpanId>,
        job: Option<JobId>,
    ) -> Span {
        let sink = self.sink.as_ref().filter(|_| context.is_sampled());
        let recording =
            sink.map(|sink| Recording::start(sink, name, kind, context.clone(), parent));
        Span::new(Scope::new(context, job, recording))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use super::super::record::{MAX_ATTRIBUTES, MAX_LINKS, MAX_TEXT, SpanRecord, Value};
    use super::super::span::child;
    use super::*;
    use crate::{JobSpec, Owner, SessionId, SystemClock, TableFormat};

    /// Collects every span.
    #[derive(Debug, Default)]
    struct Collected(Mutex<Vec<SpanRecord>>);

    impl SpanSink for Collected {
        fn take(&self, span: SpanRecord) {
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(span);
        }

        fn counts(&self) -> SpanCounts {
            SpanCounts::default()
        }
    }

    fn tracer(sample: f64) -> (Tracer, Arc<Collected>) {
        let kept = Arc::<Collected>::default();
        (Tracer::new(kept.clone(), sample), kept)
    }

    fn kept(kept: &Collected) -> Vec<SpanRecord> {
        std::mem::take(&mut *kept.0.lock().unwrap())
    }

    fn caller(flags: &str) -> TraceContext {
        let parent = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}");
        TraceContext::parse(&parent, Some("a=1")).unwrap()
    }

    fn job(trace: Option<TraceContext>) -> Job {
        use crate::Clock as _;
        let spec = JobSpec::Sql {
            query: "select 1".to_owned(),
            parameters: Vec::new(),
            format: TableFormat::Json,
        };
        let now = SystemClock.now();
        let mut job = Job::new(
            JobId::new(),
            SessionId::new(),
            Owner::anonymous(),
            spec,
            now,
        );
        job.lifecycle.epoch = 1;
        job.lifecycle.attempt = 1;
        job.traced(trace)
    }

    #[test]
    fn the_caller_decides_whether_its_trace_is_recorded() {
        for sample in [0.0, 1.0] {
            let (tracer, spans) = tracer(sample);
            drop(tracer.request(Some(caller("00"))));
            assert_eq!(kept(&spans), []);
            drop(tracer.request(Some(caller("01"))));
            let spans = kept(&spans);
            assert_eq!(spans[0].parent, Some(caller("01").span_id()));
            assert_eq!(spans[0].context.state(), Some("a=1"));
            assert!(spans[0].parent_is_remote);
        }
    }

    #[test]
    fn new_traces_are_recorded_as_often_as_is_wanted() {
        for (sample, range) in [(0.0, 0..=0), (0.25, 150..=350), (1.0, 1000..=1000)] {
            let (tracer, spans) = tracer(sample);
            for _ in 0..1000 {
                drop(tracer.request(None));
            }
            let recorded = kept(&spans).len();
            assert!(range.contains(&recorded), "{sample}: {recorded}");
        }
    }

    #[test]
    fn without_a_sink_the_caller_s_context_is_passed_on_as_it_came() {
        let tracer = Tracer::default();
        let span = tracer.request(Some(caller("01")));
        assert_eq!(span.scope().context(), Some(&caller("01")));
        assert!(!span.is_recording());
        let begun = tracer.request(None);
        assert!(!begun.scope().context().unwrap().is_sampled());
    }

    #[test]
    fn a_part_of_a_span_is_its_child_wherever_it_runs() {
        let (tracer, spans) = tracer(1.0);
        let job = job(Some(caller("01")));
        let attempt = tracer.attempt(&job);
        let scope = attempt.scope();
        let inner = std::thread::spawn(move || {
            scope.enter(|| {
                let span = child("engine");
                let inner = span.scope().context().unwrap().clone();
                assert_eq!(span.scope().job(), Some(job.id));
                drop(span);
                inner
            })
        });
        let inner = inner.join().unwrap();
        drop(attempt);
        drop(child("outside of any"));
        let [engine, run] = &kept(&spans)[..] else {
            panic!("two spans");
        };
        assert_eq!((&engine.name[..], &run.name[..]), ("engine", "run sql"));
        assert_eq!(engine.context, inner);
        assert_eq!(engine.parent, Some(run.context.span_id()));
        assert_eq!(engine.context.trace_id(), caller("01").trace_id());
        assert_eq!(run.parent, Some(caller("01").span_id()));
        assert!(run.links.is_empty());
    }

    #[test]
    fn an_attempt_is_linked_to_the_one_before_by_whoever_knows_the_row() {
        let (tracer, spans) = tracer(1.0);
        let mut job = job(None);
        drop(tracer.attempt(&job));
        job.lifecycle.epoch = 2;
        job.lifecycle.interruptions = 1;
        let elsewhere = Tracer::new(spans.clone(), 1.0);
        drop(elsewhere.attempt(&job));
        let [first, second] = &kept(&spans)[..] else {
            panic!("two spans");
        };
        let links: Vec<_> = second.links.iter().map(TraceContext::span_id).collect();
        assert_eq!(links, [first.context.span_id()]);
        assert_eq!(first.context.trace_id(), second.context.trace_id());
        assert_ne!(first.context.span_id(), second.context.span_id());
    }

    #[test]
    fn a_span_is_bounded() {
        let (tracer, spans) = tracer(1.0);
        let span = tracer.request(None);
        for _ in 0..2 * MAX_ATTRIBUTES {
            span.set("key", || "é".repeat(MAX_TEXT));
            span.scope().link(caller("01"));
        }
        drop(span);
        let span = kept(&spans).remove(0);
        assert_eq!(span.attributes.len(), MAX_ATTRIBUTES);
        assert_eq!(span.links.len(), MAX_LINKS);
        let text = Value::Text("é".repeat(MAX_TEXT / 2));
        assert!(span.attributes.iter().all(|(_, value)| *value == text));
    }
}
