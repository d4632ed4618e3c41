//! Two distributions in one chart, baseline and candidate, as shares of each side.

use super::axis::{labelled, ticks};
use super::histogram::{anchor, labels, sparkline};
use super::{BAR, BEFORE, Chart, Edges, INK, LINE, MUTED, Plain, Svg, WIDTH, fit};
use crate::number;

const HEIGHT: u32 = 164;
const LEFT: f64 = 44.0;
const TOP: f64 = 26.0;
const PLOT_W: f64 = WIDTH as f64 - LEFT - 12.0;
const PLOT_H: f64 = HEIGHT as f64 - TOP - 24.0;
/// The height of a category, with both of its bars.
const ROW: u32 = 24;
/// The width for the label of a category, and for its two figures.
const LABEL_W: f64 = 110.0;
const FIGURE_W: f64 = 46.0;

/// The counts of one category on each side.
pub(crate) struct Pair {
    /// The name of the category, in full.
    pub label: String,
    /// The count in the baseline.
    pub before: u64,
    /// The count in the candidate.
    pub after: u64,
}

/// The share of a count.
fn share(count: u64, total: u64) -> f64 {
    count as f64 / total.max(1) as f64
}

/// Draws two histograms over the same intervals: the baseline as bars, the candidate as a line.
/// `None` if there is nothing to draw.
pub(crate) fn overlay(
    subject: &str,
    edges: &Edges<'_>,
    before: &[u64],
    after: &[u64],
) -> Option<Chart> {
    let totals = [before.iter().sum::<u64>(), after.iter().sum()];
    let shares: Vec<[f64; 2]> = before
        .iter()
        .zip(after)
        .map(|(&before, &after)| [share(before, totals[0]), share(after, totals[1])])
        .collect();
    let top = shares.iter().flatten().copied().fold(0.0, f64::max);
    if top <= 0.0 {
        return None;
    }
    let intervals = shares.len();
    let between = edges.between(0, intervals);
    let alt = format!(
        "Distribution of {subject} before and after, as shares of each: {intervals} intervals, {between}"
    );
    let mut svg = Svg::new(WIDTH, HEIGHT, &alt);
    legend(&mut svg);
    for (tick, label) in labelled(ticks(0.0, top * 100.0, 4)) {
        let y = TOP + PLOT_H * (1.0 - tick / (top * 100.0));
        svg.line([LEFT, y, LEFT + PLOT_W, y], "grid", LINE);
        svg.text(
            (LEFT - 6.0, y + 3.5),
            "end",
            MUTED,
            "",
            &format!("{label}%"),
        );
    }
    let step = PLOT_W / intervals as f64;
    let gap = if step > 6.0 { 1.0 } else { 0.0 };
    let height = |share: f64| match share {
        0.0 => 0.0,
        // A share above 0 is visible, however small.
        share => (PLOT_H * share / top).max(1.0),
    };
    let base = TOP + PLOT_H;
    svg.open("before", BEFORE);
    for (i, [share, _]) in shares.iter().enumerate().filter(|(_, [b, _])| *b > 0.0) {
        let h = height(*share);
        let x = LEFT + step * i as f64 + gap / 2.0;
        svg.part([x, base - h, step - gap, h], "");
    }
    svg.close();
    let mut line = format!("M{LEFT:.1} {base:.1}");
    for (i, [_, share]) in shares.iter().enumerate() {
        let (x, y) = (LEFT + step * i as f64, base - height(*share));
        line.push_str(&format!("L{x:.1} {y:.1}L{:.1} {y:.1}", x + step));
    }
    line.push_str(&format!("L{:.1} {base:.1}", LEFT + PLOT_W));
    svg.path(&line, "after", BAR);
    svg.line([LEFT, base, LEFT + PLOT_W, base], "axis", MUTED);
    for (at, label) in labels(edges, intervals) {
        let x = LEFT + PLOT_W * at;
        let anchor = anchor(edges, at, &label);
        svg.line([x, base, x, base + 4.0], "axis", MUTED);
        svg.text((x, base + 16.0), anchor, INK, "", &label);
    }
    // On top, so that the tooltip covers the whole interval.
    for (i, (b, a)) in before.iter().zip(after).enumerate() {
        let hint = format!(
            "{}: before {}, after {}",
            edges.between(i, i + 1),
            number::percent(*b, totals[0]),
            number::percent(*a, totals[1])
        );
        svg.hint([LEFT + step * i as f64, TOP, step, PLOT_H], &hint);
    }
    let most = |counts: &[u64]| counts.iter().copied().max().unwrap_or(0).max(1);
    let line = |counts: &[u64]| sparkline(counts, most(counts));
    Some(Chart {
        svg: svg.finish(),
        alt,
        caption: subject.to_owned(),
        width: WIDTH,
        wide: false,
        rows: Vec::new(),
        plain: Plain::Line(format!(
            "{between}: before {} after {}",
            line(before),
            line(after)
        )),
    })
}

