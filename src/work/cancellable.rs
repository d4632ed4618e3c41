//! A writer and a reader that fail once their job is cancelled, because a large result takes long.

use std::io::{self, Read, Write};

use lastcall_domain::Cancel;

/// Writes to `stream`, or reads from it, until `cancel` is set.
pub(super) struct Cancellable<'a, S> {
    stream: S,
    cancel: &'a Cancel,
}

impl<'a, S> Cancellable<'a, S> {
    pub(super) fn new(stream: S, cancel: &'a Cancel) -> Self {
        Self { stream, cancel }
    }

    fn check(&self) -> io::Result<()> {
        match self.cancel.is_cancelled() {
            // Not `Interrupted`, which would be retried.
            true => Err(io::Error::other("cancelled")),
            false => Ok(()),
        }
    }
}

impl<S: Read> Read for Cancellable<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.check()?;
        self.stream.read(buffer)
    }
}

impl<W: Write> Write for Cancellable<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.check()?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn nothing_is_written_or_read_after_the_job_was_cancelled() {
        let (cancel, mut out) = (Cancel::new(), Vec::new());
        let mut writer = Cancellable::new(&mut out, &cancel);
        serde_json::to_writer(&mut writer, &[1, 2]).unwrap();
        cancel.cancel();
        assert!(serde_json::to_writer(&mut writer, &[3]).is_err());
        assert_eq!(out, b"[1,2]");
        let reader = Cancellable::new(&out[..], &cancel);
        assert!(serde_json::from_reader::<_, Vec<u8>>(reader).is_err());
    }
}
