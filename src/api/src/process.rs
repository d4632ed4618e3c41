//! Resource usage of the process, from the kernel. Linux only.

use std::fs;

/// The resource usage of the process.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) resident_bytes: Option<u64>,
    pub(crate) threads: Option<u64>,
    pub(crate) fds: Option<u64>,
}

impl Usage {
    pub(crate) fn now() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let field = |name: &str| -> Option<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        Self {
            resident_bytes: field("VmRSS:").map(|kibibytes| kibibytes * 1024),
            threads: field("Threads:"),
            // The folder itself is open while it is read.
            fds: fs::read_dir("/proc/self/fd")
                .ok()
                .map(|entries| (entries.count() as u64).saturating_sub(1)),
        }
    }
}
