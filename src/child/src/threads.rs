//! Whether threads can be started.

use std::io;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;

/// Starts threads that live at the same time, and ends them.
///
/// # Errors
/// If the operating system refuses one of them: there are too many threads or processes, or its
/// stack finds no memory.
pub fn start_and_end(count: usize, stack: usize) -> io::Result<()> {
    let (end, ended) = mpsc::channel::<()>();
    let ended = Arc::new(Mutex::new(ended));
    let mut threads = Vec::with_capacity(count);
    let mut started = Ok(());
    for _ in 0..count {
        let ended = Arc::clone(&ended);
        let wait = move || {
            let ended = ended.lock().unwrap_or_else(PoisonError::into_inner);
            // It fails once there is no sender.
            let _ = ended.recv();
        };
        let thread = thread::Builder::new().name("probe".to_owned());
        match thread.stack_size(stack).spawn(wait) {
            Ok(thread) => threads.push(thread),
            Err(error) => {
                started = Err(error);
                break;
            }
        }
    }
    drop(end);
    for thread in threads {
        // It has nothing to panic about.
        let _ = thread.join();
    }
    started
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_that_find_no_room_are_refused() {
        assert!(start_and_end(3, 1 << 16).is_ok());
        // No address space holds them all.
        assert!(start_and_end(1 << 10, 1 << 46).is_err());
    }
}
