//! What a child died of, told as the error of its query.

use std::process::ExitStatus;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::error::{Fault, SqlError};

/// The error of a query whose child is gone without an answer. No status means that it had to be
/// killed after it fell silent.
pub(super) fn explain(status: Option<ExitStatus>, stderr: &str, timeout: Duration) -> SqlError {
    use std::os::unix::process::ExitStatusExt;
    let Some(status) = status else {
        return SqlError::Unavailable("the child of the query fell silent".into());
    };
    let signal = status
        .signal()
        .and_then(|signal| Signal::try_from(signal).ok());
    match signal {
        // Rust's allocator and its stack guard both abort, each after a message.
        Some(Signal::SIGABRT) if stderr.contains("memory allocation of") => memory(),
        Some(Signal::SIGABRT) if stderr.contains("overflowed its stack") => depth(),
        Some(Signal::SIGSEGV | Signal::SIGBUS) => depth(),
        // Nobody else kills a child that its keeper still waits for: the kernel is short of memory.
        Some(Signal::SIGKILL) => memory(),
        Some(Signal::SIGXCPU) => SqlError::Timeout(timeout),
        Some(Signal::SIGXFSZ) => {
            SqlError::Exhausted(Fault::new("the query wrote more to disk than it may"))
        }
        // It was told to stop before it had come so far as not to hear that.
        Some(Signal::SIGTERM | Signal::SIGINT | Signal::SIGHUP) => {
            SqlError::Unavailable("the child of the query was told to stop".into())
        }
        Some(signal) => {
            SqlError::Failed(Fault::new(format!("the query's process died of {signal}")))
        }
        None if stderr.contains("memory allocation of") => memory(),
        None => SqlError::Unavailable(format!(
            "the child ended early ({status}): {}",
            stderr.lines().next().unwrap_or("it said nothing")
        )),
    }
}

fn memory() -> SqlError {
    SqlError::Exhausted(Fault::new("the query needs more memory than it may have"))
}

fn depth() -> SqlError {
    SqlError::Exhausted(Fault::new("the query is nested too deeply"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn code(wait_status: i32, stderr: &str) -> &'static str {
        explain(
            Some(ExitStatus::from_raw(wait_status)),
            stderr,
            Duration::ZERO,
        )
        .code()
    }

    #[test]
    fn each_way_to_die_is_an_error_of_its_own() {
        let signal = |signal: Signal| signal as i32;
        assert_eq!(
            code(
                signal(Signal::SIGABRT),
                "memory allocation of 9 bytes failed"
            ),
            "resource_exhausted"
        );
        assert_eq!(
            code(
                signal(Signal::SIGABRT),
                "thread 'query' has overflowed its stack"
            ),
            "resource_exhausted"
        );
        assert_eq!(code(signal(Signal::SIGABRT), ""), "sql_failed");
        assert_eq!(code(signal(Signal::SIGSEGV), ""), "resource_exhausted");
        assert_eq!(code(signal(Signal::SIGKILL), ""), "resource_exhausted");
        assert_eq!(code(signal(Signal::SIGTERM), ""), "sql_unavailable");
        assert_eq!(code(signal(Signal::SIGXCPU), ""), "timeout");
        assert_eq!(code(signal(Signal::SIGXFSZ), ""), "resource_exhausted");
        assert_eq!(code(0, ""), "sql_unavailable");
        assert_eq!(code(1 << 8, "no such subcommand"), "sql_unavailable");
        assert_eq!(explain(None, "", Duration::ZERO).code(), "sql_unavailable");
    }
}
