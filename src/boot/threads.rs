//! The threads left in this process, from the operating system.

use std::time::Duration;

use tokio::time::Instant;

/// Hears signals.
pub(super) const SIGNALS: &str = "signals";
/// Ends the process when its time is over.
pub(super) const WATCHDOG: &str = "watchdog";
/// Says what the watchdog has to say.
pub(super) const LAST_WORDS: &str = "last-words";

/// The threads that guard the process until it is gone. None of them is ever left over. Neither is
/// one that resolves the name of the trace collector: the operating system holds it for as long as a
/// name server is silent, and it has nothing to lose. The exporter's own thread, which has the same
/// name, is joined by its closer, which says where it could not.
const GUARDS: [&str; 5] = [
    SIGNALS,
    WATCHDOG,
    LAST_WORDS,
    crate::logging::THREAD,
    lastcall_trace::THREAD,
];

/// How often the operating system is asked.
const INTERVAL: Duration = Duration::from_millis(2);

/// Waits, until `until` at most, until there is no thread but the main one and the guards, and
/// names those that are left. Where the operating system does not say, none are.
pub(super) fn left(until: Instant) -> Vec<String> {
    loop {
        let others = others();
        if others.is_empty() || Instant::now() >= until {
            return others;
        }
        // Threads that were told to end and cannot be joined, as others own them.
        std::thread::park_timeout(INTERVAL);
    }
}

fn others() -> Vec<String> {
    let own = std::process::id().to_string();
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else {
        return Vec::new();
    };
    tasks
        .flatten()
        .filter(|task| task.file_name().to_str() != Some(own.as_str()))
        .filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| !GUARDS.contains(&name.as_str()))
        .collect()
}
