//! Numbers with all their digits: 64-bit integers, doubles, and decimals.

use std::cmp::Ordering;
use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// A decimal number of up to 38 digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    digits: i128,
    scale: u8,
}

impl Decimal {
    /// `digits` / 10^`scale`, without zeros at its end.
    pub fn new(mut digits: i128, mut scale: u8) -> Self {
        while scale > 0 && digits % 10 == 0 {
            digits /= 10;
            scale -= 1;
        }
        Self { digits, scale }
    }

    /// Reads a number without an exponent; `None` for more digits than fit.
    fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let fraction = fraction.trim_end_matches('0');
        let scale = u8::try_from(fraction.len()).ok()?;
        let digits = format!("{whole}{fraction}").parse().ok()?;
        Some(Self::new(digits, scale))
    }

    fn compare(self, other: Self) -> Ordering {
        if self.scale > other.scale {
            return other.compare(self).reverse();
        }
        let power = 10i128.checked_pow(u32::from(other.scale - self.scale));
        match power.and_then(|power| self.digits.checked_mul(power)) {
            Some(digits) => digits.cmp(&other.digits),
            // Beyond all that fits, except zero.
            None => self.digits.cmp(&0).then(0.cmp(&other.digits)),
        }
    }

    /// The nearest double.
    pub fn as_f64(self) -> f64 {
        if self.digits.unsigned_abs() <= 1 << 53 && self.scale <= 22 {
            // Both are exact, so that one division rounds correctly.
            return self.digits as f64 / 10f64.powi(i32::from(self.scale));
        }
        self.to_string().parse().unwrap_or(f64::NAN)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.digits < 0 { "-" } else { "" };
        let scale = usize::from(self.scale);
        let digits = format!("{:0>1$}", self.digits.unsigned_abs(), scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        match fraction {
            "" => write!(f, "{sign}{whole}"),
            fraction => write!(f, "{sign}{whole}.{fraction}"),
        }
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw = RawValue::from_string(self.to_string());
        raw.map_err(serde::ser::Error::custom)?
            .serialize(serializer)
    }
}

/// A number that keeps all digits of a 64-bit integer and of a decimal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// An integer.
    Integer(i64),
    /// A double; serialized as `null` when it is not finite.
    Float(f64),
    /// A number whose digits neither of them holds; a JSON number like the others.
    Decimal(Decimal),
}

impl Number {
    /// `digits` / 10^`scale`: an integer or a double if that is exact.
    pub fn decimal(digits: i128, scale: u8) -> Self {
        let decimal = Decimal::new(digits, scale);
        if decimal.scale == 0
            && let Ok(whole) = i64::try_from(digits_of(decimal))
        {
            return Self::Integer(whole);
        }
        let nearest = decimal.as_f64();
        if shown(nearest) == Some(decimal) {
            Self::Float(nearest)
        } else {
            Self::Decimal(decimal)
        }
    }

    /// The nearest double.
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Integer(n) => n as f64,
            Self::Float(x) => x,
            Self::Decimal(decimal) => decimal.as_f64(),
        }
    }

    /// Compares by all digits; a double is the shortest decimal that identifies it. `None` if one
    /// of the two is not a number.
    pub fn compare(self, other: Self) -> Option<Ordering> {
        match (self.exact(), other.exact()) {
            (Some(a), Some(b)) => Some(a.compare(b)),
            _ => self.as_f64().partial_cmp(&other.as_f64()),
        }
    }

    /// `None` if a decimal does not hold it.
    fn exact(self) -> Option<Decimal> {
        match self {
            Self::Integer(n) => Some(Decimal::new(n.into(), 0)),
            Self::Float(x) => shown(x),
            Self::Decimal(decimal) => Some(decimal),
        }
    }

    /// Reads a number of JSON.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(whole) = text.parse() {
            return Some(Self::Integer(whole));
        }
        let float: f64 = text.parse().ok()?;
        if text.contains(['e', 'E']) {
            return Some(Self::Float(float));
        }
        Some(match Decimal::parse(text) {
            // `5.0` is a double.
            Some(decimal) if shown(float) != Some(decimal) => Self::Decimal(decimal),
            _ => Self::Float(float),
        })
    }
}

/// The digits of a number that has six significant ones unless more are needed to tell it from
/// others.
const DIGITS: f64 = 6.0;
/// The digits of an integer of 64 bits, less one: more than a double has.
const MAX_DIGITS: f64 = 18.0;
/// The digits of a value that has no others around it.
pub(super) const DIGITS_ALONE: usize = 10;

/// How many significant digits tell apart values up to `largest` in magnitude that lie within
/// `spread`: six, or so many that a hundredth of the spread shows.
pub fn digits_within(largest: f64, spread: f64) -> usize {
    let magnitude = |x: f64| x.abs().log10().floor();
    let digits = magnitude(largest) - magnitude(spread) + 3.0;
    if digits.is_finite() {
        digits.clamp(DIGITS, MAX_DIGITS) as usize
    } else {
        DIGITS as usize
    }
}

