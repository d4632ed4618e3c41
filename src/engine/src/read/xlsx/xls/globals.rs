//! The globals of a workbook, before its sheets.

use std::io::{Read, Seek};

use super::super::kind::protected;
use super::formats::Formats;
use super::malformed;
use super::records::{Record, Records};
use super::texts::{Bytes, Charset, SharedTexts};
use crate::EngineError;
use crate::job::JobContext;
use crate::limits::Limits;

/// `BOF`: the start of a substream.
pub(super) const BOF: u16 = 0x0809;
/// `EOF`: its end.
pub(super) const EOF: u16 = 0x000a;
const DATE_1904: u16 = 0x0022;
const FILE_PASS: u16 = 0x002f;
const CODE_PAGE: u16 = 0x0042;
const BOUND_SHEET: u16 = 0x0085;
const XF: u16 = 0x00e0;
const SST: u16 = 0x00fc;
const FORMAT: u16 = 0x041e;

/// The version of Excel 97, since which texts are UTF-16.
const BIFF8: u16 = 0x0600;
/// The most sheets of a workbook: more than Excel can open.
const MAX_SHEETS: usize = 1 << 14;

/// A worksheet.
pub(super) struct SheetOffset {
    pub(super) name: String,
    /// The offset of its records in the stream.
    pub(super) at: u64,
    pub(super) is_hidden: bool,
}

/// The globals.
pub(super) struct Globals {
    pub(super) charset: Charset,
    pub(super) is_1904: bool,
    pub(super) formats: Formats,
    pub(super) texts: SharedTexts,
    /// The worksheets, in order, without charts and macro sheets.
    pub(super) sheets: Vec<SheetOffset>,
}

impl Globals {
    pub(super) fn read<R: Read + Seek>(
        records: &mut Records<R>,
        limits: &Limits,
        context: JobContext<'_>,
    ) -> Result<Self, EngineError> {
        let first = records.next()?.filter(|record| record.kind == BOF);
        let first = first.ok_or_else(|| malformed("it does not begin as a workbook does"))?;
        let is_unicode = first.u16(0)? >= BIFF8;
        let mut globals = Self {
            charset: if is_unicode {
                Charset::Utf16
            } else {
                Charset::of_code_page(1252)
            },
            is_1904: false,
            formats: Formats::default(),
            texts: SharedTexts::default(),
            sheets: Vec::new(),
        };
        for number in 0u64.. {
            if number % 1024 == 0 {
                context.check()?;
            }
            let Some(record) = records.next()? else {
                break;
            };
            match record.kind {
                EOF => break,
                FILE_PASS => return Err(protected()),
                DATE_1904 => globals.is_1904 = record.u16(0)? != 0,
                CODE_PAGE if !is_unicode => {
                    globals.charset = Charset::of_code_page(record.u16(0)?);
                }
                XF => globals.formats.add_cell_format(record.u16(2)?),
                FORMAT => {
                    let number = record.u16(0)?;
                    let code = globals.short_or_long(records, record, 2, is_unicode)?;
                    globals.formats.define(number, &code);
                }
                BOUND_SHEET => globals.add_sheet(records, record)?,
                SST => {
                    let bytes = Bytes::new(records, record, 0);
                    globals.texts = SharedTexts::read(bytes, limits.columns, context)?;
                }
                _ => {}
            }
        }
        Ok(globals)
    }

    fn add_sheet<R: Read + Seek>(
        &mut self,
        records: &mut Records<R>,
        record: Record,
    ) -> Result<(), EngineError> {
        const WORKSHEET: u8 = 0;
        let (at, kind) = (u64::from(record.u32(0)?), record.u8(5)?);
        let is_hidden = record.u8(4)? & 3 != 0;
        if kind != WORKSHEET {
            return Ok(());
        }
        let name = self.short_or_long(records, record, 6, false)?;
        if self.sheets.len() == MAX_SHEETS {
            return Err(malformed(format!("it has more than {MAX_SHEETS} sheets")));
        }
        self.sheets.push(SheetOffset {
            name,
            at,
            is_hidden,
        });
        Ok(())
    }

    /// A text at an offset of a record, with a length of one or two bytes.
    fn short_or_long<R: Read + Seek>(
        &self,
        records: &mut Records<R>,
        record: Record,
        at: usize,
        is_long: bool,
    ) -> Result<String, EngineError> {
        let mut bytes = Bytes::new(records, record, at);
        let characters = if is_long {
            bytes.u16()?
        } else {
            u16::from(bytes.u8()?)
        };
        bytes.text(characters, self.charset)
    }
}
