//! Exact decimal comparison, so that no check depends on rounding.

use std::cmp::Ordering;
use std::fmt;

use lastcall_domain::profile::Number;
use serde_json::Value;

/// The most decimals: 10³⁸ is the largest power of ten in 128 bits.
const MAX_SCALE: u8 = 38;

/// `digits` / 10^`places`, without trailing zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exact {
    digits: i128,
    places: u8,
}

impl From<i64> for Exact {
    fn from(whole: i64) -> Self {
        Self {
            digits: whole.into(),
            places: 0,
        }
    }
}

impl Exact {
    /// `None` if there are too many decimals.
    pub(super) fn new(mut digits: i128, mut places: u8) -> Option<Self> {
        while places > 0 && digits % 10 == 0 {
            digits /= 10;
            places -= 1;
        }
        (places <= MAX_SCALE).then_some(Self { digits, places })
    }

    /// Parses digits with an optional sign and point; `None` for anything else, and for too many
    /// digits.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let unsigned = whole.strip_prefix(['-', '+']).unwrap_or(whole);
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if unsigned.is_empty() || !is_digits(unsigned) || !is_digits(fraction) {
            return None;
        }
        let fraction = fraction.trim_end_matches('0');
        let places = u8::try_from(fraction.len()).ok()?;
        Self::new(format!("{whole}{fraction}").parse().ok()?, places)
    }

    /// The shortest decimal that identifies a double.
    pub(super) fn of_float(float: f64) -> Option<Self> {
        Self::parse(&float.to_string())
    }

    pub(super) fn is_whole(self) -> bool {
        self.places == 0
    }

    /// The integer, if it is one of 64 bits.
    pub(super) fn as_i64(self) -> Option<i64> {
        i64::try_from(self.digits).ok().filter(|_| self.is_whole())
    }

    /// The nearest double.
    pub(super) fn as_f64(self) -> f64 {
        self.number().as_f64()
    }

    fn number(self) -> Number {
        Number::decimal(self.digits, self.places)
    }

    /// Whether it is a multiple of the step; `None` if 128 bits do not suffice to decide.
    pub(super) fn is_multiple_of(self, step: Self) -> Option<bool> {
        let places = self.places.max(step.places);
        let scaled = |number: Self| {
            let power = 10i128.checked_pow((places - number.places).into())?;
            number.digits.checked_mul(power)
        };
        Some(scaled(self)?.checked_rem(scaled(step)?)? == 0)
    }

    /// The value for a report: text if a JSON number would lose digits.
    pub(super) fn json(self) -> Value {
        if let Ok(whole) = u64::try_from(self.digits)
            && self.is_whole()
        {
            return whole.into();
        }
        match self.number() {
            Number::Integer(whole) => whole.into(),
            Number::Float(float) => float.into(),
            Number::Decimal(decimal) => decimal.to_string().into(),
        }
    }

    /// The integer part, and the fraction in units of 10^-[`MAX_SCALE`].
    fn parts(self) -> (i128, i128) {
        let power = 10i128.pow(self.places.into());
        let rest = self.digits % power;
        // A remainder is below its power of ten, and so below the largest one.
        let scale = 10i128.pow((MAX_SCALE - self.places).into());
        (self.digits / power, rest * scale)
    }
}

impl Ord for Exact {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.places == other.places {
            return self.digits.cmp(&other.digits);
        }
        self.parts().cmp(&other.parts())
    }
}

impl PartialOrd for Exact {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.digits < 0 { "-" } else { "" };
        let places = usize::from(self.places);
        let digits = format!("{:0>1$}", self.digits.unsigned_abs(), places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        match fraction {
            "" => write!(f, "{sign}{whole}"),
            fraction => write!(f, "{sign}{whole}.{fraction}"),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn exact(text: &str) -> Exact {
        Exact::parse(text).unwrap()
    }

    #[test]
    fn digits_are_kept_and_anything_else_is_no_number() {
        for (text, shown) in [
            ("18446744073709551615", "18446744073709551615"),
            ("-0.50", "-0.5"),
            ("+7.000", "7"),
            ("0", "0"),
            ("-0.0", "0"),
            (
                "0.00000000000000000000000000000000000001",
                "0.00000000000000000000000000000000000001",
            ),
        ] {
            assert_eq!(exact(text).to_string(), shown);
        }
        for text in ["", "-", ".5", "1e3", "1.-5", "1.5.5", "NaN", "--1", "1 "] {
            assert_eq!(Exact::parse(text), None, "{text}");
        }
        assert_eq!(Exact::parse(&"9".repeat(40)), None);
        assert_eq!(Exact::of_float(f64::NAN), None);
        assert_eq!(Exact::of_float(0.1), Some(exact("0.1")));
        assert_eq!(exact("0.1").as_f64().to_bits(), 0.1f64.to_bits());
    }

    #[test]
    fn numbers_are_ordered_by_all_of_their_digits() {
        let ascending = [
            "-170141183460469231731687303715884105728",
            "-1.5",
            "-1",
            "-0.00000000000000000000000000000000000001",
            "0",
            "0.1",
            "0.10000000000000000001",
            "1",
            "18446744073709551614",
            "18446744073709551614.5",
            "18446744073709551615",
            "170141183460469231731687303715884105727",
        ];
        for (at, low) in ascending.iter().enumerate() {
            for high in &ascending[at + 1..] {
                assert!(exact(low) < exact(high), "{low} {high}");
            }
        }
    }

    #[test]
    fn multiples_are_decided_by_exact_digits() {
        for (number, step, is) in [
            ("0.3", "0.1", true),
            ("0.35", "0.1", false),
            ("-12", "0.25", true),
            ("10000000000000000001", "2", false),
        ] {
            let found = exact(number).is_multiple_of(exact(step));
            assert_eq!(found, Some(is), "{number} {step}");
        }
        assert_eq!(exact("1").is_multiple_of(exact("0")), None);
        let tiny = exact("0.00000000000000000000000000000000000001");
        assert_eq!(exact("99999").is_multiple_of(tiny), None);
    }
}