fn digits_of(decimal: Decimal) -> i128 {
    decimal.digits
}

/// The shortest digits that identify a double.
fn shown(value: f64) -> Option<Decimal> {
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e')?;
    let exponent: i32 = exponent.parse().ok()?;
    let decimal = Decimal::parse(mantissa)?;
    let scale = i32::from(decimal.scale) - exponent;
    if scale >= 0 {
        return Some(Decimal::new(decimal.digits, u8::try_from(scale).ok()?));
    }
    let power = 10i128.checked_pow(scale.unsigned_abs())?;
    Some(Decimal::new(decimal.digits.checked_mul(power)?, 0))
}

impl From<u64> for Number {
    fn from(count: u64) -> Self {
        Self::decimal(count.into(), 0)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(n) => n.fmt(f),
            Self::Float(x) => x.fmt(f),
            Self::Decimal(decimal) => decimal.fmt(f),
        }
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Integer(n) => serializer.serialize_i64(*n),
            Self::Float(x) => serializer.serialize_f64(*x),
            Self::Decimal(decimal) => decimal.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::parse(raw.get()).ok_or_else(|| D::Error::custom("not a number"))
    }
}

#[cfg(feature = "schema")]
impl utoipa::PartialSchema for Number {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        let number = utoipa::openapi::schema::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::Number)
            .description(Some(
                "A number with all its digits: of a 64-bit integer, and of a decimal.",
            ));
        number.build().into()
    }
}

#[cfg(feature = "schema")]
impl utoipa::ToSchema for Number {}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_written_and_read_with_all_their_digits() {
        for (digits, scale, text) in [
            (i128::from(u64::MAX), 0, "18446744073709551615"),
            (
                -12_345_678_901_234_567_890_123,
                5,
                "-123456789012345678.90123",
            ),
            (1_234_567_890_123_456_789, 20, "0.01234567890123456789"),
            (28_050_000, 4, "2805"),
            (123_456_789, 4, "12345.6789"),
            (-5, 1, "-0.5"),
        ] {
            let number = Number::decimal(digits, scale);
            assert_eq!(serde_json::to_string(&number).unwrap(), text);
            assert_eq!(serde_json::from_str::<Number>(text).unwrap(), number);
        }
    }

    #[test]
    fn values_far_from_zero_have_the_digits_that_tell_them_apart() {
        assert_eq!(digits_within(59.6, 9.3), 6);
        assert_eq!(digits_within(2009.0, 2.0), 6);
        assert_eq!(digits_within(10_000_000.3, 0.05), 12);
        assert_eq!(digits_within(1.7e15, 250.0), 16);
        assert_eq!(digits_within(9e18, 1.0), 18);
        for (largest, spread) in [
            (0.0, 1.0),
            (1.0, 0.0),
            (f64::INFINITY, 1.0),
            (1.0, f64::NAN),
        ] {
            assert_eq!(digits_within(largest, spread), 6);
        }
    }

    #[test]
    fn numbers_are_compared_by_all_of_their_digits() {
        let ascending = [
            "-1e300",
            "-18446744073709551615",
            "-9007199254740993",
            "-9007199254740992",
            "-0.5",
            "-0.000000000000000000000000000000000000000000001",
            "0",
            "0.000000000000000000000000000000000000000000001",
            "0.1",
            "0.10000000000000000001",
            "9007199254740992",
            "9007199254740992.5",
            "9007199254740993",
            "170141183460469231731687303715884105727",
            "1e300",
        ];
        let numbers: Vec<_> = ascending.map(|text| Number::parse(text).unwrap()).into();
        for (i, a) in numbers.iter().enumerate() {
            for (j, b) in numbers.iter().enumerate() {
                assert_eq!(a.compare(*b), Some(i.cmp(&j)), "{a} {b}");
            }
        }
        assert_eq!(
            Number::Float(2.0).compare(Number::Integer(2)),
            Some(Ordering::Equal)
        );
        assert_eq!(Number::Float(f64::NAN).compare(Number::Integer(2)), None);
    }

    #[test]
    fn what_a_double_or_an_integer_says_is_one() {
        assert_eq!(Number::decimal(28_050_000, 4), Number::Integer(2805));
        assert_eq!(Number::decimal(123_456_789, 4), Number::Float(12345.6789));
        assert_eq!(Number::decimal(1, 1).as_f64(), 0.1);
        let read = |text| serde_json::from_str::<Number>(text).unwrap();
        assert_eq!(read("5.0"), Number::Float(5.0));
        assert_eq!(read("1e30"), Number::Float(1e30));
        assert_eq!(read("5"), Number::Integer(5));
        assert_eq!(
            read("0.30000000000000004"),
            Number::Float(0.300_000_000_000_000_04)
        );
        assert!(serde_json::from_str::<Number>("\"5\"").is_err());
    }
}
