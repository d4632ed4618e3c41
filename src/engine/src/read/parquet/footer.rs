//! The footer, including parts that the parquet crate (59.3) does not read.

use std::borrow::Cow;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaDataReader;

use super::thrift::{Cursor, Kind};
use crate::EngineError;

/// The size of the metadata length and the magic.
const TAIL: u64 = 8;
/// The magic of a file with an encrypted footer.
const ENCRYPTED: &[u8] = b"PARE";
const MARK: &[u8] = b"PAR1";

pub(super) fn malformed(detail: impl Into<String>) -> EngineError {
    EngineError::malformed("Parquet", detail)
}

fn encrypted() -> EngineError {
    EngineError::Unsupported {
        detail: "the Parquet file is encrypted".into(),
    }
}

/// Converts an error of the library.
pub(super) fn failed(error: ParquetError) -> EngineError {
    let unsupported = |detail: String| EngineError::Unsupported { detail };
    match error {
        ParquetError::NYI(detail) => unsupported(detail),
        ParquetError::ArrowError(detail) | ParquetError::General(detail)
            if is_unsupported(&detail) =>
        {
            unsupported(detail)
        }
        ParquetError::External(error) => match error.downcast::<std::io::Error>() {
            Ok(io) => EngineError::reading("Parquet", *io),
            Err(other) => malformed(other.to_string()),
        },
        other => malformed(other.to_string()),
    }
}

/// Whether the library rejects an unsupported type, which it does not distinguish from an error.
fn is_unsupported(detail: &str) -> bool {
    let detail = detail.to_ascii_lowercase();
    [
        "precision",
        "not supported",
        "unsupported",
        "not yet supported",
    ]
    .iter()
    .any(|sign| detail.contains(sign))
}

/// Reads the metadata of a file.
pub(super) fn load(file: &File) -> Result<ArrowReaderMetadata, EngineError> {
    let bytes = metadata_bytes(file)?;
    let bytes = without_null_types(&bytes)?;
    let metadata = ParquetMetaDataReader::decode_metadata(&bytes).map_err(failed)?;
    ArrowReaderMetadata::try_new(Arc::new(metadata), ArrowReaderOptions::default()).map_err(failed)
}

fn metadata_bytes(file: &File) -> Result<Vec<u8>, EngineError> {
    let size = file.metadata()?.len();
    let mut tail = [0; TAIL as usize];
    let start = size
        .checked_sub(TAIL)
        .ok_or_else(|| malformed("it is too short"))?;
    let unreadable = |error| EngineError::reading("Parquet", error);
    file.read_exact_at(&mut tail, start).map_err(unreadable)?;
    let (length, mark) = tail.split_at(4);
    if mark == ENCRYPTED {
        return Err(encrypted());
    }
    if mark != MARK {
        return Err(malformed("it does not end as a Parquet file does"));
    }
    let length = length
        .first_chunk()
        .map_or(0, |bytes| u32::from_le_bytes(*bytes));
    let begin = start.checked_sub(u64::from(length));
    let begin = begin.ok_or_else(|| malformed("its metadata is longer than the file"))?;
    let mut bytes = vec![0; length as usize];
    file.read_exact_at(&mut bytes, begin).map_err(unreadable)?;
    Ok(bytes)
}

/// Old files of pandas mark a column of nulls only with type 24, which never became part of the
/// format and which the library rejects: it is replaced according to the stored type. Also detects
/// encryption.
fn without_null_types(metadata: &[u8]) -> Result<Cow<'_, [u8]>, EngineError> {
    /// Offsets of the bytes with type 24, and the stored type of their column.
    fn find(metadata: &[u8]) -> Option<(Vec<(usize, i64)>, bool)> {
        let mut found = Vec::new();
        let mut is_encrypted = false;
        let mut cursor = Cursor::new(metadata);
        let mut last = 0;
        while let Some((number, kind)) = cursor.field(last)? {
            match (number, kind) {
                (2, Kind::LIST) => {
                    let (count, _) = cursor.list()?;
                    for _ in 0..count {
                        found.extend(null_type(&mut cursor)?);
                    }
                }
                (8, Kind::STRUCT) => {
                    is_encrypted = true;
                    cursor.skip(kind)?;
                }
                _ => cursor.skip(kind)?,
            }
            last = number;
        }
        Some((found, is_encrypted))
    }
    // The library reports metadata that cannot be parsed.
    let Some((found, is_encrypted)) = find(metadata) else {
        return Ok(metadata.into());
    };
    if is_encrypted {
        return Err(encrypted());
    }
    if found.is_empty() {
        return Ok(metadata.into());
    }
    let mut metadata = metadata.to_vec();
    for (place, physical) in found {
        // Integers of 32 and 64 bits and text: 17, 18 and 0 in the encoding of the protocol.
        metadata[place] = match physical {
            1 => 34,
            2 => 36,
            6 => 0,
            _ => continue,
        };
    }
    Ok(metadata.into())
}

/// Reads an element of the schema; returns the offset of its converted type if that is 24.
fn null_type(cursor: &mut Cursor<'_>) -> Option<Option<(usize, i64)>> {
    let mut last = 0;
    let mut physical = 0;
    let mut found = None;
    while let Some((number, kind)) = cursor.field(last)? {
        match number {
            1 => physical = cursor.integer()?,
            6 => {
                let place = cursor.position();
                found = (cursor.integer()? == 24).then_some(place);
            }
            _ => cursor.skip(kind)?,
        }
        last = number;
    }
    Some(found.map(|place| (place, physical)))
}
