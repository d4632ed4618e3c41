//! The workbook. Numbers are numbers and text is text: nothing of the data is ever a formula, a
//! link or the name of a sheet.

mod compare;
mod correlation;
mod lists;
mod profile;
mod sheet;
mod table;

use chrono::{DateTime, Utc};
use lastcall_domain::Cancel;
use lastcall_domain::profile::Profile;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Workbook};

use crate::document::{Block, Document};
use crate::error::RenderError;
use crate::input::{ReportBody, ReportInput};
use sheet::{Look, Sheet};

/// Writes the workbook of a report. `doc` is the same report as text, for the first sheet.
///
/// # Errors
/// [`RenderError::Cancelled`] between two sheets or some thousand rows, and
/// [`RenderError::Workbook`].
pub(crate) fn xlsx(
    report: &ReportInput<'_>,
    doc: &Document,
    cancel: &Cancel,
) -> Result<Vec<u8>, RenderError> {
    let mut book = Workbook::new();
    book.set_properties(&properties(doc, report.created_at));
    match report.body {
        ReportBody::Profile(data) => {
            overview(&mut book, doc, Some(data))?;
            profile::sheets(&mut book, data, cancel)?;
        }
        ReportBody::Table { result, query } => {
            let notes = table::sheet(&mut book, result, cancel)?;
            table::about(&mut book, doc, query, &notes)?;
        }
        ReportBody::Correlation(data) => {
            overview(&mut book, doc, None)?;
            correlation::sheets(&mut book, data)?;
        }
        ReportBody::Compare(data) => {
            overview(&mut book, doc, None)?;
            compare::sheets(&mut book, data)?;
        }
        ReportBody::Other { .. } => {
            overview(&mut book, doc, None)?;
            tables(&mut book, doc)?;
        }
    }
    if cancel.is_cancelled() {
        return Err(RenderError::Cancelled);
    }
    Ok(book.save_to_buffer()?)
}

fn properties(doc: &Document, created_at: DateTime<Utc>) -> DocProperties {
    let properties = DocProperties::new()
        .set_title(doc.title.short.clone())
        .set_subject(doc.kind.clone())
        .set_author(doc.generator.clone());
    // A time that Excel cannot express is none of the reader's concern.
    match ExcelDateTime::from_timestamp(created_at.timestamp()) {
        Ok(at) => properties.set_creation_datetime(&at),
        Err(_) => properties,
    }
}

/// The first sheet: title, tiles, alerts, notes.
fn overview(
    book: &mut Workbook,
    doc: &Document,
    profile: Option<&Profile>,
) -> Result<(), RenderError> {
    let mut sheet = Sheet::new(book, "Overview", &[30.0, 22.0, 14.0, 80.0])?;
    let subtitle = match doc.subtitle.as_str() {
        "" => doc.kind.clone(),
        subtitle => format!("{} · {subtitle}", doc.kind),
    };
    sheet.title(&doc.title, &subtitle)?;
    for block in doc.sections.iter().flat_map(|section| &section.blocks) {
        match block {
            Block::Tiles { tiles } => {
                if let Some(profile) = profile {
                    profile::figures(&mut sheet, profile)?;
                    continue;
                }
                for tile in tiles {
                    sheet.fact(&tile.label, &tile.value, &tile.more)?;
                }
                sheet.skip();
            }
            Block::Alerts { alerts } => {
                sheet.header(&["Column", "Alert", "Detail", ""])?;
                for alert in alerts {
                    sheet.texts(&[&alert.column.short, alert.title, &alert.detail])?;
                }
                sheet.skip();
            }
            _ => {}
        }
    }
    sheet.notes(&doc.notes)?;
    sheet.muted(&format!("Generated {} by {}", doc.created, doc.generator))
}

/// A sheet for every table of a document that has no sheets of its own.
fn tables(book: &mut Workbook, doc: &Document) -> Result<(), RenderError> {
    let blocks = doc.sections.iter().flat_map(|section| &section.blocks);
    let tables = blocks.filter_map(|block| match block {
        Block::Table(table) => Some(table),
        _ => None,
    });
    for (i, table) in tables.enumerate() {
        let widths = vec![18.0; table.columns.len()];
        let mut sheet = Sheet::new(book, &format!("Table {}", i + 1), &widths)?;
        let titles: Vec<_> = table
            .columns
            .iter()
            .map(|column| column.title.short.as_str())
            .collect();
        sheet.header(&titles)?;
        sheet.freeze()?;
        for row in &table.rows {
            for (i, (cell, column)) in row.iter().zip(&table.columns).enumerate() {
                let figure = column
                    .figures
                    .then(|| cell.short.replace(',', "").parse().ok());
                match figure.flatten() {
                    Some(x) => sheet.number(i as u16, Some(x), Look::Figure)?,
                    None => sheet.text(i as u16, &cell.short)?,
                }
            }
            sheet.row += 1;
        }
    }
    Ok(())
}
