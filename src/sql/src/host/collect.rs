//! Collects the bytes of a result: in memory while they are few, then in a file.

use tempfile::TempPath;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

use crate::error::{Fault, SqlError};
use crate::result::Body;
use lastcall_child::host::Scratch;

/// Results up to this many bytes stay in memory.
const IN_MEMORY: usize = 1 << 20;

/// Collects the bytes of a result.
pub(super) struct Collector<'a> {
    scratch: &'a Scratch,
    limit: u64,
    count: u64,
    memory: Vec<u8>,
    file: Option<(File, TempPath)>,
}

impl<'a> Collector<'a> {
    pub(super) fn new(scratch: &'a Scratch, limit: u64) -> Self {
        Self {
            scratch,
            limit,
            count: 0,
            memory: Vec::new(),
            file: None,
        }
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// If the result exceeds its limit, or cannot be written.
    pub(super) async fn push(&mut self, bytes: &[u8]) -> Result<(), SqlError> {
        self.count += bytes.len() as u64;
        if self.count > self.limit {
            return Err(SqlError::Exhausted(Fault::new(format!(
                "the result has more than {} bytes",
                self.limit
            ))));
        }
        match &mut self.file {
            Some((file, _)) => file.write_all(bytes).await.map_err(disk),
            None if self.memory.len() + bytes.len() <= IN_MEMORY => {
                self.memory.extend_from_slice(bytes);
                Ok(())
            }
            None => {
                let (file, path) = self.scratch.file("result-").map_err(disk)?;
                let (file, _) = self.file.insert((File::from_std(file), path));
                file.write_all(&std::mem::take(&mut self.memory))
                    .await
                    .map_err(disk)?;
                file.write_all(bytes).await.map_err(disk)
            }
        }
    }

    /// The whole result and its length in bytes.
    pub(super) async fn finish(self) -> Result<(Body, u64), SqlError> {
        let body = match self.file {
            Some((mut file, path)) => {
                file.flush().await.map_err(disk)?;
                Body::File(path)
            }
            None => Body::Memory(self.memory),
        };
        Ok((body, self.count))
    }
}

fn disk(error: std::io::Error) -> SqlError {
    SqlError::of_scratch(&error)
}
