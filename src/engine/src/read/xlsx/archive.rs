//! Inspects the archive of a workbook before the library decompresses it into memory.

use std::fs::File;
use std::io::{BufReader, Read, Seek};

use memchr::{memchr, memmem};
use zip::result::ZipError;

use super::streams::is_bound;
use crate::EngineError;
use crate::job::JobContext;
use crate::limits::Limits;

/// The maximum overhead of a text in memory, in bytes.
const TEXT: u64 = 64;

/// Checks the size of cells and of everything but the sheets, as the library holds both in memory.
pub(super) fn check(
    mut file: &File,
    limits: &Limits,
    context: JobContext<'_>,
) -> Result<(), EngineError> {
    file.rewind()?;
    let archive = zip::ZipArchive::new(BufReader::new(file));
    let mut archive = archive.map_err(|error| broken("XLSX", error))?;
    let most = limits.columns as u64;
    let mut left = most;
    let mut buffer = vec![0; 64 << 10];
    for at in 0..archive.len() {
        let Ok(mut entry) = archive.by_index(at) else {
            continue;
        };
        let name = entry.name().map(|name| name.to_ascii_lowercase());
        let mut cells = name
            .is_ok_and(|name| is_sheet(&name))
            .then(|| CellSizes::new(limits.record));
        loop {
            context.check()?;
            // Decompression errors are reported when the entry is needed.
            let read = entry.read(&mut buffer).unwrap_or(0);
            if read == 0 {
                break;
            }
            let part = &buffer[..read];
            if let Some(cells) = &mut cells {
                cells.add(part)?;
                continue;
            }
            let texts = memmem::find_iter(part, b"<si").count() as u64;
            left = left
                .checked_sub(read as u64 + TEXT * texts)
                .ok_or_else(|| EngineError::ResourceExhausted {
                    detail: format!("the workbook's texts and styles take more than {most} bytes"),
                })?;
        }
    }
    file.rewind()?;
    Ok(())
}

pub(super) fn is_sheet(name: &str) -> bool {
    name.contains("worksheets/") && name.ends_with(".xml")
}

/// Measures the distance of tags, and the size of cells.
struct CellSizes {
    largest: usize,
    since_tag: usize,
    since_cell: usize,
    in_cell: bool,
    /// The start of a tag at the end of the buffer.
    tag: Vec<u8>,
}

/// How much of a tag is inspected, in bytes.
const TAG: usize = 32;

impl CellSizes {
    fn new(largest: usize) -> Self {
        Self {
            largest,
            since_tag: 0,
            since_cell: 0,
            in_cell: false,
            tag: Vec::with_capacity(TAG),
        }
    }

    fn add(&mut self, mut part: &[u8]) -> Result<(), EngineError> {
        if !self.tag.is_empty() {
            // Another tag may begin in the missing part: at worst, a cell seems a few bytes longer.
            let missing = (TAG - self.tag.len()).min(part.len());
            self.tag.extend_from_slice(&part[..missing]);
            self.grow(missing)?;
            part = &part[missing..];
            if self.tag.len() == TAG {
                let tag = std::mem::take(&mut self.tag);
                self.begin(&tag);
            }
        }
        while let Some(at) = memchr(b'<', part) {
            self.grow(at)?;
            part = &part[at..];
            if part.len() < TAG {
                self.tag.extend_from_slice(part);
                return self.grow(part.len());
            }
            self.begin(&part[..TAG]);
            self.grow(1)?;
            part = &part[1..];
        }
        self.grow(part.len())
    }

    fn begin(&mut self, tag: &[u8]) {
        self.since_tag = 0;
        if let Some(begins) = begins_cell(tag) {
            self.since_cell = 0;
            self.in_cell = begins;
        }
    }

    fn grow(&mut self, bytes: usize) -> Result<(), EngineError> {
        self.since_tag += bytes;
        self.since_cell += bytes;
        let cell = if self.in_cell { self.since_cell } else { 0 };
        if cell.max(self.since_tag) <= self.largest {
            return Ok(());
        }
        Err(EngineError::CellTooLarge {
            place: "a cell of the workbook".into(),
            limit: self.largest as u64,
        })
    }
}

/// Whether a cell begins (true) or ends (false) with this tag, of a cell or a row, with any
/// namespace prefix.
fn begins_cell(tag: &[u8]) -> Option<bool> {
    let name = &tag[1..];
    let (name, closing) = match name.strip_prefix(b"/") {
        Some(name) => (name, true),
        None => (name, false),
    };
    let end = name
        .iter()
        .position(|byte| matches!(byte, b'>' | b'/' | b' ' | b'\t' | b'\r' | b'\n'))
        .unwrap_or(name.len());
    let name = &name[..end];
    let local = name
        .iter()
        .position(|&byte| byte == b':')
        .map_or(name, |at| &name[at + 1..]);
    match local {
        b"c" => Some(!closing),
        b"row" => Some(false),
        _ => None,
    }
}

/// The error of an archive, or of the machine that reads it.
pub(super) fn broken(format: &'static str, error: ZipError) -> EngineError {
    match error {
        ZipError::Io(io) if is_bound(&io) => EngineError::Io(io),
        ZipError::Io(io) => EngineError::reading(format, io),
        other => EngineError::malformed(format, other.to_string()),
    }
}

pub(super) fn malformed(detail: impl Into<String>) -> EngineError {
    EngineError::malformed("XLSX", detail)
}
