//! Page headers.

use std::fs::File;
use std::os::unix::fs::FileExt;

use parquet::basic::Encoding;

use super::thrift::{Cursor, Kind};

/// The initial and the maximum length read for a header: its statistics may be long.
const SHORT: usize = 256;
const MAX_LENGTH: usize = 16 << 20;

#[derive(Clone, Debug, Default)]
pub(super) struct Header {
    kind: i64,
    /// The uncompressed and the compressed size of the page.
    pub(super) unpacked: usize,
    pub(super) packed: usize,
    pub(super) crc: Option<u32>,
    /// The number of levels, which is the number of rows for columns that are not nested.
    pub(super) values: u32,
    encoding: i64,
    definition_encoding: i64,
    repetition_encoding: i64,
    pub(super) is_sorted: bool,
    /// In version 2 only.
    pub(super) nulls: u32,
    pub(super) rows: u32,
    pub(super) definition_bytes: usize,
    pub(super) repetition_bytes: usize,
    pub(super) is_packed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum PageKind {
    Data,
    DataV2,
    Dictionary,
    /// An index, or a kind of a later version.
    Other,
}

impl Header {
    pub(super) fn kind(&self) -> PageKind {
        match self.kind {
            0 => PageKind::Data,
            2 => PageKind::Dictionary,
            3 => PageKind::DataV2,
            _ => PageKind::Other,
        }
    }

    pub(super) fn encoding(&self) -> Option<Encoding> {
        encoding(self.encoding)
    }

    pub(super) fn definition_encoding(&self) -> Option<Encoding> {
        encoding(self.definition_encoding)
    }

    pub(super) fn repetition_encoding(&self) -> Option<Encoding> {
        encoding(self.repetition_encoding)
    }

    /// Reads the header at an offset of the file; also returns its length.
    pub(super) fn read(file: &File, at: u64, end: u64) -> std::io::Result<Option<(Self, u64)>> {
        let left = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX);
        let mut size = SHORT;
        loop {
            let mut bytes = vec![0; size.min(left)];
            file.read_exact_at(&mut bytes, at)?;
            let mut cursor = Cursor::new(&bytes);
            if let Some(header) = Self::parse(&mut cursor) {
                return Ok(Some((header, cursor.position() as u64)));
            }
            if size >= left || size >= MAX_LENGTH {
                return Ok(None);
            }
            size *= 8;
        }
    }

    fn parse(cursor: &mut Cursor<'_>) -> Option<Self> {
        let mut header = Self {
            kind: -1,
            is_packed: true,
            ..Self::default()
        };
        let mut last = 0;
        while let Some((number, kind)) = cursor.field(last)? {
            match number {
                1 => header.kind = cursor.integer()?,
                2 => header.unpacked = usize::try_from(cursor.integer()?).ok()?,
                3 => header.packed = usize::try_from(cursor.integer()?).ok()?,
                4 => header.crc = Some(cursor.integer()? as u32),
                5 if kind == Kind::STRUCT => header.data(cursor)?,
                7 if kind == Kind::STRUCT => header.dictionary(cursor)?,
                8 if kind == Kind::STRUCT => header.data_v2(cursor)?,
                _ => cursor.skip(kind)?,
            }
            last = number;
        }
        Some(header)
    }

    fn data(&mut self, cursor: &mut Cursor<'_>) -> Option<()> {
        let mut last = 0;
        while let Some((number, kind)) = cursor.field(last)? {
            match number {
                1 => self.values = u32::try_from(cursor.integer()?).ok()?,
                2 => self.encoding = cursor.integer()?,
                3 => self.definition_encoding = cursor.integer()?,
                4 => self.repetition_encoding = cursor.integer()?,
                _ => cursor.skip(kind)?,
            }
            last = number;
        }
        Some(())
    }

    fn dictionary(&mut self, cursor: &mut Cursor<'_>) -> Option<()> {
        let mut last = 0;
        while let Some((number, kind)) = cursor.field(last)? {
            match number {
                1 => self.values = u32::try_from(cursor.integer()?).ok()?,
                2 => self.encoding = cursor.integer()?,
                3 => self.is_sorted = kind.is_true(),
                _ => cursor.skip(kind)?,
            }
            last = number;
        }
        Some(())
    }

    fn data_v2(&mut self, cursor: &mut Cursor<'_>) -> Option<()> {
        let mut last = 0;
        while let Some((number, kind)) = cursor.field(last)? {
            match number {
                1 => self.values = u32::try_from(cursor.integer()?).ok()?,
                2 => self.nulls = u32::try_from(cursor.integer()?).ok()?,
                3 => self.rows = u32::try_from(cursor.integer()?).ok()?,
                4 => self.encoding = cursor.integer()?,
                5 => self.definition_bytes = usize::try_from(cursor.integer()?).ok()?,
                6 => self.repetition_bytes = usize::try_from(cursor.integer()?).ok()?,
                7 => self.is_packed = kind.is_true(),
                _ => cursor.skip(kind)?,
            }
            last = number;
        }
        Some(())
    }
}

fn encoding(number: i64) -> Option<Encoding> {
    #[expect(deprecated, reason = "old files have it")]
    Some(match number {
        0 => Encoding::PLAIN,
        2 => Encoding::PLAIN_DICTIONARY,
        3 => Encoding::RLE,
        4 => Encoding::BIT_PACKED,
        5 => Encoding::DELTA_BINARY_PACKED,
        6 => Encoding::DELTA_LENGTH_BYTE_ARRAY,
        7 => Encoding::DELTA_BYTE_ARRAY,
        8 => Encoding::RLE_DICTIONARY,
        9 => Encoding::BYTE_STREAM_SPLIT,
        _ => return None,
    })
}
