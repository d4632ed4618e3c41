//! The sheets of a profile: every figure as a number, one row per column of the data.

use lastcall_domain::Cancel;
use lastcall_domain::profile::{Column, Number, Profile};
use rust_xlsxwriter::{ConditionalFormat3ColorScale, ConditionalFormatDataBar, Workbook};
use serde_json::Value;

use super::sheet::{Look, MAX_COLUMNS, MAX_ROWS, Sheet};
use crate::error::RenderError;

const COLUMNS: [(&str, f64); 31] = [
    ("Column", 28.0),
    ("Type", 11.0),
    ("Count", 12.0),
    ("Missing", 12.0),
    ("Missing share", 10.0),
    ("Distinct", 12.0),
    ("Distinct is estimated", 11.0),
    ("Most frequent", 22.0),
    ("Its count", 12.0),
    ("Minimum", 20.0),
    ("Maximum", 20.0),
    ("Mean", 14.0),
    ("Std. deviation", 14.0),
    ("Variance", 14.0),
    ("Sum", 16.0),
    ("Skewness", 11.0),
    ("Kurtosis", 11.0),
    ("Zeros", 12.0),
    ("Negative", 12.0),
    ("Infinite", 10.0),
    ("1%", 12.0),
    ("5%", 12.0),
    ("25%", 12.0),
    ("Median", 12.0),
    ("75%", 12.0),
    ("95%", 12.0),
    ("99%", 12.0),
    ("Quantiles are estimated", 11.0),
    ("Shortest text", 10.0),
    ("Mean length", 10.0),
    ("Longest text", 10.0),
];

/// Adds the sheets.
pub(super) fn sheets(
    book: &mut Workbook,
    profile: &Profile,
    cancel: &Cancel,
) -> Result<(), RenderError> {
    columns(book, profile)?;
    if cancel.is_cancelled() {
        return Err(RenderError::Cancelled);
    }
    top_values(book, profile)?;
    histograms(book, profile)?;
    if cancel.is_cancelled() {
        return Err(RenderError::Cancelled);
    }
    let all = &profile.correlations;
    matrix(book, "Pearson", &all.columns, &all.pearson)?;
    matrix(book, "Spearman", &all.columns, &all.spearman)
}

fn columns(book: &mut Workbook, profile: &Profile) -> Result<(), RenderError> {
    let mut sheet = Sheet::new(book, "Columns", &COLUMNS.map(|(_, width)| width))?;
    sheet.inner.set_row_height(0, 32)?;
    sheet.header(&COLUMNS.map(|(title, _)| title))?;
    sheet.freeze()?;
    for column in profile.columns.iter().take(MAX_ROWS as usize - 1) {
        column_row(&mut sheet, column)?;
    }
    if sheet.row > 1 {
        let bar = ConditionalFormatDataBar::new()
            .set_fill_color("#E8A09A")
            .set_solid_fill(true);
        sheet
            .inner
            .add_conditional_format(1, 4, sheet.row - 1, 4, &bar)?;
        sheet.filter(0)?;
    }
    Ok(())
}

fn column_row(sheet: &mut Sheet<'_>, column: &Column) -> Result<(), RenderError> {
    let all = column.count + column.missing;
    sheet.text(0, &column.name)?;
    sheet.text(1, column.kind.as_str())?;
    sheet.count(2, column.count)?;
    sheet.count(3, column.missing)?;
    sheet.number(
        4,
        (all > 0).then(|| column.missing as f64 / all as f64),
        Look::Share,
    )?;
    sheet.count(5, column.distinct)?;
    sheet.text(6, if column.distinct_estimated { "yes" } else { "" })?;
    if let Some(top) = column.top.first() {
        sheet.value(7, &top.value)?;
        sheet.count(8, top.count)?;
    }
    if let Some(temporal) = &column.temporal {
        sheet.text(9, temporal.min.as_deref().unwrap_or_default())?;
        sheet.text(10, temporal.max.as_deref().unwrap_or_default())?;
    }
    if let Some(numeric) = &column.numeric {
        number(sheet, 9, numeric.min)?;
        number(sheet, 10, numeric.max)?;
        sheet.number(11, numeric.mean, Look::Figure)?;
        sheet.number(12, numeric.std, Look::Figure)?;
        sheet.number(13, numeric.variance, Look::Figure)?;
        number(sheet, 14, numeric.sum)?;
        sheet.number(15, numeric.skewness, Look::Coefficient)?;
        sheet.number(16, numeric.kurtosis, Look::Coefficient)?;
        sheet.count(17, numeric.zeros)?;
        sheet.count(18, numeric.negatives)?;
        sheet.count(19, numeric.infinities)?;
        let q = &numeric.quantiles;
        for (i, x) in [q.p01, q.p05, q.p25, q.p50, q.p75, q.p95, q.p99]
            .into_iter()
            .enumerate()
        {
            sheet.number(20 + i as u16, x, Look::Figure)?;
        }
        sheet.text(27, if q.estimated { "yes" } else { "" })?;
    }
    if let Some(text) = &column.text {
        let length = |n: Option<u64>| n.map(|n| n as f64);
        sheet.number(28, length(text.min_length), Look::Count)?;
        sheet.number(29, text.mean_length, Look::Figure)?;
        sheet.number(30, length(text.max_length), Look::Count)?;
    }
    sheet.row += 1;
    Ok(())
}

