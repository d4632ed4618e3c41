//! Reads a row group into records.

use std::fs::File;
use std::sync::Arc;

use parquet::arrow::arrow_reader::RowGroups;
use parquet::column::page::PageIterator;
use parquet::errors::Result;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};

use super::budget::Budget;
use super::codec::is_supported;
use super::column::Column;
use super::pages::{OneGroup, Pages};
use crate::EngineError;
use crate::job::StopFlag;
use crate::limits::Limits;

/// One row group of a file.
pub(super) struct Group {
    pub(super) file: Arc<File>,
    pub(super) metadata: Arc<ParquetMetaData>,
    pub(super) number: usize,
    pub(super) budget: Arc<Budget>,
    pub(super) stop: StopFlag,
}

/// The memory of an element of a nested value while it is read: levels, offsets and the value.
const ELEMENT: usize = 8;

impl Group {
    fn row_group(&self) -> &RowGroupMetaData {
        self.metadata.row_group(self.number)
    }

    fn pages(&self, column: Column) -> Pages {
        Pages::new(&self.file, column, &self.budget, self.stop.clone())
    }

    /// How many rows may be read at a time, to limit the number of nested values.
    pub(super) fn rows_at_a_time(&self, most: usize, limits: &Limits) -> Result<usize> {
        for column in self.row_group().columns() {
            if !is_supported(column.compression()) {
                let detail = format!(
                    "its compression, {}, is not supported",
                    column.compression()
                );
                return Err(self.budget.refuse(EngineError::Unsupported { detail }));
            }
        }
        let columns = self.row_group().columns().iter().map(Column::of);
        let nested: Vec<Column> = columns.filter(Column::is_nested).collect();
        let allowed = limits.batch;
        let mut all = 0usize;
        for column in &nested {
            all = all.saturating_add(self.pages(column.clone()).count_values()?);
        }
        if all <= allowed {
            return Ok(most);
        }
        // Only the levels show how they are distributed.
        let largest = limits.record / ELEMENT;
        let mut row = 0usize;
        for column in nested {
            let longest = self.pages(column.clone()).longest_row()?;
            if longest > largest {
                return Err(self.budget.refuse(column.too_large(limits.record)));
            }
            row = row.saturating_add(longest);
        }
        if row > 4 * largest {
            return Err(self.budget.refuse(EngineError::CellTooLarge {
                place: "a row of the Parquet file".into(),
                limit: limits.record as u64,
            }));
        }
        Ok((allowed / row.max(1)).clamp(1, most))
    }
}

impl RowGroups for Group {
    fn num_rows(&self) -> usize {
        usize::try_from(self.row_group().num_rows()).unwrap_or(0)
    }

    fn column_chunks(&self, column: usize) -> Result<Box<dyn PageIterator>> {
        let column = Column::of(self.row_group().column(column));
        Ok(Box::new(OneGroup(Some(self.pages(column)))))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(std::iter::once(self.row_group()))
    }

    fn metadata(&self) -> &ParquetMetaData {
        &self.metadata
    }
}
