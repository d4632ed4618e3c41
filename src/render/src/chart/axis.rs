//! Axis ticks at round numbers, and a scale that starts and ends at a tick.

use lastcall_domain::ChartType;

use super::text_width;
use crate::number;

/// The least gap between two labels.
const LABEL_GAP: f64 = 8.0;

/// Multiples of 1, 2 or 5 times a power of ten within `min..=max`, about `wanted` of them.
/// Empty where the range is empty, not finite, or too narrow for doubles to divide.
pub(super) fn ticks(min: f64, max: f64, wanted: u32) -> Vec<f64> {
    let Some(step) = step(min, max, wanted) else {
        return Vec::new();
    };
    let first = (min / step - 1e-9).ceil();
    let last = (max / step + 1e-9).floor();
    // The bound only guards the loop; it is larger than any `wanted`.
    (0..100)
        .map(|i| first + f64::from(i))
        .take_while(|n| *n <= last)
        .map(|n| n * step)
        .collect()
}

/// The distance of two ticks; `None` where there are none.
fn step(min: f64, max: f64, wanted: u32) -> Option<f64> {
    let span = max - min;
    if !span.is_finite() || span <= 0.0 || span < min.abs().max(max.abs()) * 1e-12 {
        return None;
    }
    let raw = span / f64::from(wanted.max(1));
    let power = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|m| m * power)
        .find(|step| *step >= raw * 0.999)
        .unwrap_or(power * 10.0);
    (step > 0.0 && step.is_finite()).then_some(step)
}

/// Each tick with its label; no two labels are the same.
pub(super) fn labelled(ticks: Vec<f64>) -> Vec<(f64, String)> {
    let largest = ticks.iter().map(|tick| tick.abs()).fold(0.0, f64::max);
    let step = match ticks[..] {
        [first, second, ..] => second - first,
        _ => largest,
    };
    let label = |tick: f64| (tick, number::axis(tick, largest, step));
    ticks.into_iter().map(label).collect()
}

/// Ticks with labels along `room` units of a drawing, at most about `wanted` and as many as fit
/// side by side; one if no two do.
pub(super) fn side_by_side(min: f64, max: f64, wanted: u32, room: f64) -> Vec<(f64, String)> {
    let fit = |labels: &Vec<(f64, String)>| {
        let widest = labels.iter().map(|(_, label)| text_width(label));
        let widest = widest.fold(0.0, f64::max) + LABEL_GAP;
        matches!(labels[..], [(first, _), (second, _), ..]
            if (second - first) / (max - min) * room >= widest)
    };
    (2..=wanted)
        .rev()
        .map(|wanted| labelled(ticks(min, max, wanted)))
        .find(fit)
        .unwrap_or_else(|| labelled(ticks(min, max, 2).into_iter().take(1).collect()))
}

/// The scale of values.
#[derive(Debug)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    ticks: Vec<f64>,
}

impl Scale {
    /// A scale for values from `min` to `max`. It begins at zero for bars, and if the values are
    /// not far from it.
    pub(super) fn of(kind: ChartType, min: f64, max: f64) -> Self {
        let with_zero = |near: bool| match kind {
            ChartType::Bar => true,
            ChartType::Line | ChartType::Scatter => near,
        };
        let min = if with_zero(min > 0.0 && min < max * 0.4) {
            min.min(0.0)
        } else {
            min
        };
        let max = if with_zero(max < 0.0 && max > min * 0.4) {
            max.max(0.0)
        } else {
            max
        };
        let (min, max) = if max > min {
            (min, max)
        } else {
            let room = (min.abs() * 0.1).max(1.0);
            (min - room, max + room)
        };
        let found = ticks(min, max, 5);
        // The step itself: the difference of two ticks far from zero is not exact.
        let (Some(step), true) = (step(min, max, 5), found.len() > 1) else {
            return Self {
                low: min,
                high: max,
                ticks: found,
            };
        };
        let from = (min / step + 1e-9).floor();
        let to = (max / step - 1e-9).ceil();
        // The bound only guards the loop: there are about `wanted` ticks, and one at each end.
        let ticks = (0..20)
            .map(|i| from + f64::from(i))
            .take_while(|n| *n <= to)
            .map(|n| n * step);
        Self {
            low: from * step,
            high: to * step,
            ticks: ticks.collect(),
        }
    }

