//! Messages of panics, and what they say about the machine.

use std::any::Any;

use lastcall_domain::{Dependency, JobError};

/// Tokio's message when it can start no thread for a blocking call, such as any on a file. It has
/// no error for that.
const NO_THREAD: &str = "OS can't spawn worker thread";

/// The message of a panic.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

/// The error of work that panicked because the machine had no threads left; `None` if it panicked
/// for a reason of its own.
pub(crate) fn outage_of(panic: &(dyn Any + Send)) -> Option<JobError> {
    let message = panic_message(panic);
    message
        .starts_with(NO_THREAD)
        .then(|| JobError::unavailable(Dependency::Threads, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_for_want_of_threads_is_an_outage() {
        // As tokio formats it.
        let none: Box<dyn Any + Send> = Box::new(format!("{NO_THREAD}: os error 11"));
        let error = outage_of(&*none).expect("it is an outage");
        assert_eq!(error.unavailable, Some(Dependency::Threads));
        let other: Box<dyn Any + Send> = Box::new("index out of bounds");
        assert!(outage_of(&*other).is_none());
    }
}
