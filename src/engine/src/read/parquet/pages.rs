//! The pages of a column, within limits.
//!
//! The parquet crate (59.3) trusts page headers: it allocates the claimed size, ignores checksums
//! unless a feature of the whole build is enabled, and cannot be stopped between two pages. Here, a
//! page is checked before it is decompressed.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding};
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};

use super::budget::Budget;
use super::codec::decompress;
use super::column::Column;
use super::header::{Header, PageKind};
use super::{delta, levels};
use crate::EngineError;
use crate::job::StopFlag;

/// The pages of one column of one row group.
pub(super) struct Pages {
    file: Arc<File>,
    column: Column,
    budget: Arc<Budget>,
    stop: StopFlag,
    at: u64,
    end: u64,
    /// The next header, and the offset of its page.
    next: Option<(Header, u64)>,
    dictionary: usize,
    page: usize,
}

impl Pages {
    pub(super) fn new(
        file: &Arc<File>,
        column: Column,
        budget: &Arc<Budget>,
        stop: StopFlag,
    ) -> Self {
        Self {
            file: Arc::clone(file),
            at: column.start,
            end: column.start.saturating_add(column.length),
            column,
            budget: Arc::clone(budget),
            stop,
            next: None,
            dictionary: 0,
            page: 0,
        }
    }

    /// The header of the next page with values, without decompressing it.
    pub(super) fn next_header(&mut self) -> Result<Option<&Header>> {
        while self.next.is_none() {
            if self.stop.is_set() {
                return Err(self.budget.refuse(EngineError::Cancelled));
            }
            if self.at >= self.end {
                return Ok(None);
            }
            let read = Header::read(&self.file, self.at, self.end);
            let read = read.map_err(|error| self.budget.unreadable(error))?;
            let (header, length) = read.ok_or_else(|| broken("the header of a page"))?;
            let start = self.at + length;
            let end = start.checked_add(header.packed as u64);
            self.at = end
                .filter(|end| *end <= self.end)
                .ok_or_else(|| broken("a page"))?;
            if header.kind() != PageKind::Other {
                self.next = Some((header, start));
            }
        }
        Ok(self.next.as_ref().map(|(header, _)| header))
    }

    fn pass_over(&mut self) {
        self.next = None;
    }

    /// The header and the decompressed bytes of the next page.
    pub(super) fn unpack(&mut self) -> Result<Option<(Header, Bytes)>> {
        self.next_header()?;
        let Some((header, start)) = self.next.take() else {
            return Ok(None);
        };
        let size = match self.column.codec {
            Compression::UNCOMPRESSED => header.packed,
            _ => header.unpacked,
        };
        self.hold(&header, size)?;
        let mut packed = vec![0; header.packed];
        let read = self.file.read_exact_at(&mut packed, start);
        read.map_err(|error| self.budget.unreadable(error))?;
        if header
            .crc
            .is_some_and(|crc| crc32fast::hash(&packed) != crc)
        {
            return Err(ParquetError::General(
                "a page does not match the checksum in its header".into(),
            ));
        }
        let plain = header
            .repetition_bytes
            .saturating_add(header.definition_bytes);
        let levels = if header.kind() == PageKind::DataV2 {
            plain
        } else {
            0
        };
        let is_packed = self.column.codec != Compression::UNCOMPRESSED && header.is_packed;
        if !is_packed {
            return Ok(Some((header, packed.into())));
        }
        if levels > size || levels > packed.len() {
            return Err(broken("the levels of a page"));
        }
        let mut page = vec![0; size];
        page[..levels].copy_from_slice(&packed[..levels]);
        // A page of nulls only has nothing after its levels.
        if levels < size {
            decompress(self.column.codec, &packed[levels..], &mut page[levels..])
                .map_err(ParquetError::General)?;
        }
        Ok(Some((header, page.into())))
    }

    /// Charges the memory of the next page.
    fn hold(&mut self, header: &Header, size: usize) -> Result<()> {
        // All lengths are decoded at once.
        let lengths = match header.encoding() {
            Some(Encoding::DELTA_BYTE_ARRAY | Encoding::DELTA_LENGTH_BYTE_ARRAY) => {
                8 * header.values as usize
            }
            _ => 0,
        };
        let size = size.saturating_add(lengths);
        let held = match header.kind() {
            PageKind::Dictionary => &mut self.dictionary,
            _ => &mut self.page,
        };
        let all = self.budget.hold(std::mem::replace(held, size), size);
        let record = self.budget.record;
        if size / header.values.max(1) as usize > record {
            return Err(self.budget.refuse(self.column.too_large(record)));
        }
        if all > self.budget.limit {
            return Err(self.budget.refuse(EngineError::ResourceExhausted {
                detail: format!(
                    "the pages of this Parquet file take more than {} bytes at a time; write \
                     smaller row groups or pages",
                    self.budget.limit
                ),
            }));
        }
        Ok(())
    }

    fn page(&mut self) -> Result<Option<Page>> {
        let Some((header, buf)) = self.unpack()? else {
            return Ok(None);
        };
        let unknown = || broken("the encoding of a page");
        let encoding = header.encoding().ok_or_else(unknown)?;
        let lengths = [
            Encoding::DELTA_BYTE_ARRAY,
            Encoding::DELTA_LENGTH_BYTE_ARRAY,
        ];
        if lengths.contains(&encoding) && header.kind() != PageKind::Dictionary {
            self.check_lengths(&header, &buf)?;
        }
        Ok(Some(match header.kind() {
            PageKind::Dictionary => Page::DictionaryPage {
                buf,
                num_values: header.values,
                encoding,
                is_sorted: header.is_sorted,
            },
            PageKind::DataV2 => Page::DataPageV2 {
                buf,
                num_values: header.values,
                encoding,
                num_nulls: header.nulls,
                num_rows: header.rows,
                def_levels_byte_len: level_bytes(header.definition_bytes)?,
                rep_levels_byte_len: level_bytes(header.repetition_bytes)?,
                is_compressed: header.is_packed,
                statistics: None,
            },
            _ => Page::DataPage {
                buf,
                num_values: header.values,
                encoding,
                def_level_encoding: header.definition_encoding().ok_or_else(unknown)?,
                rep_level_encoding: header.repetition_encoding().ok_or_else(unknown)?,
                statistics: None,
            },
        }))
    }