/// Draws the shares of categories on both sides, two bars each. `totals` are the numbers of
/// values on each side. `None` if there are no categories.
pub(crate) fn paired(subject: &str, pairs: &[Pair], totals: [u64; 2]) -> Option<Chart> {
    let shares: Vec<[f64; 2]> = pairs
        .iter()
        .map(|pair| [share(pair.before, totals[0]), share(pair.after, totals[1])])
        .collect();
    let top = shares.iter().flatten().copied().fold(0.0, f64::max);
    if top <= 0.0 {
        return None;
    }
    let rows = u32::try_from(pairs.len()).ok()?;
    let alt = format!(
        "Values of {subject} before and after, as shares of each: {}",
        pairs.len()
    );
    let mut svg = Svg::new(WIDTH, ROW * rows + TOP as u32 + 4, &alt);
    legend(&mut svg);
    let left = LABEL_W + 8.0;
    let whole = f64::from(WIDTH) - left - FIGURE_W;
    let mut written = Vec::new();
    for (i, (pair, shares)) in pairs.iter().zip(&shares).enumerate() {
        let y = TOP + f64::from(ROW * i as u32);
        let label = fit(&pair.label, LABEL_W);
        svg.text((0.0, y + 14.0), "start", INK, "", &label);
        let figures = [
            number::percent(pair.before, totals[0]),
            number::percent(pair.after, totals[1]),
        ];
        let sides = [("before", BEFORE), ("bar", BAR)];
        for (side, (class, fill)) in sides.into_iter().enumerate() {
            let at = y + 2.0 + 10.0 * side as f64;
            if shares[side] > 0.0 {
                let w = (whole * shares[side] / top).max(1.0);
                svg.rect([left, at, w, 8.0], class, fill, "");
            }
            let place = (f64::from(WIDTH), at + 8.0);
            svg.text(place, "end", MUTED, r#" font-size="9""#, &figures[side]);
        }
        written.push((pair.label.clone(), figures.join(" → ")));
    }
    Some(Chart {
        svg: svg.finish(),
        alt,
        caption: subject.to_owned(),
        width: WIDTH,
        wide: false,
        rows: Vec::new(),
        plain: Plain::Table {
            head: ["Value", "Before → after"].map(str::to_owned),
            rows: written,
        },
    })
}

fn legend(svg: &mut Svg) {
    let y = 8.0;
    svg.rect([LEFT, y - 6.0, 10.0, 8.0], "before", BEFORE, "");
    svg.text((LEFT + 14.0, y + 1.5), "start", MUTED, "", "before");
    svg.rect([LEFT + 60.0, y - 6.0, 10.0, 8.0], "bar", BAR, "");
    svg.text((LEFT + 74.0, y + 1.5), "start", MUTED, "", "after");
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn both_sides_are_drawn_as_shares_of_their_own() {
        let edges = [0.0, 1.0, 2.0];
        let edges = Edges::Numbers(&edges);
        let chart = overlay("x", &edges, &[1, 3], &[100, 0]).unwrap();
        assert!(
            chart
                .svg
                .contains("<title>0 to 1: before 25.0%, after 100%</title>")
        );
        assert!(overlay("x", &edges, &[0, 0], &[0, 0]).is_none());
        let one_sided = overlay("x", &edges, &[0, 0], &[0, 5]).unwrap();
        assert!(!one_sided.svg.contains("NaN"));
    }

    #[test]
    fn categories_have_two_bars_each() {
        let pair = |label: &str, before, after| Pair {
            label: label.to_owned(),
            before,
            after,
        };
        let pairs = [pair("a<b", 1, 0), pair("c", 3, 1)];
        let chart = paired("x", &pairs, [4, 1]).unwrap();
        assert!(chart.svg.contains("a&lt;b"));
        let Plain::Table { rows, .. } = chart.plain else {
            panic!("a table is wanted")
        };
        assert_eq!(rows[1], ("c".to_owned(), "75.0% → 100%".to_owned()));
        assert!(paired("x", &[], [4, 1]).is_none());
    }
}
