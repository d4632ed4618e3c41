//! The limit of open files, and the connections it allows.

use anyhow::bail;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// File descriptors reserved for the service itself: its store, its blobs, its queries, its
/// threads.
const RESERVED: u64 = 128;
/// The most connections by default.
const MAX_DEFAULT: u64 = 10_000;

/// The hard limit of open files; `None` if there is none.
fn limit() -> Option<u64> {
    getrlimit(Resource::Nofile).maximum
}

/// The most connections that leave the reserved file descriptors free.
pub(super) fn max_connections() -> u64 {
    let limit = limit().unwrap_or(u64::MAX);
    limit.saturating_sub(RESERVED).clamp(1, 1 << 20)
}

/// The default number of connections: each may have one more file open, as an upload does.
pub(super) fn default_connections() -> u64 {
    (max_connections() / 2).clamp(1, MAX_DEFAULT)
}

/// Raises the soft limit to the hard one. Many systems leave it at 1024 for programs that use
/// `select`, which this one does not.
///
/// # Errors
/// If the limit is too low for the service.
pub fn raise_file_limit() -> anyhow::Result<()> {
    let maximum = limit();
    let limits = Rlimit {
        current: maximum,
        maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, limits) {
        log::warn!("the limit of open files stays as it is: {error}");
    }
    match getrlimit(Resource::Nofile).current {
        Some(limit) if limit < RESERVED => {
            bail!("the limit of open files is {limit}, and at least {RESERVED} are needed")
        }
        _ => Ok(()),
    }
}
