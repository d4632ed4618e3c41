//! One sheet, written row by row, with the formats that all sheets share.

use lastcall_domain::profile::ColumnType;
use rust_xlsxwriter::{Color, Format, FormatAlign, FormatBorder, Workbook, Worksheet};
use serde_json::Value;

use super::cell::{DAYS, MAX_INTEGER, UNIX_EPOCH, fit, serial};
use crate::document::{Cell, Fact, Text};
use crate::error::RenderError;
use crate::text::width;

/// Excel's limit on rows.
pub(super) const MAX_ROWS: u32 = 1_048_576;
/// Excel's limit on columns.
pub(super) const MAX_COLUMNS: usize = 16_384;

/// The height of a line, in points.
const LINE: f64 = 15.0;
/// How much wider bold text is, with an allowance for line breaks.
const BOLD: f64 = 1.2;
/// The most lines of a header.
const HEADER_LINES: f64 = 8.0;

/// The format of a timestamp.
const TIME: &str = "yyyy-mm-dd hh:mm:ss";

const HEAD: Color = Color::RGB(0x002a_639c);
const MUTED: Color = Color::RGB(0x005f_6c7b);

/// The format of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberFormat {
    /// A whole number with thousands.
    Count,
    /// As many digits as needed.
    General,
    /// A share of one, as a percentage.
    Share,
    /// Three decimals.
    Coefficient,
    /// A mantissa and an exponent.
    Scientific,
}

/// A sheet and the next row to write.
pub(super) struct Sheet<'a> {
    pub(super) inner: &'a mut Worksheet,
    pub(super) row: u32,
    columns: u16,
    /// In characters.
    widths: Vec<f64>,
    formats: [Format; 5],
    head: Format,
    wrap: Format,
    date: Format,
    time: Format,
}

impl<'a> Sheet<'a> {
    /// A new sheet at the end of the workbook. `name` must not come from the data.
    pub(super) fn new(
        book: &'a mut Workbook,
        name: &str,
        widths: &[f64],
    ) -> Result<Self, RenderError> {
        let mut sheet = Self::of(book.add_worksheet(), name)?;
        sheet.widths(widths.iter().copied())?;
        Ok(sheet)
    }

    /// The same, written to disk row by row: earlier rows cannot be changed.
    pub(super) fn row_by_row(book: &'a mut Workbook, name: &str) -> Result<Self, RenderError> {
        Self::of(book.add_worksheet_with_constant_memory()?, name)
    }

    /// Sets the widths of the columns, and their number.
    pub(super) fn widths(&mut self, widths: impl Iterator<Item = f64>) -> Result<(), RenderError> {
        self.columns = 0;
        self.widths.clear();
        for width in widths.take(MAX_COLUMNS) {
            self.inner.set_column_width(self.columns, width)?;
            self.widths.push(width);
            self.columns += 1;
        }
        Ok(())
    }

    fn of(inner: &'a mut Worksheet, name: &str) -> Result<Self, RenderError> {
        inner.set_name(name)?;
        inner.set_screen_gridlines(false);
        inner
            .set_landscape()
            .set_paper_size(9)
            .set_print_fit_to_pages(1, 0);
        inner.set_footer("&L&8&A&R&8&P / &N");
        let number = |code: &str| {
            Format::new()
                .set_num_format(code)
                .set_align(FormatAlign::Right)
        };
        Ok(Self {
            inner,
            row: 0,
            columns: 0,
            widths: Vec::new(),
            formats: [
                number("#,##0"),
                Format::new().set_align(FormatAlign::Right),
                number("0.0%"),
                number("0.000"),
                number("0.00E+00"),
            ],
            head: Format::new()
                .set_bold()
                .set_font_color(Color::White)
                .set_background_color(HEAD)
                .set_align(FormatAlign::VerticalCenter)
                .set_border_bottom(FormatBorder::Thin)
                .set_text_wrap(),
            date: number("yyyy-mm-dd"),
            time: number(TIME),
            wrap: Format::new().set_text_wrap().set_align(FormatAlign::Top),
        })
    }

