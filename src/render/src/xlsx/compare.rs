//! The sheet of a comparison.

use lastcall_domain::compare::Comparison;
use rust_xlsxwriter::{ConditionalFormatDataBar, Workbook};

use super::sheet::{Look, MAX_ROWS, Sheet};
use crate::document::status;
use crate::error::RenderError;

const COLUMNS: [(&str, f64); 14] = [
    ("Column", 28.0),
    ("Change", 16.0),
    ("Type before", 11.0),
    ("Type after", 11.0),
    ("Count before", 12.0),
    ("Count after", 12.0),
    ("Missing before", 12.0),
    ("Missing after", 12.0),
    ("Population stability index", 12.0),
    ("Jensen–Shannon distance", 12.0),
    ("Kolmogorov–Smirnov", 12.0),
    ("p-value", 12.0),
    ("Is estimated", 11.0),
    ("Error of the statistic", 12.0),
];

/// Adds the sheet.
pub(super) fn sheets(book: &mut Workbook, report: &Comparison) -> Result<(), RenderError> {
    let mut sheet = Sheet::new(book, "Columns", &COLUMNS.map(|(_, width)| width))?;
    sheet.inner.set_row_height(0, 32)?;
    sheet.header(&COLUMNS.map(|(title, _)| title))?;
    sheet.freeze()?;
    for column in report.columns.iter().take(MAX_ROWS as usize - 1) {
        sheet.text(0, &column.name)?;
        sheet.text(1, status(column))?;
        for (i, side) in [column.baseline, column.candidate].into_iter().enumerate() {
            let Some(side) = side else { continue };
            let i = i as u16;
            sheet.text(2 + i, side.kind.as_str())?;
            sheet.count(4 + i, side.count)?;
            sheet.number(6 + i, Some(side.missing_share), Look::Share)?;
        }
        sheet.number(8, column.psi, Look::Coefficient)?;
        sheet.number(9, column.jensen_shannon, Look::Coefficient)?;
        if let Some(ks) = column.kolmogorov_smirnov {
            sheet.number(10, Some(ks.statistic), Look::Coefficient)?;
            sheet.number(11, Some(ks.p_value), Look::Scientific)?;
        }
        sheet.text(12, if column.estimated { "yes" } else { "" })?;
        sheet.number(13, column.error, Look::Scientific)?;
        sheet.row += 1;
    }
    if sheet.row > 1 {
        let bar = ConditionalFormatDataBar::new()
            .set_fill_color("#E8A09A")
            .set_solid_fill(true);
        sheet
            .inner
            .add_conditional_format(1, 8, sheet.row - 1, 8, &bar)?;
        sheet.filter(0)?;
    }
    Ok(())
}
