//! Opens the compound file, within bounds.
//!
//! The crate reads the tables of sectors and streams into memory when it opens a file, and the file
//! declares their sizes: a table may name one sector a million times. So reads are limited.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::rc::Rc;

use cfb::CompoundFile;

use crate::job::JobContext;
use crate::read::xlsx::streams::Stoppable;

/// The most bytes of tables. A file of 2 GiB, as large as there may be, has 16 MiB of them for its
/// sectors.
const MAX_TABLES: u64 = 20 << 20;

/// Opens the file.
pub(super) fn open<'a>(
    mut file: &'a File,
    context: JobContext<'a>,
) -> io::Result<CompoundFile<Counted<'a>>> {
    file.rewind()?;
    let left = Rc::new(Cell::new(MAX_TABLES));
    let counted = Counted {
        file: Stoppable { file, context },
        left: Rc::clone(&left),
    };
    let container = CompoundFile::open(counted)?;
    // From here on, streams are read in pieces.
    left.set(u64::MAX);
    Ok(container)
}

/// A file with a limit on the bytes that can be read.
pub(super) struct Counted<'a> {
    file: Stoppable<'a>,
    left: Rc<Cell<u64>>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        match self.left.get().checked_sub(read as u64) {
            Some(left) => self.left.set(left),
            None => {
                let detail = format!("its tables have more than {} MiB", MAX_TABLES >> 20);
                return Err(io::Error::new(io::ErrorKind::InvalidData, detail));
            }
        }
        Ok(read)
    }
}

impl Seek for Counted<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
