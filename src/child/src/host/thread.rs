//! The thread that owns children.

use std::io;
use std::thread::JoinHandle;

use tokio::task::LocalSet;

/// Runs a future to completion on its own thread, within a `LocalSet`.
///
/// Children are started and used there, because the kernel kills them when the thread that started
/// them ends. `files` is how many threads may work on their folders. `owner` creates the future on
/// that thread; its output is dropped after the runtime, so that a reply in it proves that
/// everything is gone.
///
/// # Errors
/// If the operating system cannot start a thread.
pub fn spawn_owner<F, Fut>(
    name: &str,
    files: usize,
    owner: F,
    ended: impl FnOnce(Fut::Output) + Send + 'static,
) -> io::Result<JoinHandle<()>>
where
    F: FnOnce() -> Fut + Send + 'static,
    Fut: Future,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(files)
        .thread_name(format!("{name}-files"))
        .build()?;
    std::thread::Builder::new()
        .name(format!("{name}-owner"))
        .spawn(move || {
            let output = LocalSet::new().block_on(&runtime, async { owner().await });
            drop(runtime);
            ended(output);
        })
}
