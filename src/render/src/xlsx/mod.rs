//! The workbook. Numbers stay numbers and text stays text: data never becomes a formula, a link
//! or the name of a sheet.

mod cell;
mod chart;
mod check;
mod compare;
mod correlation;
mod lists;
mod profile;
mod sheet;
mod table;

use std::any::Any;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

use chrono::{DateTime, Utc};
use lastcall_domain::Cancel;
use lastcall_domain::profile::Profile;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Workbook};

use crate::document::{Block, Document};
use crate::error::RenderError;
use crate::input::{ReportBody, ReportInput};
use crate::limits;
use crate::number::count;
use crate::query_result;
use sheet::{NumberFormat, Sheet};

/// Writes the workbook of a report.
///
/// # Errors
/// [`RenderError::Cancelled`] between two sheets or some thousand rows, [`RenderError::Workbook`],
/// [`RenderError::Environment`] if `scratch` cannot be written, and errors of `out`.
pub(crate) fn xlsx(
    report: &ReportInput<'_>,
    scratch: &Path,
    cancel: &Cancel,
    out: &mut (impl Write + Send),
) -> Result<(), RenderError> {
    // The library panics if a temporary file cannot be written or read.
    let written = catch_unwind(AssertUnwindSafe(|| write(report, scratch, cancel, out)));
    written.unwrap_or_else(|panic| match io_error_of(&*panic) {
        Some(error) => Err(error),
        None => resume_unwind(panic),
    })
}

/// The error of the operating system that caused a panic.
fn io_error_of(panic: &(dyn Any + Send)) -> Option<RenderError> {
    let (_, code) = panic
        .downcast_ref::<String>()?
        .split_once(": Os { code: ")?;
    let (code, _) = code.split_once(',')?;
    RenderError::of_scratch(&io::Error::from_raw_os_error(code.parse().ok()?))
}

fn write(
    report: &ReportInput<'_>,
    scratch: &Path,
    cancel: &Cancel,
    out: &mut (impl Write + Send),
) -> Result<(), RenderError> {
    let mut book = Workbook::new();
    book.set_tempdir(scratch)?;
    match report.body {
        ReportBody::Table { result, query } => {
            let found = table::sheet(&mut book, |sink| query_result::feed(result, sink, cancel))?;
            chart::sheet(&mut book, crate::plotted(report, cancel)?)?;
            table::about(&mut book, report, query, &found)?;
        }
        ReportBody::Stored { result, query } => {
            let found = table::sheet(&mut book, |sink| result.read(sink, cancel))?;
            chart::sheet(&mut book, crate::plotted(report, cancel)?)?;
            table::about(&mut book, report, query, &found)?;
        }
        ReportBody::Profile(data) => {
            overview(&mut book, report, Some(data), cancel)?;
            profile::sheets(&mut book, data, cancel)?;
        }
        ReportBody::Correlation(data) => {
            overview(&mut book, report, None, cancel)?;
            correlation::sheets(&mut book, data)?;
        }
        ReportBody::Compare(data) => {
            overview(&mut book, report, None, cancel)?;
            compare::sheets(&mut book, data)?;
        }
        ReportBody::Check(data) => {
            overview(&mut book, report, None, cancel)?;
            check::sheets(&mut book, data)?;
        }
        ReportBody::Other { .. } => {
            let doc = overview(&mut book, report, None, cancel)?;
            tables(&mut book, &doc)?;
        }
    }
    if cancel.is_cancelled() {
        return Err(RenderError::Cancelled);
    }
    Ok(book.save_to_writer(out)?)
}

fn properties(doc: &Document, created_at: DateTime<Utc>) -> DocProperties {
    let properties = DocProperties::new()
        .set_title(doc.title.short.clone())
        .set_subject(doc.kind.clone())
        .set_author(doc.generator.clone());
    // A time outside Excel's range is left out.
    match ExcelDateTime::from_timestamp(created_at.timestamp()) {
        Ok(at) => properties.set_creation_datetime(&at),
        Err(_) => properties,
    }
}

/// The first sheet: title, tiles, alerts and notes of the document.
fn overview(
    book: &mut Workbook,
    report: &ReportInput<'_>,
    profile: Option<&Profile>,
    cancel: &Cancel,
) -> Result<Document, RenderError> {
    let doc = crate::document(report, limits::XLSX, cancel)?;
    book.set_properties(&properties(&doc, report.created_at));
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
                    sheet.fact(tile)?;
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
            Block::AlertGroups { groups } => {
                sheet.header(&["Column", "Alert", "Importance", "Detail"])?;
                for group in groups {
                    for item in &group.items {
                        let column = &item.column.short;
                        sheet.texts(&[column, group.title, group.level, &item.detail])?;
                    }
                    if group.more > 0 {
                        let more = format!("and {} more", count(group.more));
                        sheet.texts(&["", group.title, group.level, &more])?;
                    }
                }
                sheet.skip();
            }
            _ => {}
        }
    }
    provenance(&mut sheet, &doc)?;
    sheet.notes(&doc.notes)?;
    Ok(doc)
}

/// The provenance of the data and the report.
fn provenance(sheet: &mut Sheet<'_>, doc: &Document) -> Result<(), RenderError> {
    if doc.provenance.is_empty() {
        return Ok(());
    }
    sheet.header(&["Provenance", "", "", ""])?;
    for fact in &doc.provenance {
        sheet.fact(fact)?;
    }
    sheet.skip();
    Ok(())
}

/// A sheet for each table of a document without sheets of its own.
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
                    Some(x) => sheet.number(i as u16, Some(x), NumberFormat::General)?,
                    None => sheet.text(i as u16, &cell.short)?,
                }
            }
            sheet.row += 1;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use lastcall_domain::Dependency;

    use super::*;

    #[test]
    fn a_panic_over_a_file_has_the_error_of_the_operating_system() {
        let full = || Err::<(), _>(io::Error::from_raw_os_error(28));
        let panic = catch_unwind(|| full().expect("Couldn't write to xml file"));
        let error = io_error_of(&*panic.unwrap_err()).unwrap();
        assert_eq!(error.dependency(), Some(Dependency::Scratch));
        let panic = catch_unwind(|| panic!("no such sheet")).unwrap_err();
        assert!(io_error_of(&*panic).is_none());
    }
}
