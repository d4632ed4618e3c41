//! The frame of a chart with axes: legend, grid, axes and their labels.

use lastcall_domain::ChartType;

use super::super::axis::{Scale, side_by_side};
use super::super::{INK, LINE, MUTED, Svg, fit, text_width};
use super::layout::{WIDTH, least_gap};
use super::legend::{Legend, fit_to};
use super::time_axis::{self, Tick};
use crate::plot::{Plot, Positions};

/// The height of the plot area.
const PLOT_H: f64 = 230.0;
const RIGHT: f64 = 14.0;
/// Below the axis: two lines of labels and the axis's name.
const BOTTOM: f64 = 50.0;
/// The margin for names below vertical bars, and the gap between two names.
const LABELS_LEFT: f64 = 60.0;
const LABEL_GAP: f64 = 8.0;
/// The width for a label of the horizontal axis.
const TICK_ROOM: f64 = 60.0;

/// The drawing with its axes, and the positions of its marks.
pub(super) struct Frame {
    pub(super) svg: Svg,
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) values: Scale,
    /// The ends of the horizontal scale; without a scale, half a position before the first row and
    /// after the last one.
    ends: (f64, f64),
}

/// Whether names fit below vertical bars without being cut.
pub(super) fn categories_fit(x: &Positions) -> bool {
    match x {
        Positions::Categories(names) => {
            let room = (WIDTH - LABELS_LEFT - RIGHT) / names.len().max(1) as f64 - LABEL_GAP;
            names.iter().all(|name| text_width(name) <= room)
        }
        _ => true,
    }
}

impl Frame {
    /// Draws everything but the marks. `None` if there is no value.
    pub(super) fn new(plot: &Plot, alt: &str) -> Option<Self> {
        let (min, max) = plot.range()?;
        let values = Scale::of(plot.kind, min, max);
        let labels = values.labels();
        let widest = labels.iter().map(|(_, label)| text_width(label));
        let left = widest.fold(0.0, f64::max).max(16.0) + 10.0;
        let legend = Legend::of(plot);
        let top = legend.height + 10.0;
        let height = top + PLOT_H + BOTTOM;
        let mut svg = Svg::new(WIDTH as u32, height.ceil() as u32, alt);
        legend.draw(&mut svg);
        let mut frame = Self {
            svg,
            left,
            top,
            width: WIDTH - left - RIGHT,
            height: PLOT_H,
            values,
            ends: ends(plot),
        };
        for (value, label) in &labels {
            let y = frame.y(*value);
            let line = [frame.left, y, frame.left + frame.width, y];
            frame.svg.line(line, "grid", LINE);
            let at = (frame.left - 6.0, y + 3.5);
            frame.svg.text(at, "end", MUTED, "", label);
        }
        frame.horizontal_axis(plot);
        Some(frame)
    }

    /// The vertical position of a value.
    pub(super) fn y(&self, value: f64) -> f64 {
        self.top + self.height * (1.0 - self.values.share(value))
    }

    /// The horizontal position of a row.
    pub(super) fn x(&self, plot: &Plot, row: usize) -> f64 {
        let place = match plot.x.places() {
            None => row as f64,
            Some(places) => places.get(row).copied().unwrap_or(self.ends.0),
        };
        self.place(place)
    }

    fn place(&self, place: f64) -> f64 {
        let (first, last) = self.ends;
        // Halved, as the difference may exceed the range of a double.
        let share = (place / 2.0 - first / 2.0) / (last / 2.0 - first / 2.0);
        self.left + self.width * share
    }

    /// The distance in the drawing of positions that are one apart.
    pub(super) fn unit(&self) -> f64 {
        self.width / (self.ends.1 - self.ends.0)
    }

