//! Converts a child's exit into the error of its query.

use std::time::Duration;

use lastcall_child::host::ChildExit;
use nix::sys::signal::Signal;

use crate::error::{Fault, SqlError};

/// The error of a query whose child exited without a result.
pub(super) fn explain(exit: &ChildExit, timeout: Duration) -> SqlError {
    let stderr = exit.stderr.as_str();
    let Some(status) = exit.status else {
        return SqlError::Unavailable("the query process stopped responding".into());
    };
    match exit.signal() {
        // Rust's allocator and its stack guard both abort after a message.
        Some(Signal::SIGABRT) if stderr.contains("memory allocation of") => memory(),
        Some(Signal::SIGABRT) if stderr.contains("overflowed its stack") => depth(),
        Some(Signal::SIGSEGV | Signal::SIGBUS) => depth(),
        // Killed neither by the OOM killer nor by the pool.
        Some(Signal::SIGKILL) => SqlError::Unavailable("the query process was killed".into()),
        Some(Signal::SIGXCPU) => SqlError::Timeout(timeout),
        Some(Signal::SIGXFSZ) => {
            SqlError::Exhausted(Fault::new("the query wrote more to disk than it may"))
        }
        // It was stopped before it had blocked these signals.
        Some(Signal::SIGTERM | Signal::SIGINT | Signal::SIGHUP) => {
            SqlError::Unavailable("the query process was stopped by a signal".into())
        }
        Some(signal) => SqlError::Failed(Fault::new(format!(
            "the query process was ended by {signal}"
        ))),
        None if stderr.contains("memory allocation of") => memory(),
        None => SqlError::Unavailable(format!(
            "the query process exited early ({status}): {}",
            stderr.lines().next().unwrap_or("no message")
        )),
    }
}

/// The error of a query whose child was killed twice because the machine or the container had no
/// memory left.
pub(super) fn out_of_memory() -> SqlError {
    SqlError::Exhausted(Fault::new(
        "the machine ran out of memory while the query ran",
    ))
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
    use std::process::ExitStatus;

    use super::*;

    fn exit(status: Option<ExitStatus>, stderr: &str) -> ChildExit {
        ChildExit {
            status,
            stderr: stderr.to_owned(),
        }
    }

    fn code(wait_status: i32, stderr: &str) -> &'static str {
        let exit = exit(Some(ExitStatus::from_raw(wait_status)), stderr);
        explain(&exit, Duration::ZERO).code()
    }

    #[test]
    fn each_kind_of_exit_has_its_own_error() {
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
        assert_eq!(code(signal(Signal::SIGKILL), ""), "sql_unavailable");
        assert_eq!(code(signal(Signal::SIGTERM), ""), "sql_unavailable");
        assert_eq!(code(signal(Signal::SIGXCPU), ""), "timeout");
        assert_eq!(code(signal(Signal::SIGXFSZ), ""), "resource_exhausted");
        assert_eq!(code(0, ""), "sql_unavailable");
        assert_eq!(code(1 << 8, "no such subcommand"), "sql_unavailable");
        let silent = explain(&exit(None, ""), Duration::ZERO);
        assert_eq!(silent.code(), "sql_unavailable");
        assert_eq!(out_of_memory().code(), "resource_exhausted");
    }
}
