//! Converts panics of libraries to errors of the file.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use crate::EngineError;

thread_local! {
    /// Whether a panic of this thread is caught and becomes an error.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Reads a file of this format. A panic becomes an error of the data, and is not printed.
pub(super) fn guarded<T>(
    format: &'static str,
    read: impl FnOnce() -> Result<T, EngineError>,
) -> Result<T, EngineError> {
    static SILENCED: Once = Once::new();
    SILENCED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !GUARDED.get() {
                before(info);
            }
        }));
    });
    let outer = GUARDED.replace(true);
    let caught = catch_unwind(AssertUnwindSafe(read));
    GUARDED.set(outer);
    caught.unwrap_or_else(|_| {
        Err(EngineError::malformed(
            format,
            "its structure is inconsistent",
        ))
    })
}
