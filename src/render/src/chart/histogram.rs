//! Bars of counts over intervals of equal width.

use lastcall_domain::profile::digits_within;

use super::axis::{labelled, side_by_side, ticks};
use super::{BAR, Chart, INK, LINE, MARK, MUTED, Plain, Svg, WIDTH, text_width};
use crate::number;

/// The edges of a histogram's intervals.
pub(crate) enum Edges<'a> {
    /// Numbers, for an axis with ticks at round values.
    Numbers(&'a [f64]),
    /// Integers: an interval ends before the next one begins.
    Whole(&'a [f64]),
    /// Formatted labels; the first, the middle and the last one are shown.
    Labels(&'a [String]),
}

impl Edges<'_> {
    fn label(&self, i: usize) -> String {
        match self {
            Self::Numbers(edges) | Self::Whole(edges) => {
                edges.get(i).map_or_else(String::new, |x| figure(edges, *x))
            }
            Self::Labels(edges) => edges.get(i).cloned().unwrap_or_default(),
        }
    }

    /// The end of the interval before interval `i`.
    fn end(&self, i: usize) -> String {
        match self {
            Self::Whole(edges) => edges
                .get(i)
                .map_or_else(String::new, |x| figure(edges, *x - 1.0)),
            _ => self.label(i),
        }
    }

    /// The label of the intervals from `first` to the one before `after`.
    pub(super) fn between(&self, first: usize, after: usize) -> String {
        let (first, end) = (self.label(first), self.end(after));
        if first == end && matches!(self, Self::Whole(_)) {
            first
        } else {
            format!("{first} to {end}")
        }
    }
}

/// An edge with the digits that tell it from the others.
fn figure(edges: &[f64], x: f64) -> String {
    let (first, last) = (edges[0], edges[edges.len() - 1]);
    let largest = first.abs().max(last.abs());
    number::figure_of(x, digits_within(largest, last - first))
}

const HEIGHT: u32 = 152;
const LEFT: f64 = 40.0;
const TOP: f64 = 14.0;
const PLOT_W: f64 = WIDTH as f64 - LEFT - 12.0;
const PLOT_H: f64 = HEIGHT as f64 - TOP - 24.0;

/// Draws a histogram of `counts` between `edges` (one more than counts), with marks at shares of
/// its width. `None` if there is nothing to draw.
pub(crate) fn histogram(
    caption: &str,
    subject: &str,
    edges: &Edges<'_>,
    counts: &[u64],
    marks: &[(&str, f64)],
) -> Option<Chart> {
    let most = *counts.iter().max()?;
    if most == 0 {
        return None;
    }
    let alt = format!(
        "Histogram of {subject}: {} intervals from {} to {}, the fullest with {} rows",
        counts.len(),
        edges.label(0),
        edges.end(counts.len()),
        number::count(most),
    );
    let mut svg = Svg::new(WIDTH, HEIGHT, &alt);
    let top = most as f64;
    // Counts are whole.
    let whole = ticks(0.0, top, 4).into_iter().filter(|n| n.fract() == 0.0);
    for (tick, label) in labelled(whole.collect()) {
        let y = TOP + PLOT_H * (1.0 - tick / top);
        svg.line([LEFT, y, LEFT + PLOT_W, y], "grid", LINE);
        svg.text((LEFT - 6.0, y + 3.5), "end", MUTED, "", &label);
    }
    let step = PLOT_W / counts.len() as f64;
    // Narrow bars have no gap.
    let gap = if step > 6.0 { 1.0 } else { 0.0 };
    svg.open("bar", BAR);
    for (i, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        // A bar that is not empty is visible, however small.
        let h = (PLOT_H * *count as f64 / top).max(1.0);
        let hint = format!("{}: {}", edges.between(i, i + 1), number::count(*count));
        let x = LEFT + step * i as f64 + gap / 2.0;
        svg.part([x, TOP + PLOT_H - h, step - gap, h], &hint);
    }
    svg.close();
    for (label, at) in marks {
        let x = LEFT + PLOT_W * at;
        svg.line([x, TOP, x, TOP + PLOT_H], "mark", MARK);
        svg.text((x, TOP - 1.0), "middle", MUTED, r#" font-size="8""#, label);
    }
    let base = TOP + PLOT_H;
    svg.line([LEFT, base, LEFT + PLOT_W, base], "axis", MUTED);
    for (at, label) in labels(edges, counts.len()) {
        let x = LEFT + PLOT_W * at;
        let anchor = anchor(edges, at, &label);
        svg.line([x, base, x, base + 4.0], "axis", MUTED);
        svg.text((x, base + 16.0), anchor, INK, "", &label);
    }
    Some(Chart {
        svg: svg.finish(),
        alt,
        caption: caption.to_owned(),
        width: WIDTH,
        wide: false,
        rows: Vec::new(),
        plain: Plain::Line(format!(
            "{}: {}",
            edges.between(0, counts.len()),
            sparkline(counts, most)
        )),
    })
}

/// The counts in eighths of a character's height; an empty interval is the lowest bar.
pub(super) fn sparkline(counts: &[u64], most: u64) -> String {
    const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let level = |count: u64| (count as f64 / most as f64 * 8.0).ceil() as usize;
    counts
        .iter()
        .map(|count| match level(*count) {
            0 => '_',
            n => LEVELS[n.min(8) - 1],
        })
        .collect()
}

/// Positions (0 to 1) and texts along the horizontal axis.
pub(super) fn labels(edges: &Edges<'_>, intervals: usize) -> Vec<(f64, String)> {
    let (numbers, half) = match edges {
        Edges::Numbers(numbers) => (*numbers, 0.0),
        // The label of an integer is in the middle of its bar.
        Edges::Whole(numbers) => (*numbers, 0.5),
        Edges::Labels(_) => (&[][..], 0.0),
    };
    if let (Some(min), Some(max)) = (numbers.first(), numbers.last()) {
        let at_ticks = side_by_side(*min, *max - 2.0 * half, 6, PLOT_W);
        if at_ticks.len() >= 2 {
            let share = |tick: f64| (tick + half - min) / (max - min);
            let placed = at_ticks
                .into_iter()
                .map(|(tick, label)| (share(tick), label));
            return placed.collect();
        }
    }
    let (first, last) = (edges.label(0), edges.end(intervals));
    let mut ends = vec![(0.0, first)];
    if intervals.is_multiple_of(2) {
        let middle = edges.label(intervals / 2);
        if text_width(&middle) < PLOT_W / 3.0 {
            ends.push((0.5, middle));
        }
    }
    ends.push((1.0, last));
    ends
}

/// The anchor of a label, which must not exceed the drawing.
pub(super) fn anchor(edges: &Edges<'_>, at: f64, label: &str) -> &'static str {
    let is_text = matches!(edges, Edges::Labels(_));
    if at > 0.9 {
        "end"
    } else if at < 0.1 && (is_text || text_width(label) / 2.0 > LEFT) {
        "start"
    } else {
        "middle"
    }
}
