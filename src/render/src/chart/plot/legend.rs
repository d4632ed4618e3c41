//! The names of the columns, and their colours.

use super::super::{INK, Svg, text_width};
use super::layout::WIDTH;
use crate::plot::Plot;

/// The height of a line of the legend.
const LEGEND_LINE: f64 = 16.0;
/// The colour of a column, and its class, with which a style sheet may replace the colour. The
/// first colour is that of all other charts.
pub(super) fn colour(series: usize) -> (&'static str, &'static str) {
    const COLOURS: [(&str, &str); 8] = [
        ("s1", "#3b76b0"),
        ("s2", "#c2571a"),
        ("s3", "#2e8b57"),
        ("s4", "#8e5ea2"),
        ("s5", "#a67c00"),
        ("s6", "#c23b6b"),
        ("s7", "#3f8594"),
        ("s8", "#6b7280"),
    ];
    COLOURS[series % COLOURS.len()]
}

/// The name, shortened to a line of this width.
pub(super) fn fit_to(name: &str, room: f64) -> String {
    let mut columns = 120;
    loop {
        let short = crate::text::shorten(name, columns);
        if columns <= 4 || text_width(&short) <= room {
            return short;
        }
        columns -= 1;
    }
}

/// The names of the columns, each next to its colour, in as many lines as they need. A single
/// column is named as well, as it labels the vertical axis.
pub(super) struct Legend {
    entries: Vec<(f64, f64, String, String)>,
    pub(super) height: f64,
}

impl Legend {
    pub(super) fn of(plot: &Plot) -> Self {
        let mut entries = Vec::new();
        let (mut x, mut y) = (0.0, 12.0);
        for series in &plot.series {
            let label = fit_to(&series.label(), 240.0);
            let width = 18.0 + text_width(&label) + 16.0;
            if x > 0.0 && x + width > WIDTH {
                (x, y) = (0.0, y + LEGEND_LINE);
            }
            entries.push((x, y, label, series.name.clone()));
            x += width;
        }
        Self {
            entries,
            height: y + 6.0,
        }
    }

    pub(super) fn draw(&self, svg: &mut Svg) {
        for (i, (x, y, label, whole)) in self.entries.iter().enumerate() {
            let (class, fill) = colour(i);
            svg.rect([*x, y - 8.0, 12.0, 8.0], class, fill, "");
            let hint = if label == whole { "" } else { whole };
            svg.hinted((x + 18.0, *y), "start", INK, hint, label);
        }
    }
}
