//! The sheets of a query's answer.

use lastcall_domain::{Cancel, SqlResult};
use rust_xlsxwriter::Workbook;

use super::sheet::{MAX_COLUMNS, MAX_ROWS, Sheet};
use crate::document::Document;
use crate::error::RenderError;
use crate::number::count;
use crate::text::width;

/// Rows by which the widths of the columns are chosen, and between two looks at the flag.
const SAMPLE: usize = 200;
const LOOK_EVERY: usize = 4_096;

/// The rows of the answer, and what did not fit.
pub(super) fn sheet(
    book: &mut Workbook,
    result: &SqlResult,
    cancel: &Cancel,
) -> Result<Vec<String>, RenderError> {
    let columns = result.columns.len().min(MAX_COLUMNS);
    let rows = result.rows.len().min(MAX_ROWS as usize - 1);
    let mut sheet = Sheet::new(book, "Result", &widths(result, columns))?;
    let titles: Vec<_> = result.columns[..columns]
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    sheet.header(&titles)?;
    sheet.freeze()?;
    for (i, row) in result.rows[..rows].iter().enumerate() {
        if i % LOOK_EVERY == 0 && cancel.is_cancelled() {
            return Err(RenderError::Cancelled);
        }
        for (j, value) in row.iter().take(columns).enumerate() {
            sheet.value(j as u16, value)?;
        }
        sheet.row += 1;
    }
    sheet.filter(0)?;
    let mut notes = Vec::new();
    if result.truncated {
        notes.push(format!(
            "The query had more rows than the limit; the answer holds the first {}.",
            count(result.row_count)
        ));
    }
    if rows < result.rows.len() || columns < result.columns.len() {
        notes.push(format!(
            "A sheet holds {} rows and {} columns; what is beyond is in the job's result.",
            count(rows as u64),
            count(columns as u64)
        ));
    }
    Ok(notes)
}

/// Where the rows come from.
pub(super) fn about(
    book: &mut Workbook,
    doc: &Document,
    query: Option<&str>,
    notes: &[String],
) -> Result<(), RenderError> {
    let mut sheet = Sheet::new(book, "About", &[100.0])?;
    sheet.title(&doc.title, &doc.subtitle)?;
    if let Some(query) = query {
        sheet.header(&["Query"])?;
        sheet.texts(&[query])?;
        sheet.skip();
    }
    sheet.notes(notes)?;
    sheet.muted(&format!("Generated {} by {}", doc.created, doc.generator))
}

fn widths(result: &SqlResult, columns: usize) -> Vec<f64> {
    (0..columns)
        .map(|i| {
            let cells = result.rows.iter().take(SAMPLE).filter_map(|row| row.get(i));
            let longest = cells
                .map(|value| {
                    value
                        .as_str()
                        .map_or_else(|| value.to_string().len(), width)
                })
                .chain([width(&result.columns[i].name) + 3])
                .max();
            longest.unwrap_or(10).clamp(8, 60) as f64 + 1.0
        })
        .collect()
}
