//! Horizontal bars with a label and a figure each: top values, missing cells.

use super::{BAR, Chart, INK, MUTED, Plain, Svg, TRACK, WIDTH};
use crate::text::shorten;

/// One bar.
pub(crate) struct Bar {
    /// What stands before it, in full; the drawing shortens it.
    pub label: String,
    /// Its length, as a share of the whole bar, 0 to 1.
    pub share: f64,
    /// What stands behind it.
    pub figure: String,
}

const ROW: u32 = 17;
const LABEL_W: f64 = 122.0;
const BAR_W: f64 = 100.0;

/// Draws the bars under each other, in their order. `None` where there are none.
pub(crate) fn bars(caption: &str, alt: &str, rows: &[Bar]) -> Option<Chart> {
    if rows.is_empty() {
        return None;
    }
    let height = ROW * u32::try_from(rows.len()).ok()? + 4;
    let mut svg = Svg::new(WIDTH, height, alt);
    for (i, row) in rows.iter().enumerate() {
        let y = f64::from(ROW) * i as f64 + 2.0;
        let hint = format!("{}: {}", shorten(&row.label, 200), row.figure);
        let middle = y + f64::from(ROW) / 2.0 + 3.5;
        let label = shorten(&row.label, 20);
        svg.text((LABEL_W - 8.0, middle), "end", INK, "", &label);
        let bar = |w: f64| [LABEL_W, y + 3.0, w, f64::from(ROW) - 6.0];
        svg.rect(bar(BAR_W), "track", TRACK, &hint);
        let share = row.share.clamp(0.0, 1.0);
        if share > 0.0 {
            svg.rect(bar((BAR_W * share).max(1.0)), "bar", BAR, &hint);
        }
        svg.text(
            (LABEL_W + BAR_W + 8.0, middle),
            "start",
            MUTED,
            "",
            &row.figure,
        );
    }
    Some(Chart {
        svg: svg.finish(),
        alt: alt.to_owned(),
        caption: caption.to_owned(),
        width: WIDTH,
        plain: Plain::Rows(
            rows.iter()
                .map(|row| (row.label.clone(), row.figure.clone()))
                .collect(),
        ),
    })
}
