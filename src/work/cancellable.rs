//! A writer that fails once its job is cancelled, because writing a large result takes long.

use std::io::{self, Write};

use lastcall_domain::Cancel;

/// Writes to `out` until `cancel` is set.
pub(super) struct Cancellable<'a, W> {
    out: W,
    cancel: &'a Cancel,
}

impl<'a, W: Write> Cancellable<'a, W> {
    pub(super) fn new(out: W, cancel: &'a Cancel) -> Self {
        Self { out, cancel }
    }
}

impl<W: Write> Write for Cancellable<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Not `Interrupted`, which would be tried again.
        if self.cancel.is_cancelled() {
            return Err(io::Error::other("cancelled"));
        }
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn nothing_is_written_after_the_job_was_cancelled() {
        let (cancel, mut out) = (Cancel::new(), Vec::new());
        let mut writer = Cancellable::new(&mut out, &cancel);
        serde_json::to_writer(&mut writer, &[1, 2]).unwrap();
        cancel.cancel();
        assert!(serde_json::to_writer(&mut writer, &[3]).is_err());
        assert_eq!(out, b"[1,2]");
    }
}
