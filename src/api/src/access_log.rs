//! The access log: a line for each request, or for a sample of them.

use std::sync::atomic::{AtomicU64, Ordering};

/// Which requests have a line.
pub(crate) struct AccessLog {
    every: u64,
    seen: AtomicU64,
}

impl AccessLog {
    /// One in `every` requests; none where it is 0.
    pub(crate) fn new(every: u32) -> Self {
        Self {
            every: every.into(),
            seen: AtomicU64::new(0),
        }
    }

    /// Whether the next request has a line, answered with this status. A fault of the service
    /// always has, where any request has.
    pub(crate) fn takes(&self, status: u16) -> bool {
        if self.every == 0 {
            return false;
        }
        let seen = self.seen.fetch_add(1, Ordering::Relaxed);
        status >= 500 || seen.is_multiple_of(self.every)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_so_many_has_a_line_and_every_fault() {
        let taken = |every, status| {
            let log = AccessLog::new(every);
            (0..10).filter(|_| log.takes(status)).count()
        };
        assert_eq!([taken(0, 200), taken(1, 200), taken(4, 200)], [0, 10, 3]);
        assert_eq!([taken(0, 500), taken(1, 500), taken(4, 500)], [0, 10, 10]);
    }
}
