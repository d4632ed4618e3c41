//! Parses numbers.
//!
//! A number begins with a digit, a sign or a point. `007` is no number: leading zeros carry
//! meaning (postal codes, article numbers), and so do digits beyond 64 bits.
//!
//! What most cells look like is read eight digits at a time; the rest digit by digit.

use super::field::Field;
use super::powers::POWERS;

/// No double needs more digits (IEEE 754).
const MAX_EXACT_DIGITS: usize = 17;

/// Reads a whole number of 64 bits. `None` for anything else, leading zeros included.
#[inline]
pub(crate) fn integer(cell: &[u8]) -> Option<i64> {
    let (negative, digits) = sign(cell);
    if digits.is_empty() || digits.len() > 19 || (digits[0] == b'0' && digits.len() > 1) {
        return None;
    }
    // 19 digits fit an unsigned 64-bit integer, so that no step overflows.
    let mut magnitude: u64 = 0;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        magnitude = magnitude * 10 + u64::from(digit);
    }
    if negative {
        0i64.checked_sub_unsigned(magnitude)
    } else {
        i64::try_from(magnitude).ok()
    }
}

/// The whole number of up to 16 digits that a field is, without a plus. `None` says nothing.
#[inline(always)]
pub(crate) fn usual_integer(field: Field<'_>) -> Option<i64> {
    let (negative, field) = field.minus();
    let length = field.len();
    let leading_zero = (field.first() == b'0') & (length > 1);
    if !(1..=16).contains(&length) | leading_zero {
        return None;
    }
    // 16 digits are far below 63 bits.
    let magnitude = field.digits()? as i64;
    Some(if negative { -magnitude } else { magnitude })
}

/// A number and whether it may have more digits than all doubles tell apart.
pub(crate) type Float = (f64, bool);

/// The number with a point that a field is, of up to 7 digits before it and 19 in all. `None` says
/// nothing.
#[inline(always)]
pub(crate) fn usual_float(field: Field<'_>) -> Option<Float> {
    let (negative, field) = field.minus();
    let (mantissa, places) = field.decimal()?;
    let value = shifted(mantissa, places);
    let long = mantissa >= POWERS[MAX_EXACT_DIGITS];
    Some((if negative { -value } else { value }, long))
}

/// mantissa / 10^places, correctly rounded.
#[inline(always)]
fn shifted(mantissa: u64, places: usize) -> f64 {
    // Clinger's fast path: both operands are exact, so that one division rounds correctly. So is
    // every power up to the largest.
    if mantissa <= 1 << 53 {
        return mantissa as f64 / POWERS[places] as f64;
    }
    divided(mantissa, POWERS[places])
}

/// The quotient, correctly rounded.
#[inline(never)]
fn divided(mantissa: u64, divisor: u64) -> f64 {
    // Both with their highest bit set, so that the quotient of 64 bits is within one of it.
    let (m, d) = (mantissa.leading_zeros(), divisor.leading_zeros());
    let (mantissa, divisor) = (mantissa << m, divisor << d);
    let bits = 63 + u32::from(mantissa < divisor);
    let dividend = u128::from(mantissa) << bits;
    let divisor = u128::from(divisor);
    let quotient = (dividend / divisor) as u64;
    // A bit below those that are kept stands for all that is left: the conversion rounds once.
    let rest = u64::from(dividend % divisor != 0);
    // 2^(d − m − bits), by its exponent: bits is more than d.
    let scale = f64::from_bits(u64::from(1023 + d - m - bits) << 52);
    (quotient | rest) as f64 * scale
}

fn sign(cell: &[u8]) -> (bool, &[u8]) {
    match cell {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    }
}

/// Reads a number as a double, correctly rounded; `inf`, `Infinity` and `nan` in any case are
/// numbers too. `None` for anything else, and for whole numbers that [`integer`] leaves to text.
pub(crate) fn float(cell: &[u8]) -> Option<f64> {
    let (negative, rest) = sign(cell);
    let signed = |x: f64| if negative { -x } else { x };
    let digits = |from: usize| {
        let rest = &rest[from..];
        rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
    };
    let whole = digits(0);
    if whole > 1 && rest[0] == b'0' {
        return None;
    }
    if whole == rest.len() {
        // A whole number: a float only where it is an integer too.
        return integer(cell).map(|n| if n == 0 { signed(0.0) } else { n as f64 });
    }
    let mut end = whole;
    let mut fraction = 0;
    if rest[whole] == b'.' {
        fraction = digits(whole + 1);
        end += 1 + fraction;
    }
    if whole + fraction == 0 {
        return word(rest).map(signed);
    }
    if end < rest.len() {
        exponent(&rest[end..])?;
    }
    std::str::from_utf8(rest).ok()?.parse().ok().map(signed)
}

