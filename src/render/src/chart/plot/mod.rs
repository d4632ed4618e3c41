//! The chart of a query result: bars, lines or points on axes, with a legend.

mod bars;
mod frame;
mod layout;
mod legend;
mod lines;
mod scatter;
mod time_axis;

use lastcall_domain::ChartType;

use super::{Chart, Plain};
use crate::plot::{Plot, Positions};
use frame::{Frame, categories_fit};

/// The width in CSS pixels at which its font size matches the text around it.
const SHOWN_WIDTH: u32 = 720;

/// Draws the chart; returns it with a note on what is not shown. `None` if there is nothing to
/// draw.
pub(crate) fn plot(plot: &Plot) -> Option<(Chart, Option<String>)> {
    if plot.is_empty() {
        return None;
    }
    let alt = plot.alt();
    let mut note = None;
    let svg = if !has_horizontal_bars(plot) {
        let mut frame = Frame::new(plot, &alt)?;
        match plot.kind {
            ChartType::Bar => bars::vertical(&mut frame, plot),
            ChartType::Line => lines::draw(&mut frame, plot),
            ChartType::Scatter => note = scatter::draw(&mut frame, plot),
        }
        frame.finish()
    } else {
        bars::horizontal(plot, &alt)?
    };
    let chart = Chart {
        svg,
        alt,
        caption: plot.title.clone(),
        width: SHOWN_WIDTH,
        rows: Vec::new(),
        plain: plain(plot),
        wide: true,
    };
    Some((chart, note))
}

/// Whether its bars are horizontal, as their names do not fit below vertical ones.
pub(crate) fn has_horizontal_bars(plot: &Plot) -> bool {
    plot.kind == ChartType::Bar && !categories_fit(&plot.x)
}

/// The form for formats without drawings: the figures of bars, otherwise a summary of each column.
fn plain(plot: &Plot) -> Plain {
    let head = |what: &str| [what.to_owned(), "Values".to_owned()];
    if plot.kind != ChartType::Bar || !matches!(plot.x, Positions::Categories(_)) {
        let ends = plot.ends().map_or_else(String::new, |(first, last)| {
            format!(" ({}: {first} to {last})", plot.x_name)
        });
        return Plain::Table {
            head: head(&format!("Column{ends}")),
            rows: plot.summaries(),
        };
    }
    let figures = |row: usize| {
        let values = plot.series.iter().map(|series| {
            let value = series.written(row);
            match plot.series.len() {
                1 => value,
                _ => format!("{} {value}", series.label()),
            }
        });
        values.collect::<Vec<_>>().join(", ")
    };
    let names = plot.series.iter().map(|series| series.label());
    Plain::Table {
        head: [plot.x_name.clone(), names.collect::<Vec<_>>().join(", ")],
        rows: (0..plot.x.len())
            .map(|row| (plot.x.label(row), figures(row)))
            .collect(),
    }
}
