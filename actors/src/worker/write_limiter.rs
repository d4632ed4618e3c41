//! Limits the number of concurrent writes to the store.

use lastcall_domain::{Body, Output};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::outcome::AttemptOutcome;

/// The most concurrent writes. The store groups concurrent writes into one transaction, so this
/// also bounds the jobs per transaction.
const MAX_WRITES: usize = 512;
/// The most bytes of results under way at once, in KiB: 32 MiB.
const MAX_WRITE_KIB: u32 = 32 * 1024;

/// Bounds the results that are being written; at the bound, a finished attempt keeps its slot.
#[derive(Debug)]
pub(super) struct WriteLimiter {
    count: Semaphore,
    kib: Semaphore,
}

/// The right to write.
pub(super) struct WritePermit<'a> {
    _count: Option<SemaphorePermit<'a>>,
    _kib: Option<SemaphorePermit<'a>>,
}

impl WriteLimiter {
    pub(super) fn new() -> Self {
        Self {
            count: Semaphore::new(MAX_WRITES),
            kib: Semaphore::new(MAX_WRITE_KIB as usize),
        }
    }

    pub(super) async fn admit(&self, outcome: &AttemptOutcome) -> WritePermit<'_> {
        let kib = match outcome {
            AttemptOutcome::Made(Output {
                body: Body::Bytes(bytes),
                ..
            }) => u32::try_from(bytes.len() / 1024).unwrap_or(MAX_WRITE_KIB),
            _ => 0,
        };
        // Never closed, so both succeed.
        WritePermit {
            _count: self.count.acquire().await.ok(),
            _kib: self.kib.acquire_many(kib.min(MAX_WRITE_KIB)).await.ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use lastcall_domain::JobError;

    use super::*;

    fn made(bytes: usize) -> AttemptOutcome {
        AttemptOutcome::Made(Output {
            media_type: "text/plain".to_owned(),
            body: Body::Bytes(vec![0; bytes]),
            content_key: None,
        })
    }

    fn at_once<'a>(writes: &'a WriteLimiter, outcome: &AttemptOutcome) -> Option<WritePermit<'a>> {
        writes.admit(outcome).now_or_never()
    }

    #[test]
    fn as_many_are_written_at_once_as_share_a_transaction() {
        let writes = WriteLimiter::new();
        let small = AttemptOutcome::Failed(JobError::transient("x", "x"));
        let mut passes: Vec<_> = (0..MAX_WRITES).map(|_| at_once(&writes, &small)).collect();
        assert!(passes.iter().all(Option::is_some));
        assert!(at_once(&writes, &small).is_none());
        passes.pop();
        assert!(at_once(&writes, &small).is_some());
    }

    #[test]
    fn results_are_bounded_by_their_bytes_and_one_beyond_the_bound_goes_alone() {
        let writes = WriteLimiter::new();
        let huge = made((MAX_WRITE_KIB as usize + 1) * 1024);
        let Some(alone) = at_once(&writes, &huge) else {
            panic!("it waits for more than there is");
        };
        assert!(at_once(&writes, &made(1024)).is_none());
        drop(alone);
        let half = made(MAX_WRITE_KIB as usize / 2 * 1024);
        let halves = [at_once(&writes, &half), at_once(&writes, &half)];
        assert!(halves.iter().all(Option::is_some));
        assert!(at_once(&writes, &half).is_none());
        // An outcome without bytes does not wait for them.
        assert!(at_once(&writes, &AttemptOutcome::Cancelled).is_some());
    }
}