/// Checks `e[+-]digits`.
fn exponent(part: &[u8]) -> Option<()> {
    let digits = match part {
        [b'e' | b'E', b'+' | b'-', digits @ ..] | [b'e' | b'E', digits @ ..] => digits,
        _ => return None,
    };
    (!digits.is_empty() && digits.iter().all(u8::is_ascii_digit)).then_some(())
}

fn word(rest: &[u8]) -> Option<f64> {
    if rest.eq_ignore_ascii_case(b"inf") || rest.eq_ignore_ascii_case(b"infinity") {
        Some(f64::INFINITY)
    } else if rest.eq_ignore_ascii_case(b"nan") {
        Some(f64::NAN)
    } else {
        None
    }
}

/// Whether a number with a point is a whole one to those whose point stands between thousands:
/// `12.500`.
pub(crate) fn is_grouped(cell: &[u8]) -> bool {
    let (_, rest) = sign(cell);
    let Some((whole, [b'.', fraction @ ..])) = rest.split_at_checked(rest.len().wrapping_sub(4))
    else {
        return false;
    };
    let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    (1..=3).contains(&whole.len()) && whole[0] != b'0' && digits(whole) && digits(fraction)
}

/// Whether the cell is made of digits that stand for themselves, not for a quantity: leading
/// zeros, or more than 64 bits hold.
pub(crate) fn is_identifier(cell: &[u8]) -> bool {
    !cell.is_empty() && cell.iter().all(u8::is_ascii_digit) && integer(cell).is_none()
}

/// Whether the text of a number is long enough for [`is_rounded`].
#[inline]
pub(crate) fn may_be_rounded(cell: &[u8]) -> bool {
    cell.len() > MAX_EXACT_DIGITS
}

/// Whether a number, whatever its marks are, has more than 17 digits, which are all that any double
/// needs; zeros at either end are not counted.
pub(crate) fn is_rounded(cell: &[u8]) -> bool {
    let first = cell.iter().position(|byte| matches!(byte, b'1'..=b'9'));
    let digits = &cell[first.unwrap_or(cell.len())..];
    if digits.len() <= MAX_EXACT_DIGITS {
        return false;
    }
    let end = digits.iter().position(|byte| matches!(byte, b'e' | b'E'));
    let digits = &digits[..end.unwrap_or(digits.len())];
    let last = digits.iter().rposition(|byte| matches!(byte, b'1'..=b'9'));
    let digits = &digits[..last.map_or(0, |last| last + 1)];
    digits.iter().filter(|byte| byte.is_ascii_digit()).count() > MAX_EXACT_DIGITS
}

