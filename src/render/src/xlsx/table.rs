//! The sheets of a query result, written row by row.

use lastcall_domain::{SqlColumn, SqlResult};
use rust_xlsxwriter::Workbook;
use serde_json::Value;

use super::sheet::{MAX_COLUMNS, MAX_ROWS, Sheet};
use super::{properties, provenance};
use crate::document;
use crate::error::RenderError;
use crate::input::ReportInput;
use crate::limits;
use crate::number::count;
use crate::query_result::{RowSink, Totals};
use crate::text::width;

/// How many rows determine the widths of the columns.
const SAMPLE: u32 = 200;

/// The result without its rows, and notes on them.
pub(super) struct Found {
    /// The result without its rows.
    result: SqlResult,
    notes: Vec<String>,
}

/// Writes the rows that `read` sends to the sink.
pub(super) fn sheet(
    book: &mut Workbook,
    read: impl FnOnce(&mut dyn RowSink) -> Result<Totals, RenderError>,
) -> Result<Found, RenderError> {
    let mut rows = RowWriter {
        sheet: Sheet::row_by_row(book, "Result")?,
        columns: Vec::new(),
        widths: Vec::new(),
        temporal: Vec::new(),
    };
    let totals = read(&mut rows)?;
    let shown = u64::from(rows.sheet.row.saturating_sub(1));
    rows.sheet
        .widths(rows.widths.iter().map(|w| (*w).clamp(8, 60) as f64 + 1.0))?;
    rows.sheet.filter(0)?;
    let columns = rows.columns.len().min(MAX_COLUMNS);
    let mut notes = Vec::new();
    if totals.truncated {
        notes.push(format!(
            "The query had more rows than the limit; the result has the first {}.",
            count(totals.rows)
        ));
    }
    if shown < totals.rows || columns < rows.columns.len() {
        notes.push(format!(
            "A sheet holds {} rows and {} columns; what is beyond is in the job's result.",
            count(shown),
            count(columns as u64)
        ));
    }
    Ok(Found {
        result: SqlResult {
            columns: rows.columns,
            rows: Vec::new(),
            row_count: totals.rows,
            truncated: totals.truncated,
        },
        notes,
    })
}

/// Writes each row as it arrives.
struct RowWriter<'a> {
    sheet: Sheet<'a>,
    columns: Vec<SqlColumn>,
    widths: Vec<usize>,
    /// Which columns are dates or timestamps.
    temporal: Vec<bool>,
}

impl RowSink for RowWriter<'_> {
    fn width(&self) -> usize {
        MAX_COLUMNS
    }

    fn columns(&mut self, columns: Vec<SqlColumn>) -> Result<(), RenderError> {
        let shown = &columns[..columns.len().min(MAX_COLUMNS)];
        self.widths = shown.iter().map(|column| width(&column.name) + 3).collect();
        self.temporal = shown
            .iter()
            .map(|column| is_temporal(&column.kind))
            .collect();
        let titles: Vec<_> = shown.iter().map(|column| column.name.as_str()).collect();
        self.sheet.header(&titles)?;
        self.sheet.freeze()?;
        self.columns = columns;
        Ok(())
    }

    fn row(&mut self, row: Vec<Value>) -> Result<bool, RenderError> {
        let sampled = self.sheet.row <= SAMPLE;
        for (i, value) in row.iter().take(self.widths.len()).enumerate() {
            if sampled {
                self.widths[i] = self.widths[i].max(width_of(value));
            }
            match value {
                Value::String(at) if self.temporal[i] => self.sheet.timestamp(i as u16, at)?,
                value => self.sheet.value(i as u16, value)?,
            }
        }
        self.sheet.row += 1;
        Ok(self.sheet.row < MAX_ROWS)
    }
}

/// Whether the type is a date or a timestamp.
fn is_temporal(kind: &str) -> bool {
    let kind = kind.to_ascii_lowercase();
    kind.starts_with("date") || kind.starts_with("timestamp")
}

fn width_of(value: &Value) -> usize {
    value
        .as_str()
        .map_or_else(|| value.to_string().len(), width)
}

/// Adds the sheet with the provenance of the rows.
pub(super) fn about(
    book: &mut Workbook,
    report: &ReportInput<'_>,
    query: Option<&str>,
    found: &Found,
) -> Result<(), RenderError> {
    let at = report.created_at;
    let mut doc = document::table(&found.result, report.title, query, None, at, limits::XLSX);
    doc.comes_from(report.origin);
    book.set_properties(&properties(&doc, at));
    let mut sheet = Sheet::new(book, "About", &[60.0, 60.0])?;
    sheet.title(&doc.title, &doc.subtitle)?;
    if let Some(query) = query {
        sheet.header(&["Query"])?;
        sheet.texts(&[query])?;
        sheet.skip();
    }
    provenance(&mut sheet, &doc)?;
    sheet.notes(&found.notes)
}
