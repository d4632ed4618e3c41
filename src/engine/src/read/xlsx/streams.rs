//! Size-limited files, and cancellation of readers.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use crate::job::JobContext;

/// A file or writer that fails if more is written than the decompression limit.
pub(super) struct Bounded<W> {
    pub(super) writer: W,
    left: u64,
}

impl<W> Bounded<W> {
    pub(super) fn new(writer: W, left: u64) -> Self {
        Self { writer, left }
    }
}

impl<W: Write> Write for Bounded<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.left.checked_sub(bytes.len() as u64);
        self.left = left.ok_or_else(|| io::Error::from(io::ErrorKind::QuotaExceeded))?;
        self.writer.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl<W: Seek> Seek for Bounded<W> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.writer.seek(to)
    }
}

/// Whether the error is from [`Bounded`], and not from a disk quota.
pub(super) fn is_bound(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::QuotaExceeded && error.raw_os_error().is_none()
}

/// A file that fails once the analysis is cancelled, so that a library without cancellation stops
/// as well.
pub(super) struct Stoppable<'a> {
    pub(super) file: &'a File,
    pub(super) context: JobContext<'a>,
}

impl Read for Stoppable<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.context.check().map_err(io::Error::other)?;
        self.file.read(buffer)
    }
}

impl Seek for Stoppable<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
