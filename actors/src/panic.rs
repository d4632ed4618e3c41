//! Messages of panics, and what they say about the machine.

use std::any::Any;

use lastcall_domain::{Dependency, JobError};

/// The message of a panic.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

/// The error of work that panicked for want of a dependency; `None` if the work is at fault.
pub(crate) fn outage_of(panic: &(dyn Any + Send)) -> Option<JobError> {
    let dependency = Dependency::of_panic(panic)?;
    Some(JobError::unavailable(dependency, panic_message(panic)))
}
