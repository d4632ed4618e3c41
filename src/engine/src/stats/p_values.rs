//! p-values.
//!
//! Series and continued fractions are those of the NIST Digital Library of Mathematical Functions
//! (DLMF), evaluated by the modified method of Lentz (1976).

use libm::lgamma;

/// A stand-in for 0 in denominators.
const TINY: f64 = 1e-300;
const PRECISION: f64 = 1e-15;
/// Enough for a million degrees of freedom; the error of cutting off later is nil.
const MOST_STEPS: u32 = 100_000;

/// The chance that χ² with `degrees_of_freedom` degrees of freedom is `statistic` or more.
pub(crate) fn chi_squared(statistic: f64, degrees_of_freedom: f64) -> f64 {
    if statistic <= 0.0 {
        return 1.0;
    }
    upper_gamma(degrees_of_freedom / 2.0, statistic / 2.0).clamp(0.0, 1.0)
}

/// The chance that a correlation of `n` pairs without any is as far from 0 as `r`, by Student's
/// t with n − 2 degrees of freedom; not defined below three pairs.
pub(crate) fn correlation(r: f64, n: u64) -> Option<f64> {
    if n < 3 {
        return None;
    }
    // t² = r²·ν / (1 − r²), so that ν / (ν + t²) = 1 − r².
    let degrees_of_freedom = (n - 2) as f64;
    Some(beta(degrees_of_freedom / 2.0, 0.5, (1.0 - r) * (1.0 + r)).clamp(0.0, 1.0))
}

/// The chance that two samples of one distribution are `distance` or more apart, by Kolmogorov's
/// limiting distribution (DLMF has none; Kolmogorov 1933, Smirnov 1948).
pub(crate) fn kolmogorov(distance: f64, n: u64, m: u64) -> f64 {
    let (n, m) = (n as f64, m as f64);
    let x = (n * m / (n + m)).sqrt() * distance;
    if x < 1e-3 {
        return 1.0;
    }
    if x < 1.0 {
        // Jacobi's transformation of the series converges where the series does not.
        let pi = std::f64::consts::PI;
        let term = |k: f64| (-(2.0 * k - 1.0).powi(2) * pi * pi / (8.0 * x * x)).exp();
        let sum: f64 = (1..=20).map(|k| term(f64::from(k))).sum();
        return (1.0 - (2.0 * pi).sqrt() / x * sum).clamp(0.0, 1.0);
    }
    let term = |k: i32| {
        let sign = if k % 2 == 1 { 1.0 } else { -1.0 };
        sign * (-2.0 * f64::from(k * k) * x * x).exp()
    };
    (2.0 * (1..=20).map(term).sum::<f64>()).clamp(0.0, 1.0)
}

/// The regularized upper incomplete gamma function Q(a, x).
fn upper_gamma(a: f64, x: f64) -> f64 {
    let front = (a * x.ln() - x - lgamma(a)).exp();
    if x < a + 1.0 {
        // DLMF 8.7.1: the series of the lower function.
        let mut term = 1.0 / a;
        let mut sum = term;
        for step in 1..MOST_STEPS {
            term *= x / (a + f64::from(step));
            sum += term;
            if term < sum * PRECISION {
                break;
            }
        }
        return 1.0 - front * sum;
    }
    // DLMF 8.9.2, contracted to its even part.
    let fraction = lentz(x + 1.0 - a, |step| {
        let k = f64::from(step);
        (-k * (k - a), x + 1.0 - a + 2.0 * k)
    });
    front / fraction
}

/// The regularized incomplete beta function Iₓ(a, b).
fn beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    // DLMF 8.17.4: the fraction converges fast on one side of the mean only.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta(b, a, 1.0 - x);
    }
    let front = (lgamma(a + b) - lgamma(a) - lgamma(b) + a * x.ln() + b * (-x).ln_1p()).exp() / a;
    // DLMF 8.17.22.
    let fraction = lentz(1.0, |step| {
        let m = f64::from(step / 2);
        let numerator = if step % 2 == 0 {
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        } else {
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        };
        (numerator, 1.0)
    });
    front / fraction
}

/// The continued fraction b₀ + a₁ / (b₁ + a₂ / (b₂ + …)).
fn lentz(first: f64, terms: impl Fn(u32) -> (f64, f64)) -> f64 {
    let nonzero = |x: f64| if x.abs() < TINY { TINY } else { x };
    let mut value = nonzero(first);
    let (mut c, mut d) = (value, 0.0);
    for step in 1..MOST_STEPS {
        let (a, b) = terms(step);
        d = 1.0 / nonzero(b + a * d);
        c = nonzero(b + a / c);
        let factor = c * d;
        value *= factor;
        if (factor - 1.0).abs() < PRECISION {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn near(found: f64, expected: f64) {
        assert!(
            (found - expected).abs() <= 1e-11 * expected.abs(),
            "{found} for {expected}"
        );
    }

    #[test]
    fn chances_of_chi_squared_are_those_of_scipy() {
        // scipy.stats.chi2.sf
        near(chi_squared(3.84, 1.0), 0.050_043_521_248_705_19);
        near(chi_squared(0.5, 3.0), 0.918_891_411_654_675_8);
        near(chi_squared(100.0, 9.0), 1.573_517_630_375_387_6e-17);
        near(chi_squared(9801.0, 9801.0), 0.498_100_369_619_993_7);
        near(chi_squared(0.0, 4.0), 1.0);
    }

    #[test]
    fn chances_of_correlations_are_those_of_scipy() {
        // 2 * scipy.stats.t.sf(abs(t), n - 2)
        near(correlation(0.5, 10).unwrap(), 0.141_113_281_25);
        let many = correlation(-0.01, 1_000_000).unwrap();
        // The logarithms of Γ that it is the difference of have seven digits before the point.
        assert!(
            (many / 1.520_319_803_992_726e-23 - 1.0).abs() < 1e-8,
            "{many}"
        );
        near(correlation(0.95, 5).unwrap(), 0.013_320_011_010_141_25);
        assert_eq!(correlation(1.0, 5), Some(0.0));
        assert_eq!(correlation(0.0, 5), Some(1.0));
        assert_eq!(correlation(0.5, 2), None);
    }

    #[test]
    fn chances_of_distances_are_those_of_scipy() {
        // scipy.stats.kstwobign.sf(sqrt(n * m / (n + m)) * d)
        near(kolmogorov(0.1, 200, 300), 0.181_300_449_938_122_58);
        near(kolmogorov(0.05, 200, 300), 0.925_085_680_994_173_9);
        near(kolmogorov(0.5, 1000, 1000), 2.0 * (-250.0f64).exp());
        near(kolmogorov(0.0, 10, 10), 1.0);
    }
}
