//! The access log: a line for each request, or for a sample of them.

use std::sync::atomic::{AtomicU64, Ordering};

/// Which requests are logged.
pub(crate) struct AccessLog {
    every: u64,
    seen: AtomicU64,
}

impl AccessLog {
    /// One in `every` requests; none if 0.
    pub(crate) fn new(every: u32) -> Self {
        Self {
            every: every.into(),
            seen: AtomicU64::new(0),
        }
    }

    /// Whether the next request, with this status, is logged. Server errors always are, unless the
    /// log is off.
    pub(crate) fn includes(&self, status: u16) -> bool {
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
    fn one_in_so_many_is_logged_and_every_server_error() {
        let taken = |every, status| {
            let log = AccessLog::new(every);
            (0..10).filter(|_| log.includes(status)).count()
        };
        assert_eq!([taken(0, 200), taken(1, 200), taken(4, 200)], [0, 10, 3]);
        assert_eq!([taken(0, 500), taken(1, 500), taken(4, 500)], [0, 10, 10]);
    }
}
