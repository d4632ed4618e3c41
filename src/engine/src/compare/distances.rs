//! Distances between two distributions over the same bins.

/// Replaces a share of 0, as is usual for the index, which would be infinite otherwise.
const MIN_SHARE: f64 = 1e-4;

/// The population stability index Σ (q − p) ln(q / p) (Siddiqi 2006), which is the symmetrized
/// divergence of Kullback and Leibler (1951). Shares below 0.0001 count as 0.0001.
pub(super) fn stability_index(p: &[f64], q: &[f64]) -> f64 {
    let pairs = p.iter().zip(q);
    pairs
        .map(|(p, q)| {
            let (p, q) = (p.max(MIN_SHARE), q.max(MIN_SHARE));
            (q - p) * (q / p).ln()
        })
        .sum()
}

/// The Jensen–Shannon distance: the square root of the divergence to base 2 (Lin 1991; Endres and
/// Schindelin 2003).
pub(super) fn jensen_shannon(p: &[f64], q: &[f64]) -> f64 {
    let to_middle = |a: f64, b: f64| {
        if a > 0.0 {
            a * (2.0 * a / (a + b)).log2()
        } else {
            0.0
        }
    };
    let pairs = p.iter().zip(q);
    let divergence: f64 = pairs
        .map(|(&p, &q)| to_middle(p, q) + to_middle(q, p))
        .sum();
    (divergence / 2.0).clamp(0.0, 1.0).sqrt()
}
