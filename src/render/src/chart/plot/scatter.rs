//! Points. Of those that would cover one another, only one is drawn.

use std::collections::BTreeSet;

use super::bars::hint;
use super::frame::Frame;
use super::legend::colour;
use crate::plot::Plot;

/// Up to so many points, each has a tooltip.
const HINTED: usize = 500;
/// The most points of all columns together; more cannot be distinguished.
const MAX_POINTS: usize = 6_000;

/// Draws the points; returns a note if there are too many.
pub(super) fn draw(frame: &mut Frame, plot: &Plot) -> Option<String> {
    let mut note = None;
    let rows = plot.x.len();
    let each = MAX_POINTS / plot.series.len().max(1);
    for (i, series) in plot.series.iter().enumerate() {
        let (class, fill) = colour(i);
        let mut taken = BTreeSet::new();
        let mut points = Vec::new();
        for (row, value) in series.values.iter().enumerate() {
            let Some(value) = value else { continue };
            let at = (frame.x(plot, row), frame.y(*value));
            if taken.insert((at.0.round() as i64, at.1.round() as i64)) {
                points.push((row, *value, at));
            }
        }
        let every = points.len().div_ceil(each).max(1);
        if every > 1 {
            note = Some(format!(
                "There are more points than can be distinguished: one in {every} is drawn."
            ));
        }
        frame.svg.open_points(class, fill);
        for (row, value, at) in points.into_iter().step_by(every) {
            let hint = if rows <= HINTED {
                hint(plot, i, row, value)
            } else {
                String::new()
            };
            frame.svg.point(i, at, &hint);
        }
        frame.svg.close();
    }
    note
}
