//! Detects kills by the kernel's OOM killer.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lastcall_domain::Cancel;
use nix::sys::signal::Signal;

use super::ChildExit;

/// The pause before work is retried after the kernel killed its child: memory needs a moment to
/// recover.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// The kernel's counter of processes killed for lack of memory: of this control group if it has
/// one, else of the machine.
#[derive(Clone, Debug)]
pub struct OomKills {
    file: Option<PathBuf>,
}

impl OomKills {
    /// Finds the counter.
    pub fn find() -> Self {
        let group = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let candidates = [group_events(&group), Some("/proc/vmstat".into())];
        let file = candidates
            .into_iter()
            .flatten()
            .find(|file| read(file).is_some());
        Self { file }
    }

    /// The counter in a file with lines of a name and a number.
    pub fn in_file(file: impl Into<PathBuf>) -> Self {
        Self {
            file: Some(file.into()),
        }
    }

    /// The count; `None` if the kernel does not provide it.
    pub fn count(&self) -> Option<u64> {
        read(self.file.as_deref()?)
    }

    /// Who killed a child, if anybody. `before` is the count when its work began.
    ///
    /// The kernel counts a kill before it carries it out. Without a count, the kernel is assumed:
    /// nobody else kills a child that is waited for. The machine was then short of memory, not the
    /// work: beyond its own bound the child's allocator fails first.
    pub fn killed(&self, exit: &ChildExit, before: Option<u64>) -> Option<Killed> {
        if exit.signal() != Some(Signal::SIGKILL) {
            return None;
        }
        let counted_none = before.is_some() && self.count() == before;
        Some(if counted_none {
            Killed::ByHand
        } else {
            Killed::OutOfMemory
        })
    }

    /// Waits before work that lost its child to the kernel is retried, unless either flag cancels
    /// it.
    pub async fn pause_before_retry(&self, job: &Cancel, closing: &Cancel) {
        tokio::select! {
            () = tokio::time::sleep(RETRY_PAUSE) => {}
            () = job.cancelled() => {}
            () = closing.cancelled() => {}
        }
    }
}

/// Who killed a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Killed {
    /// The kernel, because the machine or the container ran out of memory.
    OutOfMemory,
    /// Somebody else.
    ByHand,
}

/// The events file of the control group (version 2) in `/proc/self/cgroup`. In a container, the
/// group's own folder is the root of the mount.
fn group_events(groups: &str) -> Option<PathBuf> {
    let group = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let root = Path::new("/sys/fs/cgroup");
    let folder = root.join(group.trim().trim_start_matches('/'));
    let folder = if folder.is_dir() { &folder } else { root };
    Some(folder.join("memory.events"))
}

fn read(file: &Path) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
    line?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn kills_are_read_from_a_group_and_from_the_machine() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("events");
        fs::write(
            &file,
            "low 0\nhigh 7\noom 2\noom_kill 3\noom_group_kill 1\n",
        )
        .unwrap();
        assert_eq!(OomKills::in_file(&file).count(), Some(3));
        assert_eq!(OomKills::in_file("/does/not/exist").count(), None);
        #[cfg(target_os = "linux")]
        assert!(OomKills::find().count().is_some());
    }

    #[test]
    fn the_group_is_found_by_its_line() {
        let found = group_events("1:name=x:/other\n0::/\n").unwrap();
        assert_eq!(found, Path::new("/sys/fs/cgroup/memory.events"));
        assert_eq!(group_events("4:memory:/old\n"), None);
    }
}
