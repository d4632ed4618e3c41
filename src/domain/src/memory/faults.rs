//! Fault injection for tests.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The call does nothing and fails.
    Before,
    /// The call succeeds, and then fails: the response is lost.
    After,
}

/// The plan of failing calls. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    plan: Arc<Mutex<Plan>>,
}

#[derive(Debug, Default)]
struct Plan {
    down: bool,
    next: VecDeque<Option<Fault>>,
    calls: u64,
}

impl Faults {
    /// While `down`, every call fails and does nothing.
    pub fn set_down(&self, down: bool) {
        self.lock().down = down;
    }

    /// Makes the next `count` calls fail, after those that were planned before.
    pub fn fail_next(&self, count: usize, fault: Fault) {
        self.lock()
            .next
            .extend(std::iter::repeat_n(Some(fault), count));
    }

    /// Makes the next `count` calls succeed, after those that were planned before.
    pub fn pass_next(&self, count: usize) {
        self.lock().next.extend(std::iter::repeat_n(None, count));
    }

    /// Clears the plan.
    pub fn clear(&self) {
        let mut plan = self.lock();
        plan.down = false;
        plan.next.clear();
    }

    /// The number of calls, including failed ones.
    pub fn calls(&self) -> u64 {
        self.lock().calls
    }

    /// The fate of a call that is made now.
    pub(super) fn call(&self) -> Option<Fault> {
        let mut plan = self.lock();
        plan.calls += 1;
        if plan.down {
            return Some(Fault::Before);
        }
        plan.next.pop_front().flatten()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
