//! Metadata of a column of a row group.

use parquet::basic::Compression;
use parquet::file::metadata::ColumnChunkMetaData;

use crate::EngineError;

/// The metadata for reading pages.
#[derive(Clone)]
pub(super) struct Column {
    pub(super) path: String,
    pub(super) codec: Compression,
    pub(super) start: u64,
    pub(super) length: u64,
    /// The maximum levels.
    pub(super) repetition: i16,
    pub(super) definition: i16,
}

impl Column {
    pub(super) fn of(metadata: &ColumnChunkMetaData) -> Self {
        let (start, length) = metadata.byte_range();
        Self {
            path: metadata.column_path().string(),
            codec: metadata.compression(),
            start,
            length,
            repetition: metadata.column_descr().max_rep_level(),
            definition: metadata.column_descr().max_def_level(),
        }
    }

    pub(super) fn is_nested(&self) -> bool {
        self.repetition > 0
    }

    pub(super) fn too_large(&self, limit: usize) -> EngineError {
        EngineError::CellTooLarge {
            place: format!("a value of column {}", self.path),
            limit: limit as u64,
        }
    }
}
