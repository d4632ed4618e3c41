//! The context of a log line: the trace and the job of the task that writes it.

use std::fmt;

use env_logger::Logger;
use lastcall_domain::JobId;
use lastcall_domain::trace::{Scope, TraceId};
use log::{Log as _, Record};
use serde_json::Value;

/// The trace and the job that a line belongs to.
#[derive(Clone, Copy)]
pub(super) struct LogContext {
    trace_id: Option<TraceId>,
    job: Option<JobId>,
}

impl LogContext {
    /// The context of the calling task; `None` outside of requests and jobs.
    pub(super) fn now() -> Option<Self> {
        Scope::with_current(|scope| Self {
            trace_id: scope.trace_id(),
            job: scope.job(),
        })
        .filter(|context| context.trace_id.is_some() || context.job.is_some())
    }

    /// Logs the record as text, followed by this context.
    pub(super) fn log(self, logger: &Logger, record: &Record<'_>) {
        logger.log(
            &Record::builder()
                .metadata(record.metadata().clone())
                .args(format_args!("{}{self}", record.args()))
                .module_path(record.module_path())
                .file(record.file())
                .line(record.line())
                .build(),
        );
    }

    /// Adds it to a line of JSON.
    pub(super) fn add_to(self, line: &mut Value) {
        if let Some(trace_id) = self.trace_id {
            line["trace_id"] = trace_id.to_string().into();
        }
        if let Some(job) = self.job {
            line["job"] = job.to_string().into();
        }
    }
}

impl fmt::Display for LogContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(job) = self.job {
            write!(f, " job={job}")?;
        }
        if let Some(trace_id) = self.trace_id {
            write!(f, " trace_id={trace_id}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use lastcall_domain::trace::{Scope, Tracer};
    use lastcall_domain::{Job, JobSpec, Owner, SessionId, TableFormat};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_names_its_trace_and_its_job() {
        assert!(LogContext::now().is_none());
        let spec = JobSpec::Sql {
            query: String::new(),
            parameters: Vec::new(),
            format: TableFormat::Json,
        };
        let (session, owner) = (SessionId::new(), Owner::anonymous());
        let now = chrono::Utc::now();
        let job = Job::new(JobId::new(), session, owner, spec, now);
        let trace = Scope::of(&job).trace_id().unwrap();
        Scope::of(&job).enter(|| {
            let context = LogContext::now().unwrap();
            assert_eq!(
                context.to_string(),
                format!(" job={} trace_id={trace}", job.id)
            );
            let mut line = json!({ "message": "x" });
            context.add_to(&mut line);
            let expected = json!({
                "message": "x",
                "job": job.id.to_string(),
                "trace_id": trace.to_string(),
            });
            assert_eq!(line, expected);
        });
        let request = Tracer::default().request(None).scope();
        request.enter(|| {
            let context = LogContext::now().unwrap();
            assert!(context.job.is_none() && context.trace_id.is_some());
        });
    }
}
