//! The sheets of a check.

use lastcall_domain::check::CheckReport;
use rust_xlsxwriter::Workbook;

use super::sheet::{MAX_ROWS, Sheet};
use crate::error::RenderError;

const CHECKS: [(&str, f64); 9] = [
    ("Check", 14.0),
    ("Columns", 28.0),
    ("Name", 20.0),
    ("Expected", 44.0),
    ("Result", 10.0),
    ("Failing rows", 12.0),
    ("Detail", 44.0),
    ("Error", 18.0),
    ("In the contract", 36.0),
];
const ROWS: [(&str, f64); 5] = [
    ("Check", 14.0),
    ("Columns", 28.0),
    ("Row", 10.0),
    ("Column", 28.0),
    ("Value", 44.0),
];

/// Adds the sheets.
pub(super) fn sheets(book: &mut Workbook, report: &CheckReport) -> Result<(), RenderError> {
    let mut sheet = Sheet::new(book, "Checks", &CHECKS.map(|(_, width)| width))?;
    sheet.header(&CHECKS.map(|(title, _)| title))?;
    sheet.freeze()?;
    for check in &report.checks {
        sheet.text(0, &check.check)?;
        sheet.text(1, &check.columns.join(", "))?;
        sheet.text(2, check.name.as_deref().unwrap_or_default())?;
        sheet.text(3, &check.expected)?;
        sheet.text(4, check.status.as_str())?;
        if let Some(failed) = check.failed_rows {
            sheet.count(5, failed)?;
        }
        sheet.text(6, check.detail.as_deref().unwrap_or_default())?;
        sheet.text(7, check.error.as_deref().unwrap_or_default())?;
        sheet.text(8, &check.path)?;
        sheet.row += 1;
    }
    sheet.filter(0)?;
    let mut sheet = Sheet::new(book, "Failing rows", &ROWS.map(|(_, width)| width))?;
    sheet.header(&ROWS.map(|(title, _)| title))?;
    sheet.freeze()?;
    for check in &report.checks {
        for row in &check.examples {
            for (column, value) in &row.values {
                if sheet.row >= MAX_ROWS {
                    return Ok(());
                }
                sheet.text(0, &check.check)?;
                sheet.text(1, &check.columns.join(", "))?;
                if let Some(number) = row.row {
                    sheet.count(2, number)?;
                }
                sheet.text(3, column)?;
                sheet.value(4, value)?;
                sheet.row += 1;
            }
        }
    }
    sheet.filter(0)
}
