//! Charts as SVG, shared by HTML and PDF.
//!
//! Colours are attributes, which the PDF uses, and classes, with which a style sheet may replace
//! them (for dark mode). Texts are escaped here and nowhere else.

mod axis;
mod bars;
mod heatmap;
mod histogram;
mod overlay;
mod plot;
mod spark;

use std::fmt::{Display, Write as _};

use serde::Serialize;
use unicode_width::UnicodeWidthChar as _;

use crate::text::{FULL, shorten};

pub(crate) use bars::{Bar, Row, bars};
pub(crate) use heatmap::{SMALL, SMALL_WIDTH, Scale, heatmap};
pub(crate) use histogram::{Edges, histogram};
pub(crate) use overlay::{Pair, overlay, paired};
pub(crate) use plot::{has_horizontal_bars, plot};
pub(crate) use spark::spark;

/// A drawn chart.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Chart {
    /// The drawing, without a title element of its own.
    pub svg: String,
    /// The text alternative.
    pub alt: String,
    /// The caption above it.
    pub caption: String,
    /// Its natural width in CSS pixels.
    pub width: u32,
    /// Its bars, if it has nothing else: HTML shows them as text.
    #[serde(skip)]
    pub rows: Vec<Row>,
    /// Whether it scrolls on a narrow page, as its text would be too small otherwise.
    #[serde(skip)]
    pub wide: bool,
    /// The form for formats without drawings.
    #[serde(skip)]
    pub plain: Plain,
}

/// A chart in characters.
#[derive(Clone, Debug)]
pub(crate) enum Plain {
    /// Nothing: the figures are shown elsewhere.
    Nothing,
    /// One line.
    Line(String),
    /// A table of two columns with a header.
    Table {
        /// The names of the columns.
        head: [String; 2],
        /// The rows.
        rows: Vec<(String, String)>,
    },
}

/// The width of a chart that is placed next to others.
pub(crate) const WIDTH: u32 = 330;

const INK: &str = "#1f2933";
const MUTED: &str = "#5f6c7b";
const LINE: &str = "#e3e8ee";
const BAR: &str = "#3b76b0";
/// The colour of the baseline.
const BEFORE: &str = "#8a97a6";
const MARK: &str = "#b45309";
const TRACK: &str = "#eef2f6";

/// An SVG drawing under construction.
struct Svg {
    body: String,
}

impl Svg {
    fn new(width: u32, height: u32, alt: &str) -> Self {
        let mut body = String::with_capacity(4096);
        let _ = write!(
            body,
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="{}" font-family="Noto Sans, sans-serif" font-size="10">"#,
            Escaped(alt)
        );
        Self { body }
    }

