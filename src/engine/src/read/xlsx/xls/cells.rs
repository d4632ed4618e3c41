//! The cells of a sheet, in the order of its rows.

use std::io::{Read, Seek, Write};

use calamine::{CellErrorType, DataRef, ExcelDateTime, ExcelDateTimeType};

use super::super::rows::SheetRows;
use super::formats::Shown;
use super::globals::{BOF, EOF, Globals};
use super::malformed;
use super::records::{Record, Records};
use super::texts::Bytes;
use crate::EngineError;
use crate::job::JobContext;

const FORMULA: u16 = 0x0006;
const MUL_RK: u16 = 0x00bd;
const R_STRING: u16 = 0x00d6;
const LABEL_SST: u16 = 0x00fd;
const NUMBER: u16 = 0x0203;
const LABEL: u16 = 0x0204;
const BOOL_ERR: u16 = 0x0205;
const STRING: u16 = 0x0207;
const RK: u16 = 0x027e;

/// Row and column, from 0.
type CellAddress = (u32, u32);

/// Copies the cells of the sheet that begins at the next record.
pub(super) fn copy<R: Read + Seek>(
    records: &mut Records<R>,
    globals: &Globals,
    rows: &mut SheetRows,
    out: &mut impl Write,
    context: JobContext<'_>,
) -> Result<(), EngineError> {
    let mut cells = Cells {
        globals,
        rows,
        out,
        row: 0,
    };
    // The text of a formula follows in a record of its own.
    let mut formula = None;
    // A sheet may contain charts.
    let mut depth = 0u32;
    for number in 0u64.. {
        if number % 1024 == 0 {
            context.check()?;
        }
        let Some(record) = records.next()? else {
            break;
        };
        match record.kind {
            BOF => depth += 1,
            _ if depth == 0 => return Err(malformed("a sheet does not begin with a BOF record")),
            EOF => {
                depth -= 1;
                if depth == 0 {
                    return Ok(());
                }
            }
            _ if depth > 1 => {}
            FORMULA => formula = cells.formula(&record)?,
            STRING => {
                let address = formula.take();
                let mut bytes = Bytes::new(records, record, 0);
                let characters = bytes.u16()?;
                let text = bytes.text(characters, globals.charset)?;
                if let Some(address) = address {
                    cells.add(address, &DataRef::SharedString(&text))?;
                }
            }
            LABEL | R_STRING => {
                let address = address(&record)?;
                let mut bytes = Bytes::new(records, record, 6);
                let characters = bytes.u16()?;
                let text = bytes.text(characters, globals.charset)?;
                cells.add(address, &DataRef::SharedString(&text))?;
            }
            _ => cells.plain(&record)?,
        }
    }
    Err(malformed("a sheet does not end"))
}

/// Whether the sheet that begins at the next record has a cell; one that cannot be read has none.
pub(super) fn any<R: Read + Seek>(
    records: &mut Records<R>,
    context: JobContext<'_>,
) -> Result<bool, EngineError> {
    let mut depth = 0u32;
    for number in 0u64.. {
        if number % 1024 == 0 {
            context.check()?;
        }
        let Ok(Some(record)) = records.next() else {
            break;
        };
        match record.kind {
            BOF => depth += 1,
            EOF if depth <= 1 => break,
            EOF => depth -= 1,
            FORMULA | MUL_RK | R_STRING | LABEL_SST | NUMBER | LABEL | BOOL_ERR | RK
                if depth == 1 =>
            {
                return Ok(true);
            }
            _ => {}
        }
    }
    Ok(false)
}

fn address(record: &Record) -> Result<CellAddress, EngineError> {
    Ok((u32::from(record.u16(0)?), u32::from(record.u16(2)?)))
}

struct Cells<'a, W> {
    globals: &'a Globals,
    rows: &'a mut SheetRows,
    out: &'a mut W,
    row: u32,
}