    fn horizontal_axis(&mut self, plot: &Plot) {
        let base = self.top + self.height;
        let axis = [self.left, base, self.left + self.width, base];
        self.svg.line(axis, "axis", MUTED);
        let wanted = (self.width / TICK_ROOM) as u32;
        let (first, last) = self.ends;
        match &plot.x {
            Positions::Categories(names) => self.names(names, base),
            Positions::Numbers(_) => {
                let mut labels = side_by_side(first, last, wanted, self.width);
                if labels.is_empty() {
                    labels.push(((first + last) / 2.0, plot.x.label(0)));
                }
                for (tick, label) in labels {
                    self.tick(tick, &label, "", "");
                }
            }
            Positions::Times { .. } => {
                let mut found = time_axis::ticks(first, last, wanted);
                if found.is_empty() {
                    found.push(Tick {
                        at: (first + last) / 2.0,
                        label: plot.x.label(0),
                        below: String::new(),
                    });
                }
                for tick in found {
                    self.tick(tick.at, &tick.label, &tick.below, "");
                }
            }
        }
        let name = fit_to(&plot.x_name, self.width * 0.9);
        let hint = if name == plot.x_name {
            ""
        } else {
            &plot.x_name
        };
        let at = (self.left + self.width / 2.0, base + BOTTOM - 8.0);
        self.svg.hinted(at, "middle", MUTED, hint, &name);
    }

    /// The names of rows, as many as fit.
    fn names(&mut self, names: &[String], base: f64) {
        let room = self.width / names.len().max(1) as f64;
        let widest = names
            .iter()
            .map(|name| text_width(name))
            .fold(0.0, f64::max);
        let wanted = (widest + LABEL_GAP).min(TICK_ROOM * 2.0);
        let every = (wanted / room).ceil().max(1.0) as usize;
        for (row, name) in names.iter().enumerate().step_by(every) {
            let short = fit(name, room * every as f64 - LABEL_GAP / 2.0);
            let hint = if short == *name { "" } else { name };
            self.tick_of(row as f64, base, &short, hint);
        }
    }

    fn tick_of(&mut self, place: f64, base: f64, label: &str, hint: &str) {
        let x = self.place(place);
        let (anchor, x_text) = self.anchored(x, label);
        self.svg.line([x, base, x, base + 4.0], "axis", MUTED);
        self.svg
            .hinted((x_text, base + 15.0), anchor, INK, hint, label);
    }

    fn tick(&mut self, place: f64, label: &str, below: &str, hint: &str) {
        let base = self.top + self.height;
        self.tick_of(place, base, label, hint);
        if !below.is_empty() {
            let (anchor, x) = self.anchored(self.place(place), below);
            self.svg.text((x, base + 27.0), anchor, MUTED, "", below);
        }
    }

    /// The anchor and position of a label, which must not exceed the drawing.
    fn anchored(&self, x: f64, label: &str) -> (&'static str, f64) {
        let half = text_width(label) / 2.0;
        if x + half > WIDTH {
            ("end", WIDTH)
        } else if x - half < 0.0 {
            ("start", 0.0)
        } else {
            ("middle", x)
        }
    }

    pub(super) fn finish(self) -> String {
        self.svg.finish()
    }
}

/// The ends of the horizontal scale.
fn ends(plot: &Plot) -> (f64, f64) {
    let Some(places) = plot.x.places() else {
        return (-0.5, plot.x.len() as f64 - 0.5);
    };
    let first = places.iter().copied().fold(f64::INFINITY, f64::min);
    let last = places.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let pad = match plot.kind {
        ChartType::Bar => least_gap(places).map_or(0.0, |gap| gap / 2.0),
        ChartType::Scatter => (last / 2.0 - first / 2.0) * 0.04,
        ChartType::Line => 0.0,
    };
    let padded = (first - pad, last + pad);
    let (first, last) = match padded {
        (a, b) if a.is_finite() && b.is_finite() => padded,
        _ => (first, last),
    };
    if last > first && (last / 2.0 - first / 2.0).is_finite() {
        (first, last)
    } else if first.is_finite() {
        let room = (first.abs() * 0.1).max(0.5);
        (first - room, first + room)
    } else {
        (-0.5, 0.5)
    }
}
