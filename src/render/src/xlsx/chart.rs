//! The sheet of a query result's chart: a native chart, and its numbers next to it.

use lastcall_domain::ChartType as Kind;
use rust_xlsxwriter::{
    Chart, ChartEmptyCells, ChartFont, ChartFormat, ChartLine, ChartMarker, ChartMarkerType,
    ChartSolidFill, ChartType, Workbook,
};

use super::sheet::{NumberFormat, Sheet};
use crate::error::RenderError;
use crate::number::count;
use crate::plot::{Plot, Positions};
use crate::text::width;

const NAME: &str = "Chart";
/// The colours of the columns, as in HTML.
const COLOURS: [u32; 8] = [
    0x003b_76b0,
    0x00c2_571a,
    0x002e_8b57,
    0x008e_5ea2,
    0x00a6_7c00,
    0x00c2_3b6b,
    0x003f_8594,
    0x006b_7280,
];
const GRID: u32 = 0x00e3_e8ee;
/// The most points of a column that every spreadsheet program draws.
const MAX_POINTS: usize = 32_000;
/// The row of the column names, below the title and an empty row.
const HEAD: u32 = 2;
const SIZE: (u32, u32) = (860, 440);

/// Writes the sheet, if there is a chart.
pub(super) fn sheet(book: &mut Workbook, plot: Option<Plot>) -> Result<(), RenderError> {
    let Some(plot) = plot else {
        return Ok(());
    };
    let rows = plot.x.len().min(MAX_POINTS);
    let mut sheet = Sheet::new(book, NAME, &widths(&plot, rows))?;
    sheet.heading(&plot.title)?;
    sheet.skip();
    let head: Vec<_> = [plot.x_name.as_str()]
        .into_iter()
        .chain(plot.series.iter().map(|series| series.name.as_str()))
        .collect();
    sheet.header(&head)?;
    for row in 0..rows {
        match &plot.x {
            Positions::Categories(names) => sheet.text(0, &names[row])?,
            Positions::Numbers(at) => {
                sheet.number(0, at.get(row).copied(), NumberFormat::General)?
            }
            Positions::Times { at, days } => {
                sheet.timestamp_at(0, at.get(row).copied().unwrap_or(0.0), *days)?;
            }
        }
        for (i, series) in plot.series.iter().enumerate() {
            let value = series.values.get(row).copied().flatten();
            sheet.number(i as u16 + 1, value, NumberFormat::General)?;
        }
        sheet.row += 1;
    }
    sheet.skip();
    let mut notes = plot.notes.clone();
    if rows < plot.x.len() {
        let all = count(plot.x.len() as u64);
        notes.push(format!(
            "The chart shows {} of {all} rows.",
            count(rows as u64)
        ));
    }
    sheet.notes(&notes)?;
    let beside = plot.series.len() as u16 + 2;
    if rows > 0 && !plot.is_empty() {
        let chart = chart(&plot, rows as u32);
        sheet.inner.insert_chart(HEAD, beside, &chart)?;
    }
    Ok(())
}

/// Titles and names refer to cells, so that no text of the data is read as a formula.
fn chart(plot: &Plot, rows: u32) -> Chart {
    let (kind, horizontal) = kind_of(plot);
    let mut chart = Chart::new(kind);
    let (first, last) = (HEAD + 1, HEAD + rows);
    for i in 0..plot.series.len() {
        let colour = COLOURS[i % COLOURS.len()];
        let column = i as u16 + 1;
        let series = chart.add_series();
        series
            .set_name((NAME, HEAD, column))
            .set_categories((NAME, first, 0, last, 0))
            .set_values((NAME, first, column, last, column));
        match plot.kind {
            Kind::Bar => {
                let mut fill = ChartSolidFill::new();
                fill.set_color(colour);
                series.set_format(ChartFormat::new().set_solid_fill(&fill));
                series.set_gap(40);
            }
            Kind::Line => {
                let mut line = ChartLine::new();
                line.set_color(colour).set_width(1.75);
                series.set_format(ChartFormat::new().set_line(&line));
                series.set_marker(ChartMarker::new().set_none());
            }
            Kind::Scatter => {
                let mut fill = ChartFormat::new()
                    .set_solid_fill(ChartSolidFill::new().set_color(colour).set_transparency(30))
                    .set_no_border()
                    .clone();
                series.set_marker(
                    ChartMarker::new()
                        .set_type(MARKERS[i % MARKERS.len()])
                        .set_size(5)
                        .set_format(&mut fill),
                );
            }
        }
    }
    chart
        .title()
        .set_name((NAME, 0, 0))
        .set_font(ChartFont::new().set_size(12).set_bold());
    if plot.series.len() == 1 {
        chart.legend().set_hidden();
        chart.y_axis().set_name((NAME, HEAD, 1));
    }
    chart.x_axis().set_name((NAME, HEAD, 0));
    let grid = ChartLine::new().set_color(GRID).clone();
    chart.y_axis().set_major_gridlines_line(&grid);
    if plot.kind == Kind::Bar {
        begin_bars_at_zero(&mut chart, plot);
    }
    if let Positions::Times { days, .. } = &plot.x {
        let format = if *days {
            "yyyy-mm-dd"
        } else {
            "yyyy-mm-dd hh:mm"
        };
        chart.x_axis().set_num_format(format);
        if *days && plot.kind == Kind::Bar {
            chart.x_axis().set_date_axis(true);
        }
    }
    if horizontal {
        // The first row is at the top, as in HTML.
        chart.x_axis().set_reverse();
    }
    chart.show_empty_cells_as(ChartEmptyCells::Gaps);
    chart.set_width(SIZE.0).set_height(SIZE.1);
    chart.set_alt_text(plot.alt());
    chart
}

/// Sets the start of the axis to zero: some programs start it just below the shortest bar.
fn begin_bars_at_zero(chart: &mut Chart, plot: &Plot) {
    let values = plot.series.iter().flat_map(|series| &series.values);
    let (mut any_below, mut any_above) = (false, false);
    for value in values.flatten() {
        any_below |= *value < 0.0;
        any_above |= *value > 0.0;
    }
    match (any_below, any_above) {
        (false, _) => _ = chart.y_axis().set_min(0),
        (true, false) => _ = chart.y_axis().set_max(0),
        // An axis with both signs includes zero.
        (true, true) => {}
    }
}

const MARKERS: [ChartMarkerType; 4] = [
    ChartMarkerType::Circle,
    ChartMarkerType::Square,
    ChartMarkerType::Triangle,
    ChartMarkerType::Diamond,
];

/// The type of the native chart, and whether its bars are horizontal.
fn kind_of(plot: &Plot) -> (ChartType, bool) {
    let names = matches!(plot.x, Positions::Categories(_));
    match plot.kind {
        Kind::Bar if crate::chart::has_horizontal_bars(plot) => (ChartType::Bar, true),
        Kind::Bar => (ChartType::Column, false),
        Kind::Line if names => (ChartType::Line, false),
        Kind::Line => (ChartType::ScatterStraight, false),
        Kind::Scatter => (ChartType::Scatter, false),
    }
}

fn widths(plot: &Plot, rows: usize) -> Vec<f64> {
    let longest = (0..rows.min(200)).map(|row| width(&plot.x.label(row)));
    let first = longest.max().unwrap_or(0).max(width(&plot.x_name));
    let series = plot.series.iter().map(|series| width(&series.name));
    [first]
        .into_iter()
        .chain(series)
        .map(|w| w.clamp(10, 48) as f64 + 2.0)
        .collect()
}