/// Whether the cell is a whole number beyond 64 bits.
pub(crate) fn is_too_long(cell: &[u8]) -> bool {
    let (_, digits) = sign(cell);
    digits.len() > 18
        && digits[0] != b'0'
        && digits.iter().all(u8::is_ascii_digit)
        && integer(cell).is_none()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn integers_are_read_to_the_ends_of_64_bits_and_no_further() {
        assert_eq!(integer(b"9223372036854775807"), Some(i64::MAX));
        assert_eq!(integer(b"-9223372036854775808"), Some(i64::MIN));
        assert_eq!(integer(b"9223372036854775808"), None);
        assert_eq!(integer(b"-9223372036854775809"), None);
        assert_eq!(integer(b"99999999999999999999"), None);
        assert_eq!(integer(b"+5"), Some(5));
        assert_eq!(integer(b"-0"), Some(0));
    }

    #[test]
    fn leading_zeros_stay_text() {
        for cell in ["007", "00", "-07", "+01"] {
            assert_eq!(integer(cell.as_bytes()), None, "{cell}");
            assert_eq!(float(cell.as_bytes()), None, "{cell}");
        }
        assert_eq!(float(b"0.5"), Some(0.5));
        assert_eq!(float(b"0"), Some(0.0));
    }

    #[test]
    fn digits_that_a_double_does_not_hold_are_seen() {
        for (cell, rounded) in [
            ("12345678901234.123456", true),
            ("-1.234.567.890.123.456,78", true),
            ("0.123456789012345678", true),
            ("1.23456789012345678e-5", true),
            ("0.12345678901234567", false),
            ("-12345678901234567e100", false),
            ("0.00000000000000000000000001", false),
            ("1.50000000000000000000000000", false),
            ("100000000000000000000000.0", false),
            ("0.000000000000000000000000", false),
        ] {
            assert_eq!(is_rounded(cell.as_bytes()), rounded, "{cell}");
        }
    }

    #[test]
    fn what_only_looks_like_a_number_is_none() {
        for cell in [
            "",
            "-",
            "+",
            ".",
            "-.",
            "e5",
            "1e",
            "1e+",
            "1.2.3",
            "1,5",
            "0x10",
            "1_000",
            "--1",
            "infinit",
            "1 2",
            "1e5x",
            "١",
            "0.1234567890123456x",
            "1.234567890123456e",
            "12.34567890.1234567",
            "1.2345678901234567 ",
            "00.1234567890123456",
        ] {
            assert_eq!(integer(cell.as_bytes()), None, "{cell}");
            assert_eq!(float(cell.as_bytes()), None, "{cell}");
        }
    }

    #[test]
    fn floats_are_those_of_the_standard_library() {
        for cell in [
            "1.",
            ".5",
            "-.5e-3",
            "1e5",
            "1E+05",
            "123456789.987654321",
            "0.1",
            "2.5e-324",
            "1.7976931348623157e308",
            "1e400",
            "9007199254740993.0",
            "0.30000000000000004",
            "179769313486231570000000000000000000000.5",
            "-0.0",
            "-0",
            "0.12345678901234567",
            "-12.34567890123456789",
            "123.45678901234567e-10",
            "1.00000000000000000000000",
        ] {
            let expected: f64 = cell.parse().unwrap();
            let read = float(cell.as_bytes()).unwrap();
            assert_eq!(read.to_bits(), expected.to_bits(), "{cell}");
        }
        assert_eq!(float(b"-Infinity"), Some(f64::NEG_INFINITY));
        assert_eq!(float(b"INF"), Some(f64::INFINITY));
        assert!(float(b"nan").unwrap().is_nan());
    }

    /// A cell with something behind it, as in a chunk.
    fn in_chunk<T>(cell: &str, read: impl Fn(Field<'_>) -> T) -> T {
        let chunk = format!("{cell},2024-01-01T00:00:00Z,x\n");
        read(Field::new(chunk.as_bytes(), cell.len()))
    }

    #[test]
    fn usual_numbers_are_read_without_a_second_look() {
        for cell in ["0", "7", "-12", "12345678", "1234567890123456", "-0"] {
            let read = in_chunk(cell, usual_integer);
            assert_eq!(read, integer(cell.as_bytes()), "{cell}");
            assert!(read.is_some(), "{cell}");
        }
        for cell in [
            "0.5",
            "-151.81",
            "38.577524",
            "1234567.5",
            "-0.3717642643384772",
            "0.062002919643401886",
            "9.999999999999999999",
            "-0.0",
            "12345.",
        ] {
            let (read, long) = in_chunk(cell, usual_float).unwrap();
            let expected: f64 = cell.parse().unwrap();
            assert_eq!(read.to_bits(), expected.to_bits(), "{cell}");
            assert_eq!(long, is_rounded(cell.as_bytes()), "{cell}");
        }
        for cell in [
            "",
            "-",
            ".5",
            "00.5",
            "1e5",
            "1.5x",
            "1.2.3",
            "12345678.5",
            "x.5",
        ] {
            assert_eq!(in_chunk(cell, usual_float), None, "{cell}");
        }
        for cell in [
            "",
            "-",
            "+",
            "01",
            "1x",
            "12345678901234567",
            "--1",
            "+1",
            "1,",
            "1 ",
        ] {
            assert_eq!(in_chunk(cell, usual_integer), None, "{cell}");
        }
        // At the end of a chunk there are no eight bytes to read.
        assert_eq!(usual_integer(Field::from(&b"12"[..])), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn usual_numbers_are_those_of_the_standard_library(
            cell in "[+-]?[0-9]{1,8}\\.[0-9]{0,19}|[+-]?[0-9]{1,17}|[0-9.+-]{0,20}"
        ) {
            if let Some((read, long)) = in_chunk(&cell, usual_float) {
                let expected: f64 = cell.parse().unwrap();
                prop_assert_eq!(read.to_bits(), expected.to_bits());
                prop_assert!(long || !is_rounded(cell.as_bytes()));
                prop_assert!(float(cell.as_bytes()).is_some());
            }
            if let Some(read) = in_chunk(&cell, usual_integer) {
                prop_assert_eq!(Some(read), integer(cell.as_bytes()));
            }
        }

        #[test]
        fn quotients_of_64_bits_are_rounded_once(mantissa in (1u64 << 53) + 1.., places in 0..19usize) {
            let expected: f64 = format!("{mantissa}e-{places}").parse().unwrap();
            prop_assert_eq!(divided(mantissa, POWERS[places]).to_bits(), expected.to_bits());
        }
    }
}
