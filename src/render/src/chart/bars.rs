//! Horizontal bars with a label and a number each: top values, missing cells.

use super::{BAR, Chart, INK, MUTED, Plain, Svg, TRACK, WIDTH, fit, text_width};
use crate::document::Text;

/// One bar.
pub(crate) struct Bar {
    /// The label before it, in full; the drawing shortens it.
    pub label: String,
    /// Its length, as a share of the whole bar, 0 to 1.
    pub share: f64,
    /// The text after it.
    pub figure: String,
}

/// One bar in HTML text, which can be selected and read aloud.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// The label before it.
    pub label: Text,
    /// Its length in thousandths of the whole bar; at least one unless it is empty.
    pub length: u32,
    /// The text after it.
    pub figure: String,
}

const ROW: u32 = 17;
/// The maximum width of labels.
const MAX_LABEL: f64 = 150.0;
/// The gap between label, bar and text.
const GAP: f64 = 8.0;
/// The longest label of a page, in columns of text.
const LABEL: usize = 60;

/// Draws the bars below each other, in order. `head` names their labels and figures. `None` if there are none.
pub(crate) fn bars(caption: &str, head: [&str; 2], alt: &str, rows: &[Bar]) -> Option<Chart> {
    if rows.is_empty() {
        return None;
    }
    let height = ROW * u32::try_from(rows.len()).ok()? + 4;
    let mut svg = Svg::new(WIDTH, height, alt);
    let labels: Vec<String> = rows.iter().map(|row| fit(&row.label, MAX_LABEL)).collect();
    let widest = |texts: &mut dyn Iterator<Item = &str>| texts.map(text_width).fold(0.0, f64::max);
    let label = widest(&mut labels.iter().map(String::as_str)).min(MAX_LABEL);
    let figure = widest(&mut rows.iter().map(|row| row.figure.as_str()));
    let left = label + GAP;
    let whole = (f64::from(WIDTH) - left - GAP - figure).max(40.0);
    for (i, (row, short)) in rows.iter().zip(&labels).enumerate() {
        let y = f64::from(ROW) * i as f64 + 2.0;
        let middle = y + f64::from(ROW) / 2.0 + 3.5;
        svg.text((0.0, middle), "start", INK, "", short);
        let bar = |w: f64| [left, y + 3.0, w, f64::from(ROW) - 6.0];
        svg.rect(bar(whole), "track", TRACK, "");
        let share = row.share.clamp(0.0, 1.0);
        if share > 0.0 {
            svg.rect(bar((whole * share).max(1.0)), "bar", BAR, "");
        }
        let end = f64::from(WIDTH);
        svg.text((end, middle), "end", MUTED, "", &row.figure);
    }
    let written = rows.iter().map(|row| Row {
        label: Text::new(&row.label, LABEL),
        length: match row.share.clamp(0.0, 1.0) {
            share if share > 0.0 => ((share * 1000.0).round() as u32).max(4),
            _ => 0,
        },
        figure: row.figure.clone(),
    });
    Some(Chart {
        svg: svg.finish(),
        alt: alt.to_owned(),
        caption: caption.to_owned(),
        width: WIDTH,
        wide: false,
        rows: written.collect(),
        plain: Plain::Table {
            head: head.map(str::to_owned),
            rows: rows
                .iter()
                .map(|row| (row.label.clone(), row.figure.clone()))
                .collect(),
        },
    })
}