    /// The title of the report and a line below it.
    pub(super) fn title(&mut self, title: &Text, subtitle: &str) -> Result<(), RenderError> {
        let large = Format::new().set_bold().set_font_size(18);
        self.inner.set_row_height(self.row, 28)?;
        self.inner
            .write_string_with_format(self.row, 0, fit(&title.short), &large)?;
        self.row += 1;
        self.muted(subtitle)?;
        self.skip();
        Ok(())
    }

    /// A line in bold.
    pub(super) fn heading(&mut self, text: &str) -> Result<(), RenderError> {
        let bold = Format::new().set_bold().set_font_size(14);
        self.inner
            .write_string_with_format(self.row, 0, fit(text), &bold)?;
        self.row += 1;
        Ok(())
    }

    /// A header row, as high as its titles need: not every program adjusts rows to wrapped text.
    pub(super) fn header(&mut self, titles: &[&str]) -> Result<(), RenderError> {
        let lines = titles.iter().zip(&self.widths).map(|(title, column)| {
            let bold = width(title) as f64 * BOLD;
            (bold / column).ceil()
        });
        let lines = lines.fold(1.0, f64::max).min(HEADER_LINES);
        self.inner.set_row_height(self.row, LINE * lines)?;
        for (i, title) in titles.iter().take(MAX_COLUMNS).enumerate() {
            self.inner
                .write_string_with_format(self.row, i as u16, fit(title), &self.head)?;
        }
        self.row += 1;
        Ok(())
    }

    /// Freezes the rows so far and the first column, and repeats them on every printed page.
    pub(super) fn freeze(&mut self) -> Result<(), RenderError> {
        self.inner.set_freeze_panes(self.row, 1)?;
        self.inner.set_repeat_rows(self.row - 1, self.row - 1)?;
        Ok(())
    }

    /// An autofilter from the row `first` to the last row.
    pub(super) fn filter(&mut self, first: u32) -> Result<(), RenderError> {
        if self.columns > 0 && self.row > first {
            self.inner
                .autofilter(first, 0, self.row - 1, self.columns - 1)?;
        }
        Ok(())
    }

    /// A row of text.
    pub(super) fn texts(&mut self, cells: &[&str]) -> Result<(), RenderError> {
        for (i, cell) in cells.iter().take(MAX_COLUMNS).enumerate() {
            self.text(i as u16, cell)?;
        }
        self.row += 1;
        Ok(())
    }

    /// A label, a value and a note.
    pub(super) fn fact(&mut self, fact: &Fact) -> Result<(), RenderError> {
        let bold = Format::new().set_bold().set_align(FormatAlign::Left);
        self.text(0, &fact.label)?;
        let number = match &fact.cell {
            Some(Cell::Count(n)) if *n <= MAX_INTEGER => Some((*n as f64, "#,##0")),
            Some(Cell::Value(value)) => value
                .as_f64()
                .filter(|x| x.abs() <= MAX_INTEGER as f64)
                .map(|x| (x, "General")),
            Some(Cell::Time(at)) => serial(&at.to_rfc3339()).map(|(at, _)| (at, TIME)),
            _ => None,
        };
        match number {
            Some((x, code)) => {
                let bold = bold.set_num_format(code);
                self.inner.write_number_with_format(self.row, 1, x, &bold)?;
            }
            None => {
                self.inner
                    .write_string_with_format(self.row, 1, fit(&fact.value), &bold)?;
            }
        }
        self.text(2, &fact.more)?;
        self.row += 1;
        Ok(())
    }

    /// A heading and a line for each note.
    pub(super) fn notes(&mut self, notes: &[String]) -> Result<(), RenderError> {
        for note in notes {
            self.muted(note)?;
        }
        self.skip();
        Ok(())
    }

