//! A heat map of coefficients: from −1 to 1 in red, white and blue, or from 0 to 1 in white and
//! blue.

use super::{Chart, INK, MUTED, Plain, Svg, TRACK, text_width};
use crate::{number, text::shorten};

const LEGEND_H: f64 = 26.0;
const WIDTH: u32 = 720;
/// The width of a drawing that is placed next to another.
pub(crate) const SMALL_WIDTH: u32 = 440;
/// Matrices of up to so many columns are drawn at [`SMALL_WIDTH`].
pub(crate) const SMALL: usize = 8;
/// The font size at which texts are measured.
const LETTERS: f64 = 10.0;
const WHITE: &str = "#ffffff";
const BLACK: &str = "#000000";

/// The range of the coefficients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    /// From −1 to 1.
    Signed,
    /// From 0 to 1.
    Unsigned,
}

/// Draws the matrix over `names`. `None` if it is smaller than two by two.
pub(crate) fn heatmap(
    caption: &str,
    names: &[String],
    matrix: &[Vec<Option<f64>>],
    scale: Scale,
) -> Option<Chart> {
    let n = names.len().min(matrix.len());
    if n < 2 {
        return None;
    }
    let small = n <= SMALL;
    let width = if small { SMALL_WIDTH } else { WIDTH };
    let (most, columns) = if small { (112.0, 24) } else { (150.0, 32) };
    // The font size depends on the size of the squares, and that on the width of the labels.
    let mut font = 10.0;
    let mut labels = Vec::new();
    let (mut label_w, mut cell) = (most, 0.0);
    for _ in 0..2 {
        labels = names[..n]
            .iter()
            .map(|name| fit(name, columns, most, font))
            .collect();
        let widest = labels.iter().map(|label| width_at(label, font));
        label_w = widest.fold(0.0, f64::max) + 10.0;
        // The last label of the header extends to the right.
        let edge = labels
            .last()
            .map_or(0.0, |label| width_at(label, font) * 0.77);
        cell = ((f64::from(width) - label_w - edge.max(8.0)) / n as f64).min(46.0);
        font = (cell * 0.7).clamp(4.5, 10.0);
    }
    let high = cell.min(24.0);
    let figure_size = format!(
        r#" font-size="{:.1}""#,
        ((cell - 3.0) / 2.6).clamp(4.5, 10.0)
    );
    let longest = labels.iter().map(|label| width_at(label, font));
    let head = longest.fold(0.0, f64::max) * 0.65 + 14.0;
    let bottom = head + high * n as f64;
    let height = (bottom + LEGEND_H + 6.0).ceil() as u32;
    let alt =
        format!("{caption} of {n} columns, as coloured squares; the figures are in the hints");
    let mut svg = Svg::new(width, height, &alt);
    let size = format!(r#" font-size="{font:.1}""#);
    for (i, label) in labels.iter().enumerate() {
        let x = label_w + cell * (i as f64 + 0.5) + 3.0;
        let turn = format!(r#"{size} transform="rotate(-40 {x:.1} {:.1})""#, head - 6.0);
        svg.text((x, head - 6.0), "start", INK, &turn, label);
        let y = head + high * (i as f64 + 0.5) + font * 0.35;
        svg.text((label_w - 6.0, y), "end", INK, &size, label);
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
            let colour = value.map(colour);
            match &colour {
                Some(colour) => svg.rect(square, "cell", &hex(*colour), &hint),
                None => svg.rect(square, "track", TRACK, &hint),
            }
            if n <= 14 {
                // Squares and their figures keep their colours on a dark page.
                let (ink, class) = match colour {
                    Some(colour) if is_dark(colour) => (WHITE, "on-dark"),
                    Some(_) => (BLACK, "on-light"),
                    None => (MUTED, "muted"),
                };
                svg.text_of(
                    (x + cell / 2.0 - gap / 2.0, y + high / 2.0 + 3.2),
                    class,
                    ink,
                    &figure_size,
                    &figure,
                );
            }
        }
    }
    legend(&mut svg, label_w, bottom + 8.0, scale);
    Some(Chart {
        svg: svg.finish(),
        alt,
        caption: caption.to_owned(),
        width,
        wide: false,
        rows: Vec::new(),
        plain: Plain::Nothing,
    })
}

fn width_at(text: &str, font: f64) -> f64 {
    text_width(text) * font / LETTERS
}

/// The name, shortened with an ellipsis to the available width.
fn fit(name: &str, columns: usize, room: f64, font: f64) -> String {
    let mut columns = columns;
    loop {
        let short = shorten(name, columns);
        if columns <= 4 || width_at(&short, font) <= room - 10.0 {
            return short;
        }
        columns -= 1;
    }
}

fn legend(svg: &mut Svg, left: f64, y: f64, scale: Scale) {
    const STEPS: i32 = 21;
    let step = 8.0;
    for i in 0..STEPS {
        let at = f64::from(i) / f64::from(STEPS - 1);
        let r = match scale {
            Scale::Signed => at * 2.0 - 1.0,
            Scale::Unsigned => at,
        };
        let x = left + step * f64::from(i);
        svg.rect([x, y, step, 8.0], "cell", &hex(colour(r)), "");
    }
    let labels: &[(f64, &str)] = match scale {
        Scale::Signed => &[(0.0, "−1"), (0.5, "0"), (1.0, "1")],
        Scale::Unsigned => &[(0.0, "0"), (0.5, "0.5"), (1.0, "1")],
    };
    for (at, label) in labels {
        let x = left + step * f64::from(STEPS) * at;
        svg.text((x, y + 18.0), "middle", MUTED, "", label);
    }
}

type Colour = [u8; 3];

/// A diverging scale, white at zero.
fn colour(r: f64) -> Colour {
    let (r, end) = if r < 0.0 {
        (-r, [178.0, 58.0, 46.0])
    } else {
        (r, [33.0, 102.0, 172.0])
    };
    let t = r.clamp(0.0, 1.0);
    end.map(|to: f64| (250.0 + (to - 250.0) * t).round() as u8)
}

fn hex([r, g, b]: Colour) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// Whether white text has more contrast on it than black text.
fn is_dark(colour: Colour) -> bool {
    let (white, black) = contrasts(colour);
    white > black
}

/// The contrast ratios of a colour to white and to black, by WCAG.
fn contrasts(colour: Colour) -> (f64, f64) {
    let [r, g, b] = colour.map(|c| {
        let c = f64::from(c) / 255.0;
        if c <= 0.040_45 {
            c / 12.92
        } else {
            ((c + 0.055) / 1.055).powf(2.4)
        }
    });
    let luminance = 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
    (1.05 / luminance, luminance / 0.05)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_on_every_colour() {
        for i in -100..=100 {
            let (white, black) = contrasts(colour(f64::from(i) / 100.0));
            assert!(white.max(black) >= 4.5, "{i}: {white} {black}");
        }
    }

    #[test]
    fn labels_have_the_room_that_they_take() {
        let names = [
            "flipper_length_mm",
            "a",
            "MMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMM",
            "체질량지수_그램_단위로",
        ];
        for name in names {
            assert!(
                width_at(&fit(name, 32, 150.0, 10.0), 10.0) <= 140.0,
                "{name}"
            );
        }
        assert_eq!(fit(names[0], 24, 112.0, 10.0), names[0]);
    }
}
