//! The limit of open files, and the connections it allows.

use anyhow::bail;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Open files that the service needs for itself: its store, its blobs, its queries, its threads.
const RESERVED: u64 = 128;
/// Connections where nothing else says less.
const MAX_DEFAULT: u64 = 10_000;

/// The limit that the process may give itself: the hard one. `None` where there is none.
fn limit() -> Option<u64> {
    getrlimit(Resource::Nofile).maximum
}

/// The most connections that leave the service the files that it needs.
pub(super) fn max_connections() -> u64 {
    let limit = limit().unwrap_or(u64::MAX);
    limit.saturating_sub(RESERVED).clamp(1, 1 << 20)
}

/// The default: each connection may have a file of its own open, as an upload has.
pub(super) fn default_connections() -> u64 {
    (max_connections() / 2).clamp(1, MAX_DEFAULT)
}

/// Raises the soft limit to the hard one. Many systems leave it at 1024 for programs that use
/// `select`, which this one does not.
///
/// # Errors
/// Where the service needs more files than it may open.
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
