//! Marks the threads that answer requests and must not compute.
//!
//! An arbiter that computes for a second serves nobody meanwhile: its actors count as hung, and
//! every report beside it waits. Whatever takes longer than a millisecond therefore begins with
//! [`assert_may_compute`].

use std::cell::Cell;

thread_local! {
    static ANSWERS: Cell<bool> = const { Cell::new(false) };
}

/// Marks the calling thread as one that serves requests: an arbiter, or a thread of the HTTP
/// server.
pub fn mark_arbiter() {
    ANSWERS.set(true);
}

/// Must be called at the beginning of every long computation.
///
/// # Panics
/// In a debug build, if the calling thread is marked as one that serves requests.
#[track_caller]
pub fn assert_may_compute() {
    debug_assert!(!ANSWERS.get(), "computing on a thread that has to answer");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "computing on a thread that has to answer")]
    fn a_thread_that_answers_may_not_compute() {
        assert_may_compute();
        mark_arbiter();
        assert_may_compute();
    }
}
