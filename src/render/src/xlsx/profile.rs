//! The sheets of a profile: statistics as numbers, one row for each column of the data.

use lastcall_domain::Cancel;
use lastcall_domain::profile::{Column, Number, Profile};
use rust_xlsxwriter::{ConditionalFormat3ColorScale, ConditionalFormatDataBar, Workbook};
use serde_json::Value;

use super::lists;
use super::sheet::{MAX_COLUMNS, MAX_ROWS, NumberFormat, Sheet};
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
    ("Frequency", 12.0),
    ("Min", 20.0),
    ("Max", 20.0),
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
    ("Min length", 10.0),
    ("Mean length", 10.0),
    ("Max length", 10.0),
];

/// Writes the statistics of the whole dataset.
pub(super) fn figures(sheet: &mut Sheet<'_>, profile: &Profile) -> Result<(), RenderError> {
    let data = &profile.dataset;
    let about = if data.duplicate_rows_estimated {
        "estimated"
    } else {
        ""
    };
    for (label, n, of, more) in [
        ("Rows", data.rows, 0, ""),
        ("Columns", data.columns, 0, ""),
        (
            "Missing cells",
            data.missing_cells,
            data.rows.saturating_mul(data.columns),
            "",
        ),
        ("Duplicate rows", data.duplicate_rows, data.rows, about),
        ("Bytes", data.bytes, 0, data.format.as_str()),
    ] {
        sheet.text(0, label)?;
        sheet.count(1, n)?;
        sheet.number(
            2,
            (of > 0).then(|| n as f64 / of as f64),
            NumberFormat::Share,
        )?;
        sheet.text(3, more)?;
        sheet.row += 1;
    }
    sheet.skip();
    Ok(())
}

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
    lists::top_values(book, profile)?;
    let places = lists::histograms(book, profile)?;
    lists::charts(book, &places)?;
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
        NumberFormat::Share,
    )?;
    sheet.count(5, column.distinct)?;
    sheet.text(6, if column.distinct_estimated { "yes" } else { "" })?;
    if let Some(top) = column.top.first() {
        match &top.decimal {
            Some(decimal) => sheet.text(7, &decimal.to_string())?,
            None => sheet.value_of(7, column.kind, &top.value)?,
        }
        sheet.count(8, top.count)?;
    }
    if let Some(temporal) = &column.temporal {
        sheet.timestamp(9, temporal.min.as_deref().unwrap_or_default())?;
        sheet.timestamp(10, temporal.max.as_deref().unwrap_or_default())?;
    }
    if let Some(numeric) = &column.numeric {
        number(sheet, 9, numeric.min)?;
        number(sheet, 10, numeric.max)?;
        sheet.number(11, numeric.mean, NumberFormat::General)?;
        sheet.number(12, numeric.std, NumberFormat::General)?;
        sheet.number(13, numeric.variance, NumberFormat::General)?;
        number(sheet, 14, numeric.sum)?;
        sheet.number(15, numeric.skewness, NumberFormat::Coefficient)?;
        sheet.number(16, numeric.kurtosis, NumberFormat::Coefficient)?;
        sheet.count(17, numeric.zeros)?;
        sheet.count(18, numeric.negatives)?;
        sheet.count(19, numeric.infinities)?;
        let q = &numeric.quantiles;
        for (i, x) in [q.p01, q.p05, q.p25, q.p50, q.p75, q.p95, q.p99]
            .into_iter()
            .enumerate()
        {
            sheet.number(20 + i as u16, x.map(Number::as_f64), NumberFormat::General)?;
        }
        sheet.text(27, if q.estimated { "yes" } else { "" })?;
    }
    if let Some(text) = &column.text {
        let length = |n: Option<u64>| n.map(|n| n as f64);
        sheet.number(28, length(text.min_length), NumberFormat::Count)?;
        sheet.number(29, text.mean_length, NumberFormat::General)?;
        sheet.number(30, length(text.max_length), NumberFormat::Count)?;
    }
    sheet.row += 1;
    Ok(())
}

fn number(sheet: &mut Sheet<'_>, column: u16, n: Option<Number>) -> Result<(), RenderError> {
    match n {
        Some(Number::Integer(n)) => sheet.value(column, &Value::from(n)),
        Some(Number::Float(x)) => sheet.number(column, Some(x), NumberFormat::General),
        // Excel's numbers have 15 digits.
        Some(Number::Decimal(decimal)) => sheet.text(column, &decimal.to_string()),
        None => Ok(()),
    }
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
            sheet.number(i as u16 + 1, *r, NumberFormat::Coefficient)?;
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
