//! Distributed tracing: W3C trace context, spans, and the scope that names the trace and the job
//! in every log line.
//!
//! A [`Tracer`] starts the spans that have no parent in the process: of requests, and of attempts
//! at jobs. The work below finds its parent in the task-local [`Scope`], and starts child spans
//! with [`child`]. Finished spans go to a [`SpanSink`]; without one nothing is recorded, but the
//! scope still provides the trace and the job of log lines.
//!
//! A scope does not follow work to another task or thread by itself: whoever starts one must pass
//! [`Scope::current`] on.

mod context;
mod ids;
mod job;
mod record;
mod recording;
mod scope;
mod span;
mod state;
mod tracer;

pub use context::{InvalidTraceparent, TraceContext};
pub use ids::{SpanId, TraceId};
pub use job::attempt_context;
pub use record::{
    MAX_ATTRIBUTES, MAX_LINKS, MAX_TEXT, SpanCounts, SpanKind, SpanRecord, SpanSink, Value,
};
pub use scope::Scope;
pub use span::{Span, child};
pub use tracer::Tracer;