    /// The position of a value between the ends, from 0 to 1.
    pub(super) fn share(&self, value: f64) -> f64 {
        // Halved, as the difference may exceed the range of a double.
        (value / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0)
    }

    /// The ticks with their labels, no two of them the same.
    pub(super) fn labels(&self) -> Vec<(f64, String)> {
        labelled(self.ticks.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(ticks(0.0, 10.0, 5), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(ticks(32.1, 59.6, 5), [40.0, 50.0]);
        assert_eq!(ticks(-1.0, 1.0, 4), [-1.0, -0.5, 0.0, 0.5, 1.0]);
    }

    #[test]
    fn labels_far_from_zero_differ_and_have_room() {
        let labels = side_by_side(10_000_000.2, 10_000_000.3, 6, 280.0);
        assert!(labels.len() >= 2, "{labels:?}");
        let texts: Vec<_> = labels.iter().map(|(_, label)| label.as_str()).collect();
        assert_eq!(texts[..2], ["10,000,000.2", "10,000,000.25"]);
        let years = side_by_side(2007.0, 2009.0, 6, 280.0);
        assert_eq!(years[0].1, "2007");
        assert!(side_by_side(1.0, 1.0, 6, 280.0).is_empty());
    }

    #[test]
    fn a_scale_begins_and_ends_at_a_tick() {
        let scale = Scale::of(ChartType::Bar, 12.0, 87.0);
        assert_eq!((scale.low, scale.high), (0.0, 100.0));
        let scale = Scale::of(ChartType::Line, 91.0, 98.5);
        assert_eq!((scale.low, scale.high), (90.0, 100.0));
        let scale = Scale::of(ChartType::Bar, -3.0, -1.0);
        assert_eq!((scale.low, scale.high), (-3.0, 0.0));
        assert_eq!(Scale::of(ChartType::Line, 1.0, 9.0).low, 0.0);
        let scale = Scale::of(ChartType::Line, 10_000_000.25, 10_000_000.75);
        assert_eq!(scale.labels()[0].1, "10,000,000.2");
    }

    #[test]
    fn every_value_has_a_place_on_its_scale() {
        for (min, max) in [
            (0.0, 0.0),
            (5.0, 5.0),
            (-1e-300, 1e-300),
            (f64::MIN, f64::MAX),
            (1e300, 1.000_000_000_000_001e300),
            (f64::MAX, f64::MAX),
        ] {
            for kind in [ChartType::Bar, ChartType::Line] {
                let scale = Scale::of(kind, min, max);
                for value in [min, max] {
                    let share = scale.share(value);
                    assert!(
                        (-1e-6..=1.000_001).contains(&share),
                        "{min}..{max}: {share}"
                    );
                }
                let labels = scale.labels();
                assert!(
                    labels.windows(2).all(|pair| pair[0].1 != pair[1].1),
                    "{labels:?}"
                );
            }
        }
    }

    #[test]
    fn ranges_without_room_have_no_ticks() {
        for (min, max) in [
            (1.0, 1.0),
            (2.0, 1.0),
            (f64::NAN, 1.0),
            (f64::MIN, f64::MAX),
            (1e300, 1e300 + 1.0),
            (0.0, f64::INFINITY),
        ] {
            assert!(ticks(min, max, 5).is_empty(), "{min}..{max}");
        }
        assert!(ticks(0.0, f64::MIN_POSITIVE, 5).len() < 20);
    }
}
