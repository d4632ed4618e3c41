//! Fault injection for tests.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// It does nothing and fails.
    Before,
    /// It does all it was asked to, and then fails: the answer is lost.
    After,
}

/// Which calls fail. Every clone is the same plan.
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

    /// Lets the next `count` calls fail, after those that were planned before.
    pub fn fail_next(&self, count: usize, fault: Fault) {
        self.lock()
            .next
            .extend(std::iter::repeat_n(Some(fault), count));
    }

    /// Lets the next `count` calls go through, after those that were planned before.
    pub fn pass_next(&self, count: usize) {
        self.lock().next.extend(std::iter::repeat_n(None, count));
    }

    /// Forgets what was planned.
    pub fn clear(&self) {
        let mut plan = self.lock();
        plan.down = false;
        plan.next.clear();
    }

    /// How many calls there were, failed ones included.
    pub fn calls(&self) -> u64 {
        self.lock().calls
    }

    /// What becomes of a call that is made now.
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
