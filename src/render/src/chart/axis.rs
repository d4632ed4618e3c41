//! Axis ticks at round numbers.

/// Multiples of 1, 2 or 5 times a power of ten within `min..=max`, about `wanted` of them.
/// Empty where the range is empty, not finite, or too narrow for doubles to divide.
pub(super) fn ticks(min: f64, max: f64, wanted: u32) -> Vec<f64> {
    let span = max - min;
    if !span.is_finite() || span <= 0.0 || span < min.abs().max(max.abs()) * 1e-12 {
        return Vec::new();
    }
    let raw = span / f64::from(wanted.max(1));
    let power = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|m| m * power)
        .find(|step| *step >= raw * 0.999)
        .unwrap_or(power * 10.0);
    if step <= 0.0 || !step.is_finite() {
        return Vec::new();
    }
    let first = (min / step - 1e-9).ceil();
    let last = (max / step + 1e-9).floor();
    // The bound is beyond any `wanted`; it only guards the loop.
    (0..100)
        .map(|i| first + f64::from(i))
        .take_while(|n| *n <= last)
        .map(|n| n * step)
        .collect()
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
