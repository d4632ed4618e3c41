use super::*;

#[test]
fn whole_numbers_beyond_doubles_keep_their_distances() {
    let first = 9_007_199_254_740_993i64;
    let mut moments = WholeMoments::new();
    moments.extend(&[first, first + 1, first + 2]);
    assert_eq!(moments.finish().variance(), Some(1.0));
    // However many blocks there are.
    let mut moments = WholeMoments::new();
    let values: Vec<i64> = (0..3000).map(|n| i64::MAX - n % 3).collect();
    moments.extend(&values);
    let variance = moments.finish().variance().unwrap_or(0.0);
    let expected = 2.0 / 3.0 * 3000.0 / 2999.0;
    assert!((variance - expected).abs() < 1e-12, "{variance}");
}

#[test]
fn a_mean_is_rounded_once() {
    let mean = |values: &[f64]| {
        let mut sum = Sum::default();
        sum.extend(values);
        sum.divided(values.len() as f64)
    };
    assert_eq!(mean(&[0.1, 0.2, 0.3]).to_bits(), 0.2f64.to_bits());
    assert_eq!(mean(&[0.1; 10]).to_bits(), 0.1f64.to_bits());
    assert_eq!(
        mean(&[1e16, 1.0, -1e16]).to_bits(),
        (1.0f64 / 3.0).to_bits()
    );
}

#[test]
fn sums_of_the_largest_doubles_come_back() {
    let mut sum = Sum::default();
    sum.extend(&[1e308, 1e308, 1e308, -1e308, -1e308, 0.5]);
    assert_eq!(sum.total(), 1e308);
    sum.extend(&[1e308]);
    assert_eq!(sum.divided(2.0), 1e308);
    assert!(sum.total().is_infinite());
    sum.extend(&[-1e308, -1e308]);
    assert_eq!(sum.total(), 0.5);
}
