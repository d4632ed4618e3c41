//! Bars: vertical if their names fit below them, otherwise horizontal.

use super::super::axis::Scale;
use super::super::{INK, LINE, MUTED, Svg, fit, text_width};
use super::frame::Frame;
use super::layout::{WIDTH, least_gap};
use super::legend::{Legend, colour, fit_to};
use crate::plot::{Plot, Positions};

/// The share of a row's width that its bars take.
const FILLED: f64 = 0.76;
/// The widest bar.
const MAX_BAR: f64 = 64.0;
/// The narrowest bar that is visible.
const MIN_BAR: f64 = 1.0;
/// The height of a horizontal bar, and the gap between two rows of them.
const THICK: f64 = 13.0;
const BETWEEN: f64 = 8.0;
/// The maximum width of the names of horizontal bars.
const MAX_LABEL: f64 = 200.0;

/// Draws vertical bars, those of a row next to each other.
pub(super) fn vertical(frame: &mut Frame, plot: &Plot) {
    let step = match plot.x.places() {
        None => 1.0,
        Some(places) => least_gap(places).unwrap_or(1.0),
    };
    let series = plot.series.len() as f64;
    let room = (step * frame.unit() * FILLED).clamp(MIN_BAR, MAX_BAR * series);
    let wide = (room / series).max(MIN_BAR);
    let zero = frame.y(0.0);
    for (i, one) in plot.series.iter().enumerate() {
        let (class, fill) = colour(i);
        frame.svg.open(class, fill);
        for (row, value) in one.values.iter().enumerate() {
            let Some(value) = value else { continue };
            let x = frame.x(plot, row) - room / 2.0 + wide * i as f64;
            let y = frame.y(*value);
            // A value other than 0 is visible, however small.
            let high = (zero - y).abs().max(if *value == 0.0 { 0.0 } else { 1.0 });
            let gap = if wide > 4.0 { 0.5 } else { 0.0 };
            let hint = hint(plot, i, row, *value);
            let bar = [x + gap, y.min(zero), wide - 2.0 * gap, high];
            frame.svg.part(bar, &hint);
        }
        frame.svg.close();
    }
    let (left, right) = (frame.left, frame.left + frame.width);
    frame.svg.line([left, zero, right, zero], "axis", MUTED);
}

/// The tooltip of a mark.
pub(super) fn hint(plot: &Plot, series: usize, row: usize, value: f64) -> String {
    let label = plot.x.label(row);
    let value = plot.series[series].figure(value);
    match plot.series.as_slice() {
        [_] => format!("{label}: {value}"),
        all => format!("{label}, {}: {value}", all[series].label()),
    }
}

/// Draws horizontal bars, the rows below each other, with their names before them.
pub(super) fn horizontal(plot: &Plot, alt: &str) -> Option<String> {
    let Positions::Categories(names) = &plot.x else {
        return None;
    };
    let (min, max) = plot.range()?;
    let values = Scale::of(plot.kind, min, max);
    let legend = Legend::of(plot);
    let top = legend.height + 8.0;
    let row_h = THICK * plot.series.len() as f64 + BETWEEN;
    let bottom = top + row_h * names.len() as f64;
    let shown: Vec<_> = names.iter().map(|name| fit(name, MAX_LABEL)).collect();
    let widest = shown
        .iter()
        .map(|name| text_width(name))
        .fold(0.0, f64::max);
    let left = widest.max(text_width(&fit_to(&plot.x_name, MAX_LABEL)).min(MAX_LABEL)) + 8.0;
    let figures: Vec<Vec<String>> = plot
        .series
        .iter()
        .map(|one| (0..names.len()).map(|row| one.written(row)).collect())
        .collect();
    let figure = figures.iter().flatten().map(|text| text_width(text));
    let right = figure.fold(0.0, f64::max) + 10.0;
    let width = (WIDTH - left - right).max(80.0);
    let mut svg = Svg::new(WIDTH as u32, (bottom + 24.0).ceil() as u32, alt);
    legend.draw(&mut svg);
    let place = |value: f64| left + width * values.share(value);
    for (value, label) in values.labels() {
        let x = place(value);
        svg.line([x, top, x, bottom], "grid", LINE);
        svg.text((x, bottom + 14.0), "middle", MUTED, "", &label);
    }
    let name = fit_to(&plot.x_name, left - 8.0);
    let whole = if name == plot.x_name {
        ""
    } else {
        &plot.x_name
    };
    svg.hinted((0.0, bottom + 14.0), "start", MUTED, whole, &name);
    let zero = place(0.0);
    for (row, (name, short)) in names.iter().zip(&shown).enumerate() {
        let y = top + row_h * row as f64 + BETWEEN / 2.0;
        let middle = y + (row_h - BETWEEN) / 2.0 + 3.5;
        let whole = if short == name { "" } else { name };
        svg.hinted((0.0, middle), "start", INK, whole, short);
        for (i, one) in plot.series.iter().enumerate() {
            let (class, fill) = colour(i);
            let y = y + THICK * i as f64;
            let figure = &figures[i][row];
            let end = match one.values.get(row).copied().flatten() {
                None => zero,
                Some(value) => {
                    let at = place(value);
                    let long = (at - zero).abs().max(if value == 0.0 { 0.0 } else { 1.0 });
                    let hint = hint(plot, i, row, value);
                    svg.rect(
                        [at.min(zero), y + 1.0, long, THICK - 2.0],
                        class,
                        fill,
                        &hint,
                    );
                    at.max(zero)
                }
            };
            svg.text((end + 5.0, y + THICK - 3.0), "start", MUTED, "", figure);
        }
    }
    svg.line([zero, top, zero, bottom], "axis", MUTED);
    Some(svg.finish())
}