    /// Checks the number of lengths and the size of the values before the library allocates them:
    /// prefix-compressed values may be far longer than their page.
    fn check_lengths(&mut self, header: &Header, page: &[u8]) -> Result<()> {
        let cut = || broken("the lengths of a page");
        let values = page.get(self.levels_end(header, page)..).ok_or_else(cut)?;
        let most = header.values as usize;
        let (prefixes, end) = delta::decode(values, most).ok_or_else(cut)?;
        if header.encoding() != Some(Encoding::DELTA_BYTE_ARRAY) {
            return Ok(());
        }
        let suffixes = values.get(end..).ok_or_else(cut)?;
        let (suffixes, _) = delta::decode(suffixes, most).ok_or_else(cut)?;
        let (mut all, mut length) = (0usize, 0usize);
        for (prefix, suffix) in prefixes.into_iter().zip(suffixes) {
            let kept = usize::try_from(prefix).map_err(|_| cut())?.min(length);
            length = kept.saturating_add(usize::try_from(suffix).map_err(|_| cut())?);
            all = all.saturating_add(length);
            if length > self.budget.record {
                return Err(self
                    .budget
                    .refuse(self.column.too_large(self.budget.record)));
            }
        }
        self.hold(header, page.len().saturating_add(all))
    }

    /// The start of the values of a data page.
    fn levels_end(&self, header: &Header, page: &[u8]) -> usize {
        if header.kind() == PageKind::DataV2 {
            return header
                .repetition_bytes
                .saturating_add(header.definition_bytes);
        }
        let mut end = 0;
        for level in [self.column.repetition, self.column.definition] {
            if level > 0 {
                let length = levels::length(page.get(end..).unwrap_or(&[]));
                end = end.saturating_add(length);
            }
        }
        end
    }

    /// The number of values of the longest row.
    pub(super) fn longest_row(mut self) -> Result<usize> {
        let mut rows = levels::Rows::new(self.column.repetition);
        while let Some((header, page)) = self.unpack()? {
            let levels = match header.kind() {
                PageKind::Dictionary | PageKind::Other => continue,
                PageKind::DataV2 => page.get(..header.repetition_bytes),
                PageKind::Data if header.repetition_encoding() == Some(Encoding::RLE) => {
                    page.get(4..levels::length(&page))
                }
                // The obsolete encoding without a length.
                PageKind::Data => None,
            };
            let counted = levels.and_then(|levels| rows.add(levels, header.values as usize));
            counted.ok_or_else(|| broken("the levels of a page"))?;
        }
        Ok(rows.longest())
    }

    /// The number of values in the page headers.
    pub(super) fn count_values(mut self) -> Result<usize> {
        let mut count = 0usize;
        while let Some(header) = self.next_header()? {
            if header.kind() != PageKind::Dictionary {
                count = count.saturating_add(header.values as usize);
            }
            self.pass_over();
        }
        Ok(count)
    }
}

fn level_bytes(bytes: usize) -> Result<u32> {
    u32::try_from(bytes).map_err(|_| broken("the levels of a page"))
}

fn broken(what: &str) -> ParquetError {
    ParquetError::General(format!("{what} contradicts its header or the footer"))
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        self.page()
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        Ok(self.next_header()?.map(|header| {
            let is_dict = header.kind() == PageKind::Dictionary;
            PageMetadata {
                num_rows: (header.kind() == PageKind::DataV2).then_some(header.rows as usize),
                num_levels: (!is_dict).then_some(header.values as usize),
                is_dict,
            }
        }))
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.next_header()?;
        self.pass_over();
        Ok(())
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        self.budget.hold(self.dictionary + self.page, 0);
    }
}

/// The pages of one column, for the library.
pub(super) struct OneGroup(pub(super) Option<Pages>);

impl Iterator for OneGroup {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        let pages = self.0.take()?;
        Some(Ok(Box::new(pages)))
    }
}

impl PageIterator for OneGroup {}

#[cfg(test)]
mod tests {
    use lastcall_domain::{Cancel, Progress};

    use super::*;
    use crate::job::JobContext;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_disk_that_fails_is_no_fault_of_the_file() {
        // Nothing is at the beginning of a process's memory: reading there fails as a bad disk
        // does.
        let file = Arc::new(File::open("/proc/self/mem").unwrap());
        let column = Column {
            path: "a".into(),
            codec: Compression::UNCOMPRESSED,
            start: 0,
            length: 100,
            repetition: 0,
            definition: 0,
        };
        let stop = JobContext {
            cancel: &Cancel::new(),
            closed: &Arc::default(),
            progress: &Progress::new(),
        }
        .stop_flag();
        let budget = Budget::new(1 << 20, 1 << 20);
        let failed = Pages::new(&file, column, &budget, stop).unpack();
        // The library makes a text of it.
        let text = ParquetError::General(failed.unwrap_err().to_string());
        let error = budget.to_engine_error(text);
        assert!(matches!(error, EngineError::Io(_)), "{error}");
    }
}
