//! The outcome of an attempt, before it is written.

use std::path::Path;

use lastcall_domain::trace::Span;
use lastcall_domain::{Body, JobError, Output};
use log::warn;

use super::stop::StopReason;

/// The outcome of an attempt.
pub(super) enum AttemptOutcome {
    Made(Output),
    Failed(JobError),
    WorkerLost(JobError),
    Cancelled,
}

/// The span attribute with the outcome of an attempt.
const OUTCOME: &str = "lastcall.job.outcome";

impl AttemptOutcome {
    /// Records it in the attempt's span.
    pub(super) fn describe(&self, span: &Span) {
        span.set(OUTCOME, || match self {
            Self::Made(_) => "succeeded",
            Self::Failed(_) => "failed",
            Self::WorkerLost(_) => "worker_lost",
            Self::Cancelled => "cancelled",
        });
        if let Self::Failed(error) | Self::WorkerLost(error) = self {
            span.fail(&error.code);
        }
    }

    /// Drops it, and removes its file if it has one.
    pub(super) async fn discard(self) {
        if let Self::Made(Output {
            body: Body::File(path),
            ..
        }) = self
        {
            remove_file(&path).await;
        }
    }
}

/// Records in an attempt's span that there is no outcome to write, and why.
pub(super) fn describe_interruption(span: &Span, why: Option<StopReason>) {
    span.set(OUTCOME, || match why {
        Some(StopReason::HandedBack) => "handed_back",
        _ => "lost",
    });
}

/// Removes a file of ours, if it still exists: on a thread that may block, because freeing the
/// blocks of a large file takes time.
pub(super) async fn remove_file(path: &Path) {
    if let Err(error) = tokio::fs::remove_file(path).await
        && error.kind() != std::io::ErrorKind::NotFound
    {
        warn!("cannot remove a file in {}: {error}", path.display());
    }
}
