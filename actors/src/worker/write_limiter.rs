//! Limits the number of concurrent writes to the store.

use lastcall_domain::{Body, Output};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::outcome::AttemptOutcome;

/// Writes under way at once. The store puts those that come together into one transaction, so
/// this bounds jobs per transaction as well.
const WRITES: usize = 512;
/// Bytes of results under way at once, in units of a KiB: 32 MiB.
const WRITE_KIB: u32 = 32 * 1024;

/// The bound on results that are being written; while it is reached, an attempt that has ended
/// keeps its slot.
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
            count: Semaphore::new(WRITES),
            kib: Semaphore::new(WRITE_KIB as usize),
        }
    }

    pub(super) async fn admit(&self, finding: &AttemptOutcome) -> WritePermit<'_> {
        let kib = match finding {
            AttemptOutcome::Made(Output {
                body: Body::Bytes(bytes),
                ..
            }) => u32::try_from(bytes.len() / 1024).unwrap_or(WRITE_KIB),
            _ => 0,
        };
        // Never closed, so both are there.
        WritePermit {
            _count: self.count.acquire().await.ok(),
            _kib: self.kib.acquire_many(kib.min(WRITE_KIB)).await.ok(),
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

    fn at_once<'a>(writes: &'a WriteLimiter, finding: &AttemptOutcome) -> Option<WritePermit<'a>> {
        writes.admit(finding).now_or_never()
    }

    #[test]
    fn as_many_are_written_at_once_as_share_a_transaction() {
        let writes = WriteLimiter::new();
        let small = AttemptOutcome::Failed(JobError::transient("x", "x"));
        let mut passes: Vec<_> = (0..WRITES).map(|_| at_once(&writes, &small)).collect();
        assert!(passes.iter().all(Option::is_some));
        assert!(at_once(&writes, &small).is_none());
        passes.pop();
        assert!(at_once(&writes, &small).is_some());
    }

    #[test]
    fn results_are_bounded_by_their_bytes_and_one_beyond_the_bound_goes_alone() {
        let writes = WriteLimiter::new();
        let huge = made((WRITE_KIB as usize + 1) * 1024);
        let Some(alone) = at_once(&writes, &huge) else {
            panic!("it waits for more than there is");
        };
        assert!(at_once(&writes, &made(1024)).is_none());
        drop(alone);
        let half = made(WRITE_KIB as usize / 2 * 1024);
        let halves = [at_once(&writes, &half), at_once(&writes, &half)];
        assert!(halves.iter().all(Option::is_some));
        assert!(at_once(&writes, &half).is_none());
        // What has no bytes to keep waits for none.
        assert!(at_once(&writes, &AttemptOutcome::Cancelled).is_some());
    }
}
