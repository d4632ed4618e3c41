//! Formats numbers for every format of report.
//!
//! Statistics have six significant digits, or more where values far from zero need them to differ,
//! but no digits that a double does not have, and no trailing zeros. Above 10¹⁵, unless they have that many digits, and below 10⁻⁴ they are in
//! scientific notation; undefined ones are a dash. Commas separate the thousands of counts
//! and statistics, and of the data's own values from five digits on, so that years have none.

use lastcall_domain::profile::Number;

/// The text for an undefined statistic.
pub(crate) const NONE: &str = "–";

/// A count: `1,234,567`.
pub(crate) fn count(n: u64) -> String {
    group(&n.to_string())
}

/// A count with its noun: `1 row`, `1,234 rows`. The plural has to end in s.
pub(crate) fn of(n: u64, noun: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{} {noun}{s}", count(n))
}

/// A statistic with up to six significant digits: `1,234.57`, `0.00123`, `4.5e-9`.
pub(crate) fn figure(x: f64) -> String {
    figure_of(x, 6)
}

/// A statistic with up to so many significant digits.
pub(crate) fn figure_of(x: f64, digits: usize) -> String {
    group_plain(&significant(x, digits))
}

/// Zero for a mean that is rounding noise at the given scale: that of values around 1,000 is not
/// `1e-17`.
pub(crate) fn without_noise(x: f64, scale: f64) -> f64 {
    if x.abs() < scale.abs() * 1e-13 {
        0.0
    } else {
        x
    }
}

/// A statistic whose magnitude matters only, with three significant digits: `2.5e-9`.
pub(crate) fn brief(x: f64) -> String {
    group_plain(&significant(x, 3))
}

/// A statistic that may be undefined.
pub(crate) fn optional(x: Option<f64>) -> String {
    x.map_or_else(|| NONE.to_owned(), figure)
}

/// A value of the data: integers keep every digit, doubles up to ten significant ones.
pub(crate) fn number(n: Number) -> String {
    match n {
        Number::Integer(n) => group_long(&n.to_string()),
        Number::Float(x) => group_long(&significant(x, 10)),
        Number::Decimal(decimal) => group_long(&decimal.to_string()),
    }
}

/// The minimum or maximum of a column: [`number`] with thousands separators like the statistics
/// next to it.
pub(crate) fn extreme(n: Number) -> String {
    match n {
        Number::Integer(n) => group(&n.to_string()),
        Number::Float(x) => group_plain(&significant(x, 10)),
        Number::Decimal(decimal) => group(&decimal.to_string()),
    }
}

/// A coefficient, skewness or kurtosis, with a fixed number of decimals: `0.873`, `-1.200`.
pub(crate) fn fixed(x: f64, decimals: usize) -> String {
    if !x.is_finite() {
        return special(x);
    }
    let text = format!("{x:.decimals$}");
    // Rounding may leave a negative zero.
    if text.starts_with('-') && text.bytes().all(|b| matches!(b, b'-' | b'0' | b'.')) {
        text[1..].to_owned()
    } else {
        group(&text)
    }
}

/// A share: `0%`, `< 0.1%`, `12.3%`, `> 99.9%`, `100%`; a dash if the whole is 0.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return NONE.to_owned();
    }
    match part as f64 / whole as f64 * 100.0 {
        _ if part == 0 => "0%".to_owned(),
        _ if part == whole => "100%".to_owned(),
        p if p < 0.1 => "< 0.1%".to_owned(),
        p if p > 99.9 && p < 100.0 => "> 99.9%".to_owned(),
        p => format!("{p:.1}%"),
    }
}

/// A size with a binary unit: `512 B`, `1.2 MiB`.
pub(crate) fn bytes(n: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if n < 1024 {
        return format!("{n} B");
    }
    let mut value = n as f64 / 1024.0;
    let mut unit = UNITS[0];
    for next in &UNITS[1..] {
        // From here on, rounding would show "1024.0".
        if value < 1023.95 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    format!("{value:.1} {unit}")
}

/// A short form for axes: `950`, `1.2k`, `3M`, `0.05`. The largest value of the axis decides the
/// unit of all its ticks, and the step from one to the next how many digits they have.
pub(crate) fn axis(x: f64, largest: f64, step: f64) -> String {
    let magnitude = |x: f64| x.abs().log10().floor();
    let digits = (magnitude(largest) - magnitude(step) + 1.0).clamp(4.0, 17.0) as usize;
    for (limit, unit) in [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")] {
        let scale = if unit == "k" { 1e3 } else { limit };
        if (limit..1e15).contains(&largest.abs()) && x != 0.0 && digits <= 6 {
            return format!("{}{unit}", group_long(&significant(x / scale, digits)));
        }
    }
    group_long(&significant(x, digits))
}

fn significant(x: f64, digits: usize) -> String {
    if !x.is_finite() {
        return special(x);
    }
    if x == 0.0 {
        return "0".to_owned();
    }
    // With more digits than every double has, the fewest that identify it.
    let identified = digits > f64::DIGITS as usize;
    let scientific = if identified {
        format!("{x:e}")
    } else {
        format!("{x:.*e}", digits - 1)
    };
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..15.max(digits as i32 + 1)).contains(&exponent) {
        return format!("{}e{exponent}", trim_zeros(mantissa));
    }
    if identified {
        return x.to_string();
    }
    let decimals = usize::try_from(digits as i32 - 1 - exponent).unwrap_or(0);
    trim_zeros(&format!("{x:.decimals$}")).to_owned()
}

fn special(x: f64) -> String {
    if x.is_nan() {
        NONE.to_owned()
    } else if x > 0.0 {
        "∞".to_owned()
    } else {
        "-∞".to_owned()
    }
}

