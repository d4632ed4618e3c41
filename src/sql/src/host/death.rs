//! What a child died of, told as the error of its query.

use std::time::Duration;

use lastcall_child::host::Death;
use nix::sys::signal::Signal;

use crate::error::{Fault, SqlError};

/// The error of a query whose child is gone without an answer.
pub(super) fn explain(death: &Death, timeout: Duration) -> SqlError {
    let stderr = death.stderr.as_str();
    let Some(status) = death.status else {
        return SqlError::Unavailable("the child of the query fell silent".into());
    };
    match death.signal() {
        // Rust's allocator and its stack guard both abort, each after a message.
        Some(Signal::SIGABRT) if stderr.contains("memory allocation of") => memory(),
        Some(Signal::SIGABRT) if stderr.contains("overflowed its stack") => depth(),
        Some(Signal::SIGSEGV | Signal::SIGBUS) => depth(),
        // Not by the kernel for want of memory, nor by the keeper: somebody did.
        Some(Signal::SIGKILL) => SqlError::Unavailable("the child of the query was killed".into()),
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

/// The error of a query whose child the kernel killed, twice, because the machine or the container
/// had no memory left.
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

    fn death(status: Option<ExitStatus>, stderr: &str) -> Death {
        Death {
            status,
            stderr: stderr.to_owned(),
        }
    }

    fn code(wait_status: i32, stderr: &str) -> &'static str {
        let death = death(Some(ExitStatus::from_raw(wait_status)), stderr);
        explain(&death, Duration::ZERO).code()
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
        assert_eq!(code(signal(Signal::SIGKILL), ""), "sql_unavailable");
        assert_eq!(code(signal(Signal::SIGTERM), ""), "sql_unavailable");
        assert_eq!(code(signal(Signal::SIGXCPU), ""), "timeout");
        assert_eq!(code(signal(Signal::SIGXFSZ), ""), "resource_exhausted");
        assert_eq!(code(0, ""), "sql_unavailable");
        assert_eq!(code(1 << 8, "no such subcommand"), "sql_unavailable");
        let silent = explain(&death(None, ""), Duration::ZERO);
        assert_eq!(silent.code(), "sql_unavailable");
        assert_eq!(out_of_memory().code(), "resource_exhausted");
    }
}
