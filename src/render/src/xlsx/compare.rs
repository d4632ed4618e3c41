//! The sheets of a comparison.

use lastcall_domain::compare::{ColumnChange, Comparison};
use rust_xlsxwriter::{ConditionalFormatDataBar, Workbook};

use super::sheet::{MAX_ROWS, NumberFormat, Sheet};
use crate::document::status;
use crate::error::RenderError;
use crate::number::count;

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

const FIGURES: [&str; 9] = [
    "Column",
    "Mean before",
    "Mean after",
    "Median before",
    "Median after",
    "Min before",
    "Min after",
    "Max before",
    "Max after",
];

/// Adds the sheets.
pub(super) fn sheets(book: &mut Workbook, report: &Comparison) -> Result<(), RenderError> {
    columns(book, report)?;
    figures(book, report)?;
    values(book, report)
}

fn columns(book: &mut Workbook, report: &Comparison) -> Result<(), RenderError> {
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
            sheet.number(6 + i, Some(side.missing_share), NumberFormat::Share)?;
        }
        sheet.number(8, column.psi, NumberFormat::Coefficient)?;
        sheet.number(9, column.jensen_shannon, NumberFormat::Coefficient)?;
        if let Some(ks) = column.kolmogorov_smirnov {
            sheet.number(10, Some(ks.statistic), NumberFormat::Coefficient)?;
            sheet.number(11, Some(ks.p_value), NumberFormat::Scientific)?;
        }
        sheet.text(12, if column.estimated { "yes" } else { "" })?;
        sheet.number(13, column.error, NumberFormat::Scientific)?;
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

/// Mean, median, minimum and maximum of numbers, before and after.
fn figures(book: &mut Workbook, report: &Comparison) -> Result<(), RenderError> {
    if report.columns.iter().all(|column| column.numbers.is_none()) {
        return Ok(());
    }
    let widths = [[28.0].as_slice(), &[14.0; FIGURES.len() - 1]].concat();
    let mut sheet = Sheet::new(book, "Figures", &widths)?;
    sheet.header(&FIGURES)?;
    sheet.freeze()?;
    for column in &report.columns {
        let Some(numbers) = &column.numbers else {
            continue;
        };
        sheet.text(0, &column.name)?;
        let changes = [numbers.mean, numbers.median, numbers.min, numbers.max];
        let figures = changes.iter().flat_map(|one| [one.baseline, one.candidate]);
        for (i, figure) in (1..).zip(figures) {
            sheet.number(i, Some(figure.as_f64()), NumberFormat::General)?;
        }
        sheet.row += 1;
    }
    sheet.filter(0)
}

/// New and vanished values.
fn values(book: &mut Workbook, report: &Comparison) -> Result<(), RenderError> {
    let alone = |column: &ColumnChange| {
        let categories = column.categories.as_ref();
        categories.is_some_and(|c| !c.new.is_empty() || !c.vanished.is_empty())
    };
    if !report.columns.iter().any(alone) {
        return Ok(());
    }
    let mut sheet = Sheet::new(book, "New and vanished values", &[28.0, 12.0, 40.0, 14.0])?;
    sheet.header(&["Column", "Change", "Value", "Frequency"])?;
    sheet.freeze()?;
    for column in &report.columns {
        let Some(categories) = &column.categories else {
            continue;
        };
        let sides = [
            ("new", &categories.new, categories.new_count),
            ("vanished", &categories.vanished, categories.vanished_count),
        ];
        for (change, listed, all) in sides {
            for value in listed {
                sheet.text(0, &column.name)?;
                sheet.text(1, change)?;
                sheet.text(2, &value.value)?;
                sheet.count(3, value.baseline.max(value.candidate))?;
                sheet.row += 1;
            }
            let more = all.unwrap_or(0).saturating_sub(listed.len() as u64);
            if more > 0 {
                sheet.text(0, &column.name)?;
                sheet.text(1, change)?;
                sheet.text(2, &format!("and {} more", count(more)))?;
                sheet.row += 1;
            }
        }
    }
    sheet.filter(0)
}
