//! A square of coefficients from −1 to 1, coloured from red over white to blue.

use super::{Chart, INK, MUTED, Plain, Svg, TRACK};
use crate::{number, text::shorten};

const LEGEND_H: f64 = 26.0;
const WIDTH: u32 = 720;
/// Matrices of so few columns are drawn in half the width, to stand beside each other.
pub(crate) const SMALL: usize = 8;

/// Draws the matrix over `names`. `None` where it is smaller than two by two.
pub(crate) fn heatmap(
    caption: &str,
    names: &[String],
    matrix: &[Vec<Option<f64>>],
) -> Option<Chart> {
    let n = names.len().min(matrix.len());
    if n < 2 {
        return None;
    }
    let (width, label_w, edge) = if n <= SMALL {
        (super::WIDTH, 100.0, 42.0)
    } else {
        (WIDTH, 124.0, 60.0)
    };
    // Few columns need no huge squares.
    let cell = ((f64::from(width) - label_w - edge) / n as f64).min(44.0);
    let high = cell.min(24.0);
    let head = 74.0;
    let bottom = head + high * n as f64;
    let height = (bottom + LEGEND_H + 6.0).ceil() as u32;
    let alt = format!(
        "{caption} of {n} numeric columns, as coloured squares; the figures are in the hints"
    );
    let mut svg = Svg::new(width, height, &alt);
    let font = (cell * 0.75).clamp(4.5, 10.0);
    for (i, name) in names.iter().take(n).enumerate() {
        let x = label_w + cell * (i as f64 + 0.5) + 3.0;
        let turn = format!(
            r#" font-size="{font:.1}" transform="rotate(-40 {x:.1} {:.1})""#,
            head - 6.0
        );
        svg.text((x, head - 6.0), "start", INK, &turn, &shorten(name, 16));
        let y = head + high * (i as f64 + 0.5) + font * 0.35;
        let size = format!(r#" font-size="{font:.1}""#);
        svg.text((label_w - 8.0, y), "end", INK, &size, &shorten(name, 20));
    }
    for (i, row) in matrix.iter().take(n).enumerate() {
        for (j, value) in row.iter().take(n).enumerate() {
            let (x, y) = (label_w + cell * j as f64, head + high * i as f64);
            let gap = if cell > 12.0 { 1.0 } else { 0.0 };
            let square = [x, y, cell - gap, high - gap];
            let figure = value.map_or_else(|| number::NONE.to_owned(), |r| number::fixed(r, 2));
            let hint = format!(
                "{} × {}: {figure}",
                shorten(&names[i], 80),
                shorten(&names[j], 80)
            );
            match value {
                Some(r) => svg.rect(square, "cell", &colour(*r), &hint),
                None => svg.rect(square, "track", TRACK, &hint),
            }
            if n <= 14 {
                let ink = match value {
                    Some(r) if r.abs() > 0.6 => "#ffffff",
                    Some(_) => INK,
                    None => MUTED,
                };
                // A square keeps its colour on a dark page, and so does its figure.
                let style = value.map_or_else(String::new, |_| format!(r#" style="fill:{ink}""#));
                let more = format!(r#"{style} font-size="{font:.1}""#);
                svg.text(
                    (x + cell / 2.0 - gap / 2.0, y + high / 2.0 + 3.2),
                    "middle",
                    ink,
                    &more,
                    &figure,
                );
            }
        }
    }
    legend(&mut svg, label_w, bottom + 8.0);
    Some(Chart {
        svg: svg.finish(),
        alt,
        caption: caption.to_owned(),
        width,
        plain: Plain::Nothing,
    })
}

fn legend(svg: &mut Svg, left: f64, y: f64) {
    const STEPS: i32 = 21;
    let step = 8.0;
    for i in 0..STEPS {
        let r = f64::from(i) / f64::from(STEPS - 1) * 2.0 - 1.0;
        let x = left + step * f64::from(i);
        svg.rect([x, y, step, 8.0], "cell", &colour(r), "");
    }
    for (at, label) in [(0.0, "-1"), (0.5, "0"), (1.0, "1")] {
        let x = left + step * f64::from(STEPS) * at;
        svg.text((x, y + 18.0), "middle", MUTED, "", label);
    }
}

/// A diverging scale, white at zero.
fn colour(r: f64) -> String {
    let (r, end) = if r < 0.0 {
        (-r, [178.0, 58.0, 46.0])
    } else {
        (r, [33.0, 102.0, 172.0])
    };
    let t = r.clamp(0.0, 1.0);
    let mix = |to: f64| (250.0 + (to - 250.0) * t).round() as u8;
    format!("#{:02x}{:02x}{:02x}", mix(end[0]), mix(end[1]), mix(end[2]))
}
