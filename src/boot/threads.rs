//! Which threads of this process are left, as the operating system says.

use std::time::{Duration, Instant};

/// How often the operating system is asked.
const INTERVAL: Duration = Duration::from_millis(2);

/// Waits, for at most `patience`, until the calling thread is the only one, and names those
/// that are left. Where the operating system does not say, none are.
pub(super) fn left(patience: Duration) -> Vec<String> {
    let until = Instant::now() + patience;
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
        .collect()
}
