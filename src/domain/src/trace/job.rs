//! The spans of attempts: their identifiers are derived from the job and its epoch, so that whoever
//! knows a row can refer to the span of any attempt, even in another process and after a crash.

use sha2::{Digest as _, Sha256};

use super::context::TraceContext;
use super::ids::{SpanId, TraceId};
use crate::{Job, JobId};

/// The context of the span of the attempt with this epoch: in the trace of the request that
/// submitted the job or, if that is unknown, in the job's own trace, which is not recorded by
/// itself.
pub fn attempt_context(job: &Job, epoch: u64) -> TraceContext {
    let digest = Sha256::new()
        .chain_update(b"attempt")
        .chain_update(job.id.as_uuid().as_bytes())
        .chain_update(epoch.to_be_bytes())
        .finalize();
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest[..8]);
    let span = SpanId::from_bytes(bytes).unwrap_or_else(SpanId::random);
    match &job.trace {
        Some(trace) => trace.at(span),
        None => TraceContext::of(own_trace(job.id), span),
    }
}

/// The trace of a job without a stored one.
fn own_trace(job: JobId) -> TraceId {
    let digest = Sha256::new()
        .chain_update(b"trace")
        .chain_update(job.as_uuid().as_bytes())
        .finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    TraceId::from_bytes(bytes).unwrap_or_else(TraceId::random)
}
