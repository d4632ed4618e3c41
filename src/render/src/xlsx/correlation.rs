//! The sheets of a correlation analysis.

use lastcall_domain::correlation::{Coefficient, CorrelationReport, Pair};
use rust_xlsxwriter::Workbook;

use super::sheet::{MAX_ROWS, NumberFormat, Sheet};
use crate::error::RenderError;

const COLUMNS: [(&str, f64); 11] = [
    ("Column", 28.0),
    ("Other column", 28.0),
    ("Rows", 12.0),
    ("Pearson's r", 12.0),
    ("p-value", 12.0),
    ("Spearman's ρ", 12.0),
    ("p-value", 12.0),
    ("Cramér's V", 12.0),
    ("p-value", 12.0),
    ("Mutual information", 12.0),
    ("p-value", 12.0),
];

/// Adds the sheets.
pub(super) fn sheets(book: &mut Workbook, report: &CorrelationReport) -> Result<(), RenderError> {
    // There may be as many pairs as a sheet has rows.
    let mut sheet = Sheet::row_by_row(book, "Pairs")?;
    sheet.widths(COLUMNS.iter().map(|(_, width)| *width))?;
    sheet.inner.set_row_height(0, 32)?;
    sheet.header(&COLUMNS.map(|(title, _)| title))?;
    sheet.freeze()?;
    for pair in report.pairs.iter().take(MAX_ROWS as usize - 1) {
        sheet.text(0, &pair.x)?;
        sheet.text(1, &pair.y)?;
        sheet.count(2, pair.n)?;
        for (i, coefficient) in measures(pair).into_iter().enumerate() {
            let Some(coefficient) = coefficient else {
                continue;
            };
            let column = 3 + 2 * i as u16;
            sheet.number(column, Some(coefficient.value), NumberFormat::Coefficient)?;
            sheet.number(column + 1, coefficient.p_value, NumberFormat::Scientific)?;
        }
        sheet.row += 1;
    }
    sheet.filter(0)?;
    if report.left_out.is_empty() {
        return Ok(());
    }
    let mut sheet = Sheet::new(book, "Excluded", &[28.0, 60.0])?;
    sheet.header(&["Column", "Reason"])?;
    sheet.freeze()?;
    for left in report.left_out.iter().take(MAX_ROWS as usize - 1) {
        sheet.texts(&[&left.column, &left.reason])?;
    }
    Ok(())
}

fn measures(pair: &Pair) -> [Option<Coefficient>; 4] {
    [
        pair.pearson,
        pair.spearman,
        pair.cramers_v,
        pair.mutual_information,
    ]
}