    /// Begins a group whose rectangles share a class and a colour.
    fn open(&mut self, class: &str, fill: &str) {
        let _ = write!(self.body, r#"<g class="{class}" fill="{fill}">"#);
    }

    /// Ends a group.
    fn close(&mut self) {
        self.body.push_str("</g>");
    }

    /// A rectangle of a group, with a tooltip.
    fn part(&mut self, [x, y, w, h]: [f64; 4], hint: &str) {
        let _ = write!(
            self.body,
            r#"<rect x="{x:.1}" y="{y:.1}" width="{w:.1}" height="{h:.1}">"#
        );
        if !hint.is_empty() {
            let _ = write!(self.body, "<title>{}</title>", Escaped(hint));
        }
        self.body.push_str("</rect>");
    }

    /// A rectangle with a tooltip.
    fn rect(&mut self, [x, y, w, h]: [f64; 4], class: &str, fill: &str, hint: &str) {
        let _ = write!(
            self.body,
            r#"<rect x="{x:.1}" y="{y:.1}" width="{w:.1}" height="{h:.1}" class="{class}" fill="{fill}">"#
        );
        if !hint.is_empty() {
            let _ = write!(self.body, "<title>{}</title>", Escaped(hint));
        }
        self.body.push_str("</rect>");
    }

    /// A line of several parts, without an area.
    fn path(&mut self, d: &str, class: &str, stroke: &str) {
        let _ = write!(
            self.body,
            r#"<path d="{d}" class="{class}" fill="none" stroke="{stroke}" stroke-width="1.6"/>"#
        );
    }

    /// An invisible area with a tooltip.
    fn hint(&mut self, [x, y, w, h]: [f64; 4], hint: &str) {
        let _ = write!(
            self.body,
            r#"<rect x="{x:.1}" y="{y:.1}" width="{w:.1}" height="{h:.1}" fill="none" pointer-events="all"><title>{}</title></rect>"#,
            Escaped(hint)
        );
    }

    fn line(&mut self, [x1, y1, x2, y2]: [f64; 4], class: &str, stroke: &str) {
        let _ = write!(
            self.body,
            r#"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" class="{class}" stroke="{stroke}"/>"#
        );
    }

    /// A text; `anchor` is `start`, `middle` or `end`, `more` further attributes.
    fn text(&mut self, (x, y): (f64, f64), anchor: &str, fill: &str, more: &str, text: &str) {
        let class = if fill == INK { "ink" } else { "muted" };
        let _ = write!(
            self.body,
            r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" class="{class}" fill="{fill}"{more}>{}</text>"#,
            Escaped(text)
        );
    }

    /// A centred text with a class.
    fn text_of(&mut self, (x, y): (f64, f64), class: &str, fill: &str, more: &str, text: &str) {
        let _ = write!(
            self.body,
            r#"<text x="{x:.1}" y="{y:.1}" text-anchor="middle" class="{class}" fill="{fill}"{more}>{}</text>"#,
            Escaped(text)
        );
    }

    /// A text with a tooltip, for texts that are cut.
    fn hinted(&mut self, at: (f64, f64), anchor: &str, fill: &str, hint: &str, text: &str) {
        if hint.is_empty() {
            return self.text(at, anchor, fill, "", text);
        }
        let (x, y) = at;
        let class = if fill == INK { "ink" } else { "muted" };
        let _ = write!(
            self.body,
            r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" class="{class}" fill="{fill}">{}<title>{}</title></text>"#,
            Escaped(text),
            Escaped(&shorten(hint, FULL))
        );
    }

    /// A line in a column's colour; nothing if it has no points.
    fn stroke(&mut self, d: &str, class: &str, stroke: &str, dash: &str) {
        if d.is_empty() {
            return;
        }
        let dash = match dash {
            "" => String::new(),
            dash => format!(r#" stroke-dasharray="{dash}""#),
        };
        let _ = write!(
            self.body,
            r#"<path d="{d}" class="{class} line" fill="none" stroke="{stroke}" stroke-width="1.8" stroke-linejoin="round"{dash}/>"#
        );
    }

    /// A dot of a group, with a tooltip.
    fn dot(&mut self, (x, y): (f64, f64), r: f64, hint: &str) {
        let _ = write!(self.body, r#"<circle cx="{x:.1}" cy="{y:.1}" r="{r}">"#);
        if !hint.is_empty() {
            let _ = write!(self.body, "<title>{}</title>", Escaped(hint));
        }
        self.body.push_str("</circle>");
    }

    /// Begins a group of translucent points.
    fn open_points(&mut self, class: &str, fill: &str) {
        let _ = write!(
            self.body,
            r#"<g class="{class}" fill="{fill}" fill-opacity="0.7">"#
        );
    }

    /// A point of a column; each column has a shape of its own.
    fn point(&mut self, series: usize, (x, y): (f64, f64), hint: &str) {
        let points = match series % 4 {
            0 => return self.dot((x, y), 2.8, hint),
            1 => return self.part([x - 2.5, y - 2.5, 5.0, 5.0], hint),
            2 => [(0.0, -3.3), (3.3, 2.3), (-3.3, 2.3)].to_vec(),
            _ => [(0.0, -3.4), (3.4, 0.0), (0.0, 3.4), (-3.4, 0.0)].to_vec(),
        };
        self.body.push_str(r#"<polygon points=""#);
        for (dx, dy) in points {
            let _ = write!(self.body, "{:.1},{:.1} ", x + dx, y + dy);
        }
        self.body.push_str("\">");
        if !hint.is_empty() {
            let _ = write!(self.body, "<title>{}</title>", Escaped(hint));
        }
        self.body.push_str("</polygon>");
    }

    fn finish(mut self) -> String {
        self.body.push_str("</svg>");
        self.body
    }
}

/// The approximate width of a text at the font size of charts, a little more than with the fonts
/// that are used.
fn text_width(text: &str) -> f64 {
    text.chars()
        .map(|c| match c {
            'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '|' | '!' | '\'' | '(' | ')' | ' ' => 3.4,
            'f' | 't' | 'r' | 'I' | '-' | '[' | ']' => 4.2,
            'm' | 'w' | 'M' | 'W' | '@' | '%' | '…' => 9.4,
            c if c.is_ascii_uppercase() => 7.9,
            c if c.width().unwrap_or(1) > 1 => 10.4,
            c if c.is_ascii_lowercase() => 6.2,
            c if c.is_ascii() || !c.is_alphabetic() => 5.9,
            c if c.is_uppercase() => 9.4,
            // Letters of other scripts are wider.
            _ => 7.2,
        })
        .sum()
}

/// The label, shortened with an ellipsis to the available width.
fn fit(label: &str, room: f64) -> String {
    let mut columns = 30;
    loop {
        let short = shorten(label, columns);
        if columns <= 4 || text_width(&short) <= room {
            return short;
        }
        columns -= 1;
    }
}

/// Text escaped for element content and attributes of XML and HTML.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for c in self.0.chars() {
            match c {
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '&' => f.write_str("&amp;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                // XML cannot represent these.
                '\0'..='\u{8}'
                | '\u{b}'
                | '\u{c}'
                | '\u{e}'..='\u{1f}'
                | '\u{fffe}'
                | '\u{ffff}' => {
                    f.write_char('\u{fffd}')?;
                }
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_wide_letters_is_no_wider_than_it_is_taken_for() {
        // The advances of Noto Sans, in thousandths of the font size.
        for (letter, advance) in [
            ("W", 931.0),
            ("O", 781.0),
            ("Q", 781.0),
            ("n", 618.0),
            ("5", 572.0),
        ] {
            assert!(text_width(letter) >= advance / 100.0, "{letter}");
        }
        assert!(text_width(&fit(&"O".repeat(30), 150.0)) <= 150.0);
    }
}
