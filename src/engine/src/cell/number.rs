//! Reading numbers.
//!
//! A number begins with a digit, a sign or a point. `007` is no number: leading zeros carry
//! meaning (postal codes, article numbers), and so do digits beyond 64 bits.

/// Reads a whole number of 64 bits. `None` for anything else, leading zeros included.
#[inline]
pub(crate) fn integer(cell: &[u8]) -> Option<i64> {
    let (negative, digits) = match cell {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
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

/// Powers of ten that a double holds exactly.
const EXACT_POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// Reads a number as a double, correctly rounded; `inf`, `Infinity` and `nan` in any case are
/// numbers too. `None` for anything else, and for whole numbers that [`integer`] leaves to text.
#[inline]
pub(crate) fn float(cell: &[u8]) -> Option<f64> {
    let (negative, rest) = match cell {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let signed = |x: f64| if negative { -x } else { x };
    if is_long_fraction(rest) {
        return std::str::from_utf8(rest).ok()?.parse().ok().map(signed);
    }
    let mut at = 0;
    let mut mantissa: u64 = 0;
    while at < rest.len() && rest[at].is_ascii_digit() {
        mantissa = mantissa
            .wrapping_mul(10)
            .wrapping_add(u64::from(rest[at] - b'0'));
        at += 1;
    }
    let whole = at;
    if whole > 1 && rest[0] == b'0' {
        return None;
    }
    let mut fraction = 0;
    if at < rest.len() && rest[at] == b'.' {
        at += 1;
        while at < rest.len() && rest[at].is_ascii_digit() {
            mantissa = mantissa
                .wrapping_mul(10)
                .wrapping_add(u64::from(rest[at] - b'0'));
            at += 1;
        }
        fraction = at - whole - 1;
    } else if at == rest.len() {
        // A whole number: a float only where it is an integer too.
        return integer(cell).map(|n| if n == 0 { signed(0.0) } else { n as f64 });
    }
    if whole + fraction == 0 {
        return word(rest).map(signed);
    }
    if at == rest.len() {
        // Clinger's fast path: both operands are exact, so that one division rounds correctly.
        if whole + fraction <= 19 && mantissa <= 1 << 53 && fraction <= 22 {
            return Some(signed(mantissa as f64 / EXACT_POWERS[fraction]));
        }
    } else {
        exponent(&rest[at..])?;
    }
    std::str::from_utf8(rest).ok()?.parse().ok().map(signed)
}

/// Whether it begins as a number with a point does, without leading zeros, and has more digits
/// than the fast path takes. What follows is checked as it is read.
#[inline]
fn is_long_fraction(rest: &[u8]) -> bool {
    rest.len() >= 18
        && matches!(
            rest,
            [b'0'..=b'9', b'.', ..]
                | [b'1'..=b'9', b'0'..=b'9', b'.', ..]
                | [b'1'..=b'9', b'0'..=b'9', b'0'..=b'9', b'.', ..]
        )
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

/// Whether the cell is made of digits that stand for themselves, not for a quantity: leading
/// zeros, or more than 64 bits hold.
pub(crate) fn is_identifier(cell: &[u8]) -> bool {
    !cell.is_empty() && cell.iter().all(u8::is_ascii_digit) && integer(cell).is_none()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
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
}
