//! Collects the bytes of a result: in memory while they are few, then in a file.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use lastcall_child::host::temporary_file;
use lastcall_domain::Body;
use tempfile::TempPath;

/// Results up to this many bytes stay in memory.
const MAX_IN_MEMORY: usize = 256 * 1024;
/// Bytes written to the file at a time.
const CHUNK: usize = 128 * 1024;

/// Receives the bytes of a result. If it is dropped before [`finish`](Self::finish), nothing of it
/// is left.
pub(super) struct Spool {
    scratch: PathBuf,
    memory: Vec<u8>,
    file: Option<(BufWriter<File>, TempPath)>,
}

impl Spool {
    pub(super) fn new(scratch: &Path) -> Self {
        Self {
            scratch: scratch.to_owned(),
            memory: Vec::new(),
            file: None,
        }
    }

    /// The whole result.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(super) fn finish(self) -> io::Result<Body> {
        Ok(match self.file {
            None => Body::Bytes(self.memory),
            Some((mut file, path)) => {
                file.flush()?;
                Body::File(path.keep()?)
            }
        })
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some((file, _)) = &mut self.file {
            return file.write(bytes);
        }
        if self.memory.len() + bytes.len() > MAX_IN_MEMORY {
            let (file, path) = temporary_file(&self.scratch, "result-")?;
            let mut file = BufWriter::with_capacity(CHUNK, file);
            file.write_all(&std::mem::take(&mut self.memory))?;
            let (file, _) = self.file.insert((file, path));
            return file.write(bytes);
        }
        self.memory.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.file {
            Some((file, _)) => file.flush(),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use lastcall_domain::Dependency;

    use super::*;

    #[test]
    fn few_bytes_stay_in_memory_and_many_go_to_a_file() {
        let scratch = tempfile::tempdir().unwrap();
        let files = || std::fs::read_dir(scratch.path()).unwrap().count();
        for size in [0, 1, MAX_IN_MEMORY, MAX_IN_MEMORY + 1, 3 * MAX_IN_MEMORY] {
            let bytes: Vec<u8> = (0..size).map(|i| i as u8).collect();
            let mut spool = Spool::new(scratch.path());
            for piece in bytes.chunks(1_000) {
                spool.write_all(piece).unwrap();
            }
            match spool.finish().unwrap() {
                Body::Bytes(found) => assert!(found == bytes && size <= MAX_IN_MEMORY),
                Body::File(path) => {
                    assert!(std::fs::read(&path).unwrap() == bytes && size > MAX_IN_MEMORY);
                    std::fs::remove_file(path).unwrap();
                }
            }
            assert_eq!(files(), 0);
        }
        let mut dropped = Spool::new(scratch.path());
        dropped.write_all(&vec![0; 2 * MAX_IN_MEMORY]).unwrap();
        assert_eq!(files(), 1);
        drop(dropped);
        assert_eq!(files(), 0);
    }

    #[test]
    fn a_result_that_finds_no_scratch_folder_can_be_written_another_time() {
        let mut spool = Spool::new(Path::new("/nowhere"));
        let written = spool.write_all(&vec![0; 2 * MAX_IN_MEMORY]);
        // What writes to it may also read blobs, and pass the error on.
        let error = io::Error::other(written.unwrap_err());
        let whose = Dependency::of_work_io(&error);
        assert_eq!(whose, Some(Dependency::Scratch), "{error:?}");
    }
}
