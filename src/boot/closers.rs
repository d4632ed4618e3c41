//! A stack of closers for the parts built so far. On every path each part is closed once, in
//! reverse order.

use actix_rt::SystemRunner;
use tokio::time::{Instant, timeout_at};

/// Closes one part by a deadline. Returns what went wrong, if anything.
type Closer = Box<dyn FnOnce(&SystemRunner, Instant) -> Option<String>>;

/// The parts to close, the first one built at the bottom.
#[derive(Default)]
pub(super) struct Closers {
    stack: Vec<Closer>,
}

impl Closers {
    /// Adds the closer of the part that was built last. `close` runs on the main thread, outside of
    /// any runtime: it may drop one.
    pub(super) fn push(&mut self, close: impl FnOnce(Instant) -> Option<String> + 'static) {
        self.stack.push(Box::new(|_, until| close(until)));
    }

    /// The same for a part that is closed by a future, which is dropped when its time is up.
    pub(super) fn push_async<F>(&mut self, what: &'static str, close: impl FnOnce() -> F + 'static)
    where
        F: Future<Output = Option<String>>,
    {
        self.stack.push(Box::new(move |runner, until| {
            let closed = runner.block_on(async { timeout_at(until, close()).await });
            closed.unwrap_or_else(|_| Some(format!("{what} did not close in time")))
        }));
    }

    /// How many parts there are.
    pub(super) fn height(&self) -> usize {
        self.stack.len()
    }

    /// Leaves the parts above `height` to another owner, who closes them.
    pub(super) fn hand_over(&mut self, height: usize) {
        self.stack.truncate(height);
    }

    /// Closes every part by `until`, the last one built first. Returns what went wrong.
    pub(super) fn close(self, runner: &SystemRunner, until: Instant) -> Vec<String> {
        let closers = self.stack.into_iter().rev();
        closers.filter_map(|close| close(runner, until)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn parts_are_closed_in_reverse_and_one_that_hangs_keeps_no_other_open() {
        let runner = actix_rt::System::new();
        let order = Rc::new(RefCell::new(Vec::new()));
        let mut closers = Closers::default();
        for part in 0..3 {
            let order = Rc::clone(&order);
            closers.push(move |_| {
                order.borrow_mut().push(part);
                None
            });
        }
        closers.push_async("the store", std::future::pending);
        let height = closers.height();
        closers.push(|_| Some("closed by another".to_owned()));
        closers.hand_over(height);
        let until = Instant::now() + Duration::from_millis(10);
        let faults = closers.close(&runner, until);
        assert_eq!(faults, ["the store did not close in time"]);
        assert_eq!(*order.borrow(), [2, 1, 0]);
    }
}
