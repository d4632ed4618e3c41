//! Dimensions that the parts of a chart share.

/// The width of the drawing, in its own units.
pub(super) const WIDTH: f64 = 640.0;

/// The smallest distance between neighbours of ascending positions.
pub(super) fn least_gap(places: &[f64]) -> Option<f64> {
    let gaps = places.windows(2).map(|pair| pair[1] - pair[0]);
    gaps.filter(|gap| *gap > 0.0).min_by(f64::total_cmp)
}
