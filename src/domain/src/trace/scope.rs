//! The scope of a task: the trace and the job of its log lines, and the parent of its spans.

use std::sync::Arc;

use super::context::TraceContext;
use super::ids::TraceId;
use super::job::attempt_context;
use super::record::Value;
use super::recording::Recording;
use crate::{Job, JobId};

tokio::task_local! {
    static CURRENT: Scope;
}

/// What a task, or a thread that computes for it, is working on. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    context: Option<TraceContext>,
    job: Option<JobId>,
    recording: Option<Arc<Recording>>,
}

impl Scope {
    /// The scope of the caller; empty outside of any.
    pub fn current() -> Self {
        CURRENT.try_with(Self::clone).unwrap_or_default()
    }

    /// The scope of a job's last attempt, without recording: for log lines.
    pub fn of(job: &Job) -> Self {
        Self {
            context: Some(attempt_context(job, job.lifecycle.epoch)),
            job: Some(job.id),
            recording: None,
        }
    }

    /// A scope for log lines about a job of which only the id is known: the current scope if that
    /// is about the same job.
    pub fn about(job: JobId) -> Self {
        let current = Self::current();
        if current.job == Some(job) {
            return current;
        }
        Self {
            job: Some(job),
            ..Self::default()
        }
    }

    pub(super) fn new(
        context: TraceContext,
        job: Option<JobId>,
        recording: Option<Arc<Recording>>,
    ) -> Self {
        Self {
            context: Some(context),
            job,
            recording,
        }
    }

    /// Runs the future in it.
    pub async fn run<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }

    /// Calls the function in it, on this thread.
    pub fn enter<T>(self, work: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self, work)
    }

    /// Reads the current one without a copy; `None` outside of any.
    pub fn with_current<T>(read: impl FnOnce(&Self) -> T) -> Option<T> {
        CURRENT.try_with(read).ok()
    }

    /// Its position in its trace.
    pub fn context(&self) -> Option<&TraceContext> {
        self.context.as_ref()
    }

    /// Its trace.
    pub fn trace_id(&self) -> Option<TraceId> {
        self.context.as_ref().map(TraceContext::trace_id)
    }

    /// Its trace, if that is recorded: by this process, or by its caller.
    pub fn sampled_trace_id(&self) -> Option<TraceId> {
        self.context
            .as_ref()
            .and_then(TraceContext::sampled_trace_id)
    }

    /// The job.
    pub fn job(&self) -> Option<JobId> {
        self.job
    }

    /// Links its span, if that is recorded, to another one.
    pub fn link(&self, to: TraceContext) {
        if let Some(recording) = &self.recording {
            recording.link(to);
        }
    }

    /// Adds an attribute to its span, if that is recorded.
    pub fn set<V: Into<Value>>(&self, key: &'static str, value: impl FnOnce() -> V) {
        if let Some(recording) = &self.recording {
            recording.set(key, || value().into());
        }
    }

    pub(super) fn recording(&self) -> Option<&Arc<Recording>> {
        self.recording.as_ref()
    }
}
