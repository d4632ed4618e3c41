//! The threads left in this process, as the operating system lists them.

use std::time::Duration;

use tokio::time::Instant;

/// Handles signals.
pub(super) const SIGNALS: &str = "signals";
/// Ends the process when its time is up.
pub(super) const WATCHDOG: &str = "watchdog";
/// Writes the watchdog's report.
pub(super) const WATCHDOG_REPORT: &str = "watchdog-report";

/// The threads that guard the process until it exits, and never count as left. The same goes for a
/// thread that resolves the name of the trace collector: the operating system holds it while a name
/// server is silent, and it has nothing to lose. The exporter's own thread, which has the same
/// name, is joined by its closer, which reports a failure.
const GUARDS: [&str; 5] = [
    SIGNALS,
    WATCHDOG,
    WATCHDOG_REPORT,
    crate::logging::THREAD,
    lastcall_trace::THREAD,
];

/// How often the threads are listed.
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// Waits until only the main thread and the guards are left, or until `until`. Returns the names of
/// the others; none if the operating system does not list them.
pub(super) fn left(until: Instant) -> Vec<String> {
    loop {
        let others = others();
        if others.is_empty() || Instant::now() >= until {
            return others;
        }
        // Threads that were stopped and cannot be joined, because others own them.
        std::thread::park_timeout(POLL_INTERVAL);
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