impl<W: Write> Cells<'_, W> {
    fn add(&mut self, address: CellAddress, cell: &DataRef<'_>) -> Result<(), EngineError> {
        if address.0 < self.row {
            return Err(malformed("the rows of a sheet are out of order"));
        }
        self.row = address.0;
        self.rows.add(address, cell, self.out)
    }

    /// A cell that is one record.
    fn plain(&mut self, record: &Record) -> Result<(), EngineError> {
        match record.kind {
            NUMBER => {
                let cell = self.number(record.u16(4)?, record.f64(6)?);
                self.add(address(record)?, &cell)
            }
            RK => {
                let cell = self.number(record.u16(4)?, rk(record.u32(6)?));
                self.add(address(record)?, &cell)
            }
            MUL_RK => self.numbers(record),
            BOOL_ERR => {
                let cell = match record.u8(7)? {
                    0 => DataRef::Bool(record.u8(6)? != 0),
                    _ => DataRef::Error(CellErrorType::NA),
                };
                self.add(address(record)?, &cell)
            }
            LABEL_SST => {
                let text = self.globals.texts.get(record.u32(6)?);
                let text = text.ok_or_else(|| malformed("a cell refers to a missing text"))?;
                self.add(address(record)?, &DataRef::SharedString(text))
            }
            _ => Ok(()),
        }
    }

    /// Adjacent numbers: the first column, then format and number of each, then the last column.
    fn numbers(&mut self, record: &Record) -> Result<(), EngineError> {
        let (row, first) = address(record)?;
        let numbers = record.data.len().saturating_sub(6) / 6;
        for (at, column) in (0..numbers).zip(first..) {
            let at = 4 + 6 * at;
            let cell = self.number(record.u16(at)?, rk(record.u32(at + 2)?));
            self.add((row, column), &cell)?;
        }
        Ok(())
    }

    /// Adds the cached value of a formula; returns its address if the value is a text, which
    /// follows in the next record.
    fn formula(&mut self, record: &Record) -> Result<Option<CellAddress>, EngineError> {
        let address = address(record)?;
        let cell = if record.u16(12)? == 0xffff {
            match record.u8(6)? {
                0 => return Ok(Some(address)),
                1 => DataRef::Bool(record.u8(8)? != 0),
                2 => DataRef::Error(CellErrorType::NA),
                _ => DataRef::SharedString(""),
            }
        } else {
            self.number(record.u16(4)?, record.f64(6)?)
        };
        self.add(address, &cell)?;
        Ok(None)
    }

    fn number(&self, cell_format: u16, value: f64) -> DataRef<'static> {
        let kind = match self.globals.formats.shown(cell_format) {
            Shown::Number => return DataRef::Float(value),
            Shown::Time => ExcelDateTimeType::DateTime,
            Shown::Duration => ExcelDateTimeType::TimeDelta,
        };
        let is_1904 = self.globals.is_1904;
        DataRef::DateTime(ExcelDateTime::new(value, kind, is_1904))
    }
}

/// `RkNumber`: 30 bits of an integer or the upper 30 of a double, of which the first bit below says
/// that it is to be divided by 100.
fn rk(bits: u32) -> f64 {
    let is_integer = bits & 2 != 0;
    let value = if is_integer {
        f64::from(bits.cast_signed() >> 2)
    } else {
        f64::from_bits(u64::from(bits & !3) << 32)
    };
    if bits & 1 == 0 { value } else { value / 100.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_numbers_are_integers_doubles_and_hundredths() {
        for (bits, value) in [
            (0x3ff0_0000, 1.0),
            (0x3ff0_0001, 0.01),
            ((12_345 << 2) | 2, 12_345.0),
            ((12_345 << 2) | 3, 123.45),
            ((-7i32).cast_unsigned() << 2 | 2, -7.0),
        ] {
            assert!((rk(bits) - value).abs() < f64::EPSILON, "{bits:x}");
        }
    }
}