fn number(sheet: &mut Sheet<'_>, column: u16, n: Option<Number>) -> Result<(), RenderError> {
    match n {
        Some(Number::Integer(n)) => sheet.value(column, &Value::from(n)),
        Some(Number::Float(x)) => sheet.number(column, Some(x), Look::Figure),
        None => Ok(()),
    }
}

fn top_values(book: &mut Workbook, profile: &Profile) -> Result<(), RenderError> {
    let mut sheet = Sheet::new(book, "Top values", &[28.0, 8.0, 40.0, 14.0, 12.0])?;
    sheet.header(&["Column", "Rank", "Value", "Count", "Share of values"])?;
    sheet.freeze()?;
    for column in &profile.columns {
        for (i, top) in column.top.iter().enumerate() {
            if sheet.row >= MAX_ROWS {
                return Ok(());
            }
            sheet.text(0, &column.name)?;
            sheet.count(1, i as u64 + 1)?;
            sheet.value(2, &top.value)?;
            sheet.count(3, top.count)?;
            let share = (column.count > 0).then(|| top.count as f64 / column.count as f64);
            sheet.number(4, share, Look::Share)?;
            sheet.row += 1;
        }
    }
    sheet.filter(0)
}

fn histograms(book: &mut Workbook, profile: &Profile) -> Result<(), RenderError> {
    let mut sheet = Sheet::new(book, "Histograms", &[28.0, 24.0, 24.0, 14.0])?;
    sheet.header(&["Column", "From", "To", "Count"])?;
    sheet.freeze()?;
    for column in &profile.columns {
        let (edges, counts): (Vec<Value>, &[u64]) = if let Some(numeric) = &column.numeric {
            let edges = numeric.histogram.edges.iter().map(|edge| match edge {
                Number::Integer(n) => Value::from(*n),
                Number::Float(x) => Value::from(*x),
            });
            (edges.collect(), &numeric.histogram.counts)
        } else if let Some(temporal) = &column.temporal {
            let edges = temporal
                .histogram
                .edges
                .iter()
                .map(|edge| Value::from(edge.as_str()));
            (edges.collect(), &temporal.histogram.counts)
        } else {
            continue;
        };
        for (ends, count) in edges.windows(2).zip(counts) {
            if sheet.row >= MAX_ROWS {
                return Ok(());
            }
            sheet.text(0, &column.name)?;
            sheet.value(1, &ends[0])?;
            sheet.value(2, &ends[1])?;
            sheet.count(3, *count)?;
            sheet.row += 1;
        }
    }
    sheet.filter(0)
}

fn matrix(
    book: &mut Workbook,
    name: &str,
    names: &[String],
    matrix: &[Vec<Option<f64>>],
) -> Result<(), RenderError> {
    let n = names.len().min(matrix.len()).min(MAX_COLUMNS - 1);
    if n < 2 {
        return Ok(());
    }
    let mut widths = vec![12.0; n + 1];
    widths[0] = 28.0;
    let mut sheet = Sheet::new(book, name, &widths)?;
    let mut titles = vec![""];
    titles.extend(names.iter().take(n).map(String::as_str));
    sheet.header(&titles)?;
    sheet.freeze()?;
    for (name, row) in names.iter().zip(matrix).take(n) {
        sheet.text(0, name)?;
        for (i, r) in row.iter().take(n).enumerate() {
            sheet.number(i as u16 + 1, *r, Look::Coefficient)?;
        }
        sheet.row += 1;
    }
    let scale = ConditionalFormat3ColorScale::new()
        .set_minimum(rust_xlsxwriter::ConditionalFormatType::Number, -1)
        .set_midpoint(rust_xlsxwriter::ConditionalFormatType::Number, 0)
        .set_maximum(rust_xlsxwriter::ConditionalFormatType::Number, 1)
        .set_minimum_color("#B23A2E")
        .set_midpoint_color("#FAFAFA")
        .set_maximum_color("#6BA3D8");
    sheet
        .inner
        .add_conditional_format(1, 1, sheet.row - 1, n as u16, &scale)?;
    Ok(())
}
