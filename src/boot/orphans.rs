//! As process 1 of a container, the service inherits orphaned processes and has to reap them.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

/// How often the table is looked at. Whoever waits for a process that it has started itself does
/// so well within this time.
const INTERVAL: Duration = Duration::from_secs(5);
/// The process that inherits.
const INIT: u32 = 1;

/// A process that has ended: its id, and when it started, as ids are used again.
type Ended = (i32, u64);

/// Waits for inherited processes that have ended, where this is process 1.
///
/// # Cancel safety
/// Dropping the future loses nothing.
pub(super) async fn reap() -> Infallible {
    if std::process::id() != INIT {
        return std::future::pending().await;
    }
    let mut before = BTreeSet::new();
    loop {
        tokio::time::sleep(INTERVAL).await;
        let now = ended_children_of(INIT);
        // One that is there for the second time is one that nobody waits for.
        for (id, _) in now.intersection(&before) {
            // Somebody has waited for it after all: so much the better.
            let _ = waitpid(Pid::from_raw(*id), Some(WaitPidFlag::WNOHANG));
        }
        before = now;
    }
}

/// The children of the process that have ended and were not waited for.
fn ended_children_of(parent: u32) -> BTreeSet<Ended> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    ids.filter_map(|id| {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The name stands in parentheses and may hold any of them.
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
