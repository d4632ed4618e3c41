//! Lines through the rows. Nulls are gaps; if rows are closer than the drawing can show, each
//! position keeps its first, minimum, maximum and last value.

use std::fmt::Write as _;

use super::bars::hint;
use super::frame::Frame;
use super::legend::colour;
use crate::plot::Plot;

/// Up to so many rows, each has a mark with a tooltip.
const MARKED: usize = 60;
/// The dash patterns of lines, besides their colours.
const DASHES: [&str; 4] = ["", "6 3", "2 3", "8 3 2 3"];

pub(super) fn draw(frame: &mut Frame, plot: &Plot) {
    for (i, series) in plot.series.iter().enumerate() {
        let (class, stroke) = colour(i);
        let points: Vec<_> = (0..plot.x.len())
            .map(|row| {
                let value = series.values.get(row).copied().flatten();
                (frame.x(plot, row), value.map(|value| frame.y(value)))
            })
            .collect();
        let points = if points.len() > frame.width as usize {
            thinned(&points)
        } else {
            points
        };
        let mut path = String::new();
        let mut lone = String::new();
        for (at, (x, y)) in points.iter().enumerate() {
            let Some(y) = y else { continue };
            let gap = |at: Option<usize>| {
                let beside = at.and_then(|at| points.get(at));
                beside.is_none_or(|(_, y)| y.is_none())
            };
            let (before, after) = (gap(at.checked_sub(1)), gap(Some(at + 1)));
            if before && after {
                let _ = write!(lone, "M{:.1} {y:.1}h4", x - 2.0);
            } else {
                let _ = write!(path, "{}{x:.1} {y:.1}", if before { 'M' } else { 'L' });
            }
        }
        let dash = DASHES[i % DASHES.len()];
        frame.svg.stroke(&path, class, stroke, dash);
        frame.svg.stroke(&lone, class, stroke, "");
        if plot.x.len() > MARKED {
            continue;
        }
        frame.svg.open(class, stroke);
        for (row, value) in series.values.iter().enumerate() {
            if let Some(value) = value {
                let at = (frame.x(plot, row), frame.y(*value));
                frame.svg.dot(at, 2.6, &hint(plot, i, row, *value));
            }
        }
        frame.svg.close();
    }
}

/// The points that a drawing with one position per unit can show.
fn thinned(points: &[(f64, Option<f64>)]) -> Vec<(f64, Option<f64>)> {
    let mut kept = Vec::new();
    for places in points.chunk_by(|a, b| a.0.floor() == b.0.floor()) {
        let known = |(at, (_, y)): (usize, &(f64, Option<f64>))| y.map(|y| (at, y));
        let values = || places.iter().enumerate().filter_map(known);
        let by = |a: &(usize, f64), b: &(usize, f64)| a.1.total_cmp(&b.1);
        let mut shown: Vec<_> = [
            values().next(),
            values().min_by(by),
            values().max_by(by),
            values().next_back(),
        ]
        .into_iter()
        .flatten()
        .map(|(at, _)| at)
        .collect();
        if shown.is_empty() {
            kept.push((places[0].0, None));
        }
        shown.sort_unstable();
        shown.dedup();
        kept.extend(shown.into_iter().map(|at| places[at]));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_keeps_its_ends_and_its_extremes() {
        let points: Vec<_> = (0..1_000)
            .map(|i| (f64::from(i) / 500.0, Some(f64::from((i * 7) % 500))))
            .chain([(2.5, None)])
            .collect();
        let kept = thinned(&points);
        assert!(kept.len() <= 9, "{kept:?}");
        for extreme in [0.0, 499.0] {
            assert!(kept.iter().any(|(_, y)| *y == Some(extreme)));
        }
        assert_eq!(kept.first(), points.first());
        assert_eq!(kept.last(), Some(&(2.5, None)));
    }
}