fn trim_zeros(text: &str) -> &str {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        text
    }
}

/// Separates the thousands of a number, which may be in scientific notation or no number.
fn group_plain(text: &str) -> String {
    if text.contains('e') || !text.contains(|c: char| c.is_ascii_digit()) {
        text.to_owned()
    } else {
        group(text)
    }
}

/// The same from five digits before the point on.
fn group_long(text: &str) -> String {
    let whole = text
        .split('.')
        .next()
        .unwrap_or(text)
        .trim_start_matches('-');
    if whole.len() < 5 {
        text.to_owned()
    } else {
        group_plain(text)
    }
}

/// Separates the thousands of a decimal number.
fn group(text: &str) -> String {
    let (sign, rest) = text
        .strip_prefix('-')
        .map_or(("", text), |rest| ("-", rest));
    let (whole, fraction) = rest
        .split_once('.')
        .map_or((rest, None), |(w, f)| (w, Some(f)));
    let mut out = String::with_capacity(text.len() + whole.len() / 3 + 1);
    out.push_str(sign);
    for (i, digit) in whole.char_indices() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_six_significant_digits_and_no_noise() {
        let shown = |x: f64| figure(x);
        assert_eq!(shown(0.1 + 0.2), "0.3");
        assert_eq!(shown(1_234_567.891), "1,234,568");
        assert_eq!(shown(-1234.5678), "-1,234.57");
        assert_eq!(shown(12_345.678), "12,345.7");
        assert_eq!(shown(0.000_123_456_789), "0.000123457");
        assert_eq!(shown(4.5e-9), "4.5e-9");
        assert_eq!(shown(1e300), "1e300");
        assert_eq!(shown(999_999.96), "1,000,000");
        assert_eq!(shown(-0.0), "0");
        assert_eq!(shown(f64::NAN), NONE);
        assert_eq!(shown(f64::NEG_INFINITY), "-∞");
        assert_eq!(without_noise(3e-17, 100.0), 0.0);
        assert_eq!(without_noise(3e-17, 1e-17), 3e-17);
    }

    #[test]
    fn figures_far_from_zero_have_the_digits_that_they_are_given() {
        assert_eq!(figure_of(10_000_000.25, 12), "10,000,000.25");
        assert_eq!(
            figure_of(1_700_000_000_000_249.5, 17),
            "1,700,000,000,000,249.5"
        );
        assert_eq!(figure_of(1.7e15, 6), "1.7e15");
    }

    #[test]
    fn no_figure_has_digits_that_a_double_does_not_have() {
        for (x, digits, shown) in [
            (0.3, 18, "0.3"),
            (0.1 * 3.0, 18, "0.30000000000000004"),
            (1_000_000_000.000_02, 18, "1,000,000,000.00002"),
            (0.3, 16, "0.3"),
            (123_456_789_012_345_680.0, 18, "123,456,789,012,345,680"),
            (1e300, 18, "1e300"),
        ] {
            assert_eq!(figure_of(x, digits), shown);
        }
    }

    #[test]
    fn integers_of_64_bits_keep_every_digit() {
        assert_eq!(
            number(Number::Integer(i64::MIN)),
            "-9,223,372,036,854,775,808"
        );
        assert_eq!(number(Number::Float(10_000_000.2)), "10,000,000.2");
        assert_eq!(number(Number::Integer(2007)), "2007");
        assert_eq!(extreme(Number::Integer(4201)), "4,201");
        assert_eq!(extreme(Number::Float(1e300)), "1e300");
        assert_eq!(extreme(Number::Float(f64::INFINITY)), "∞");
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!(count(999), "999");
        assert_eq!(
            [of(1, "row"), of(0, "row"), of(1234, "row")],
            ["1 row", "0 rows", "1,234 rows"]
        );
        assert_eq!(count(1000), "1,000");
    }

    #[test]
    fn shares_never_round_to_nothing_or_to_all() {
        assert_eq!(percent(0, 0), NONE);
        assert_eq!(percent(0, 5), "0%");
        assert_eq!(percent(5, 5), "100%");
        assert_eq!(percent(1, 1_000_000), "< 0.1%");
        assert_eq!(percent(999_999, 1_000_000), "> 99.9%");
        assert_eq!(percent(1, 8), "12.5%");
    }

    #[test]
    fn sizes_have_the_unit_that_fits() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1024), "1.0 KiB");
        assert_eq!(bytes(1024 * 1024 - 1), "1.0 MiB");
        assert_eq!(bytes(u64::MAX), "16.0 EiB");
    }

    #[test]
    fn the_ticks_of_an_axis_have_one_unit() {
        let shown = [0.0, 5e3, 1e4].map(|x| axis(x, 1e4, 5e3));
        assert_eq!(shown, ["0", "5k", "10k"]);
        assert_eq!(axis(2007.0, 2013.0, 1.0), "2007");
        assert_eq!(axis(-2.5e6, 3e6, 5e5), "-2.5M");
    }

    #[test]
    fn the_ticks_of_an_axis_differ() {
        let shown = [10_000_000.22, 10_000_000.24].map(|x| axis(x, 10_000_000.3, 0.02));
        assert_eq!(shown, ["10,000,000.22", "10,000,000.24"]);
        assert_eq!(axis(12_345_600.0, 12_345_900.0, 100.0), "12.3456M");
    }

    #[test]
    fn fixed_decimals_have_no_negative_zero() {
        assert_eq!(fixed(-0.000_4, 3), "0.000");
        assert_eq!(fixed(-1234.5, 2), "-1,234.50");
        assert_eq!(fixed(f64::INFINITY, 2), "∞");
    }
}