    /// A line in grey.
    pub(super) fn muted(&mut self, text: &str) -> Result<(), RenderError> {
        let muted = Format::new().set_font_color(MUTED);
        self.inner
            .write_string_with_format(self.row, 0, fit(text), &muted)?;
        self.row += 1;
        Ok(())
    }

    /// Skips a row.
    pub(super) fn skip(&mut self) {
        self.row += 1;
    }

    /// Writes a text.
    pub(super) fn text(&mut self, column: u16, text: &str) -> Result<(), RenderError> {
        if !text.is_empty() {
            let text = fit(text);
            if text.contains('\n') {
                self.inner
                    .write_string_with_format(self.row, column, text, &self.wrap)?;
            } else {
                self.inner.write_string(self.row, column, text)?;
            }
        }
        Ok(())
    }

    /// Writes a number; infinities and NaN become text, `None` leaves the cell empty.
    pub(super) fn number(
        &mut self,
        column: u16,
        x: Option<f64>,
        format: NumberFormat,
    ) -> Result<(), RenderError> {
        match x {
            Some(x) if x.is_finite() => {
                let format = &self.formats[format as usize];
                self.inner
                    .write_number_with_format(self.row, column, x, format)?;
            }
            Some(x) => self.text(column, &crate::number::figure(x))?,
            None => {}
        }
        Ok(())
    }

    /// Writes a count.
    pub(super) fn count(&mut self, column: u16, n: u64) -> Result<(), RenderError> {
        if n > MAX_INTEGER {
            return self.text(column, &n.to_string());
        }
        self.number(column, Some(n as f64), NumberFormat::Count)
    }

    /// Writes a value of the data, by its JSON type.
    pub(super) fn value(&mut self, column: u16, value: &Value) -> Result<(), RenderError> {
        match value {
            Value::Null => Ok(()),
            Value::Bool(b) => {
                self.inner.write_boolean(self.row, column, *b)?;
                Ok(())
            }
            Value::Number(n) => {
                let whole = n.as_i64().map(i64::unsigned_abs).or(n.as_u64());
                match whole {
                    Some(size) if size > MAX_INTEGER => self.text(column, &n.to_string()),
                    _ => self.number(column, n.as_f64(), NumberFormat::General),
                }
            }
            Value::String(text) => self.text(column, text),
            nested => self.text(column, &nested.to_string()),
        }
    }
}

impl Sheet<'_> {
    /// Writes a value of a column of the given type.
    pub(super) fn value_of(
        &mut self,
        column: u16,
        kind: ColumnType,
        value: &Value,
    ) -> Result<(), RenderError> {
        match (kind, value) {
            (ColumnType::Date | ColumnType::Timestamp, Value::String(at)) => {
                self.timestamp(column, at)
            }
            (_, value) => self.value(column, value),
        }
    }

    /// Writes a date, or a timestamp in UTC: as a date of Excel from 1900 to 9999, otherwise as
    /// text.
    pub(super) fn timestamp(&mut self, column: u16, at: &str) -> Result<(), RenderError> {
        let Some((serial, is_date)) = serial(at) else {
            return self.text(column, at);
        };
        let format = if is_date { &self.date } else { &self.time };
        self.inner
            .write_number_with_format(self.row, column, serial, format)?;
        Ok(())
    }
}

impl Sheet<'_> {
    /// Writes a timestamp in seconds since 1970, if it is in Excel's range.
    pub(super) fn timestamp_at(
        &mut self,
        column: u16,
        seconds: f64,
        is_date: bool,
    ) -> Result<(), RenderError> {
        let format = if is_date { &self.date } else { &self.time };
        let serial = seconds / 86_400.0 + UNIX_EPOCH;
        if DAYS.contains(&serial) {
            self.inner
                .write_number_with_format(self.row, column, serial, format)?;
        }
        Ok(())
    }
}
