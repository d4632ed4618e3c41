//! As process 1 of a container, the service inherits orphaned processes and has to reap them.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

/// How often the process table is read. Whoever waits for a process that it started itself does so
/// well within this time.
const SCAN_INTERVAL: Duration = Duration::from_secs(5);
/// The process that inherits orphans.
const INIT: u32 = 1;

/// A process that has ended: its id, and when it started, because ids are reused.
type EndedProcess = (i32, u64);

/// Reaps inherited processes that have ended, if this is process 1.
///
/// # Cancel safety
/// Dropping the future loses nothing.
pub(super) async fn reap() -> Infallible {
    if std::process::id() != INIT {
        return std::future::pending().await;
    }
    let mut before = BTreeSet::new();
    loop {
        tokio::time::sleep(SCAN_INTERVAL).await;
        let now = ended_children_of(INIT);
        // A process seen twice has nobody else who waits for it.
        for (id, _) in now.intersection(&before) {
            // Fails if somebody else has reaped it meanwhile.
            let _ = waitpid(Pid::from_raw(*id), Some(WaitPidFlag::WNOHANG));
        }
        before = now;
    }
}

/// The zombie children of the process.
fn ended_children_of(parent: u32) -> BTreeSet<EndedProcess> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    ids.filter_map(|id| {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The name is in parentheses and may contain spaces and parentheses.
        let (_, rest) = stat.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split(' ').collect();
        let is_ended = fields.first() == Some(&"Z");
        let is_child = fields.get(1)?.parse::<u32>() == Ok(parent);
        let started = fields.get(19)?.parse().ok()?;
        (is_ended && is_child).then_some((id, started))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_child_is_seen_from_its_end_until_it_was_waited_for() {
        let mut child = Command::new("true").spawn().unwrap();
        let id = i32::try_from(child.id()).unwrap();
        let is_seen = || {
            let ended = ended_children_of(std::process::id());
            ended.iter().any(|(ended, _)| *ended == id)
        };
        let end = Instant::now() + Duration::from_secs(60);
        while !is_seen() {
            assert!(Instant::now() < end, "the child has not ended");
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert!(!is_seen());
    }
}
