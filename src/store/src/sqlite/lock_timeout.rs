//! How long the writer waits while another process has the file locked, such as a shell with an open
//! transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;

/// The longest wait for a lock.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// The same while the store is closing. The shutdown has a deadline, and the next start recovers
/// what could not be written.
const CLOSING_TIMEOUT: Duration = Duration::from_millis(250);
/// How often the lock is tried. SQLite offers no way to be notified.
const RETRY_INTERVAL: Duration = Duration::from_millis(5);

/// Makes the connection wait for locks, for a shorter time once `closing` is set. A wait in progress
/// is shortened as well.
pub(super) fn wait_for_locks(
    conn: &mut Connection,
    closing: Arc<AtomicBool>,
) -> rusqlite::Result<()> {
    let mut began = Instant::now();
    conn.busy_handler(Some(move |tries: i32| {
        if tries == 0 {
            began = Instant::now();
        }
        let timeout = if closing.load(Ordering::Relaxed) {
            CLOSING_TIMEOUT
        } else {
            LOCK_TIMEOUT
        };
        let waits = began.elapsed() < timeout;
        if waits {
            pause();
        }
        waits
    }))
}

#[expect(
    clippy::disallowed_methods,
    reason = "another process holds the lock, and nothing signals its release"
)]
fn pause() {
    std::thread::sleep(RETRY_INTERVAL);
}
