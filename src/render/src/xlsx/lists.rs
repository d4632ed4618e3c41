//! The sheets of a profile with top values and histograms.

use lastcall_domain::profile::{Column, ColumnType, Number, Profile};
use rust_xlsxwriter::{
    Chart, ChartFont, ChartFormat, ChartLine, ChartSolidFill, ChartType, Color, Workbook,
};
use serde_json::Value;

use super::sheet::{MAX_ROWS, NumberFormat, Sheet};
use crate::error::RenderError;
use crate::number::figure;
use crate::text::shorten;

/// How many histograms are drawn, how many of them side by side, and their size in pixels.
const CHARTS: usize = 40;
const BESIDE: usize = 2;
const SIZE: (u32, u32) = (460, 240);

/// How many rows and columns of the default size a chart covers, with a gap.
const ROWS_PER_CHART: u32 = 13;
const COLUMNS_PER_CHART: u16 = 8;
const BAR: Color = Color::RGB(0x003b_76b0);
const GRID: Color = Color::RGB(0x00e3_e8ee);

/// The rows of a column's histogram in its sheet.
pub(super) struct HistogramRows {
    name: String,
    first: u32,
    last: u32,
}

/// Adds the sheet of top values.
pub(super) fn top_values(book: &mut Workbook, profile: &Profile) -> Result<(), RenderError> {
    let mut sheet = Sheet::new(book, "Top values", &[28.0, 8.0, 40.0, 14.0, 12.0])?;
    sheet.header(&["Column", "Rank", "Value", "Frequency", "Share of values"])?;
    sheet.freeze()?;
    for column in &profile.columns {
        for (i, top) in column.top.iter().enumerate() {
            if sheet.row >= MAX_ROWS {
                return Ok(());
            }
            sheet.text(0, &column.name)?;
            sheet.count(1, i as u64 + 1)?;
            sheet.value_of(2, column.kind, &top.value)?;
            sheet.count(3, top.count)?;
            let share = (column.count > 0).then(|| top.count as f64 / column.count as f64);
            sheet.number(4, share, NumberFormat::Share)?;
            sheet.row += 1;
        }
    }
    sheet.filter(0)
}

/// Adds the sheet of histograms; returns the rows of each.
pub(super) fn histograms(
    book: &mut Workbook,
    profile: &Profile,
) -> Result<Vec<HistogramRows>, RenderError> {
    let mut sheet = Sheet::new(book, "Histograms", &[28.0, 24.0, 24.0, 14.0, 14.0])?;
    sheet.header(&["Column", "From", "To", "Count", "Label"])?;
    sheet.freeze()?;
    let mut histograms = Vec::new();
    for column in &profile.columns {
        let (edges, counts): (Vec<Value>, &[u64]) = if let Some(numeric) = &column.numeric {
            let edges = numeric.histogram.edges.iter().map(|edge| match edge {
                Number::Integer(n) => Value::from(*n),
                other => Value::from(other.as_f64()),
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
        let first = sheet.row;
        for (ends, count) in edges.windows(2).zip(counts) {
            if sheet.row >= MAX_ROWS {
                return Ok(histograms);
            }
            sheet.text(0, &column.name)?;
            edge(&mut sheet, 1, &ends[0])?;
            edge(&mut sheet, 2, &end(column, &ends[1]))?;
            sheet.count(3, *count)?;
            sheet.text(4, &label(&ends[0]))?;
            sheet.row += 1;
        }
        // A histogram of one bar is not worth a chart.
        if sheet.row > first + 1 {
            histograms.push(HistogramRows {
                name: shorten(&column.name, 60),
                first,
                last: sheet.row - 1,
            });
        }
    }
    sheet.filter(0)?;
    Ok(histograms)
}

/// An edge as a number or a date. No edge is text.
fn edge(sheet: &mut Sheet<'_>, column: u16, edge: &Value) -> Result<(), RenderError> {
    match edge {
        Value::String(at) => sheet.timestamp(column, at),
        edge => sheet.value(column, edge),
    }
}

/// The end of an interval; intervals of integers end before the next one begins.
fn end(column: &Column, next: &Value) -> Value {
    match next.as_i64() {
        Some(next) if column.kind == ColumnType::Integer => Value::from(next - 1),
        _ => next.clone(),
    }
}

/// The label of an edge on the axis.
fn label(edge: &Value) -> String {
    match edge {
        Value::String(at) => at.split('T').next().unwrap_or(at).to_owned(),
        edge => edge.as_f64().map_or_else(String::new, figure),
    }
}

/// Adds the sheet of charts. Their values are references to the sheet of histograms, so that no
/// text of the data can be read as a reference.
pub(super) fn charts(book: &mut Workbook, histograms: &[HistogramRows]) -> Result<(), RenderError> {
    if histograms.is_empty() {
        return Ok(());
    }
    let sheet = Sheet::new(book, "Charts", &[])?;
    for (i, rows) in histograms.iter().take(CHARTS).enumerate() {
        let mut chart = Chart::new(ChartType::Column);
        chart
            .add_series()
            .set_categories(("Histograms", rows.first, 4, rows.last, 4))
            .set_values(("Histograms", rows.first, 3, rows.last, 3))
            .set_gap(4)
            .set_format(ChartFormat::new().set_solid_fill(ChartSolidFill::new().set_color(BAR)));
        chart
            .title()
            .set_name(("Histograms", rows.first, 0))
            .set_font(ChartFont::new().set_size(12).set_bold());
        chart.legend().set_hidden();
        chart
            .y_axis()
            .set_min(0)
            .set_major_gridlines_line(ChartLine::new().set_color(GRID));
        chart.set_width(SIZE.0).set_height(SIZE.1);
        chart.set_alt_text(format!("Histogram of {}", rows.name));
        let row = (i / BESIDE) as u32 * ROWS_PER_CHART;
        let column = (i % BESIDE) as u16 * COLUMNS_PER_CHART;
        sheet.inner.insert_chart(row, column, &chart)?;
    }
    Ok(())
}
