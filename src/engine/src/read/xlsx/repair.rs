//! Repairs harmless defects in workbooks that calamine 0.38 rejects.
//!
//! It rejects a workbook with a macro sheet, and a sheet with a `<dimension>` of rows only (`1:4`),
//! which it does not even need. The workbook is rewritten with the macro sheet as a kind of sheet
//! that is skipped, and without dimensions.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};

use memchr::memmem;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::archive::{self, broken};
use super::streams::Bounded;
use crate::EngineError;
use crate::job::JobContext;
use crate::source::read_full;

/// How much of a sheet is searched for the dimension, which precedes the rows.
const HEAD: usize = 64 << 10;
/// The maximum size of a relations file, which calamine holds in memory as well.
const RELATIONS: u64 = 16 << 20;

/// The repaired workbook.
pub(super) fn repaired(
    mut file: &File,
    out: Bounded<File>,
    context: JobContext<'_>,
) -> Result<File, EngineError> {
    let broken = |error| broken("XLSX", error);
    file.rewind()?;
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(broken)?;
    let mut writer = ZipWriter::new(BufWriter::new(out));
    let stored = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .large_file(true);
    for at in 0..archive.len() {
        context.check()?;
        let entry = archive.by_index(at).map_err(broken)?;
        let name = entry.name().map_err(broken)?.into_owned();
        let lower = name.to_ascii_lowercase();
        if archive::is_sheet(&lower) {
            writer.start_file(name, stored).map_err(broken)?;
            copy_sheet(entry, &mut writer, context)?;
        } else if lower.ends_with("workbook.xml.rels") {
            let mut relations = Vec::new();
            let read = entry.take(RELATIONS).read_to_end(&mut relations);
            read.map_err(unreadable)?;
            writer.start_file(name, stored).map_err(broken)?;
            writer.write_all(&without_macros(relations))?;
        } else {
            drop(entry);
            let raw = archive.by_index_raw(at).map_err(broken)?;
            writer.raw_copy_file(raw).map_err(broken)?;
        }
    }
    let out = writer.finish().map_err(broken)?;
    let out = out.into_inner().map_err(|error| error.into_error())?;
    let mut file = out.writer;
    file.rewind()?;
    Ok(file)
}

fn unreadable(error: io::Error) -> EngineError {
    EngineError::reading("XLSX", error)
}

fn copy_sheet(
    mut entry: impl Read,
    out: &mut impl Write,
    context: JobContext<'_>,
) -> Result<(), EngineError> {
    let mut buffer = vec![0; HEAD];
    let mut read = read_full(&mut entry, &mut buffer).map_err(unreadable)?;
    rename(&mut buffer[..read], b"<dimension", b"<dimensiox");
    rename(&mut buffer[..read], b"</dimension", b"</dimensiox");
    while read > 0 {
        context.check()?;
        out.write_all(&buffer[..read])?;
        read = read_full(&mut entry, &mut buffer).map_err(unreadable)?;
    }
    Ok(())
}

/// Renames a tag to an unknown one of the same length.
fn rename(text: &mut [u8], from: &[u8], to: &[u8]) {
    let places: Vec<usize> = memmem::find_iter(text, from).collect();
    for at in places {
        text[at..at + to.len()].copy_from_slice(to);
    }
}

fn without_macros(relations: Vec<u8>) -> Vec<u8> {
    let text = String::from_utf8_lossy(&relations);
    let text = text.replace("/xlMacrosheet\"", "/dialogsheet\"");
    text.replace("/xlIntlMacrosheet\"", "/dialogsheet\"")
        .into_bytes()
}
