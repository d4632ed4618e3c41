//! Frequent values.

use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Decimal, Number};

/// A value and how often it occurs.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TopValue {
    /// The value in its own type: a JSON number, boolean or string (dates are strings).
    pub value: Value,
    /// The value with all its digits where a number of [`Value`] does not hold them. In JSON it
    /// stands for `value`.
    #[cfg_attr(feature = "schema", schema(ignore))]
    pub decimal: Option<Decimal>,
    /// In how many rows.
    pub count: u64,
}

impl TopValue {
    /// A value that occurs in so many rows.
    pub fn new(value: Value, count: u64) -> Self {
        Self {
            value,
            decimal: None,
            count,
        }
    }

    /// A number, with all its digits.
    pub fn of_number(number: Number, count: u64) -> Self {
        match number {
            Number::Integer(n) => Self::new(n.into(), count),
            Number::Float(x) => Self::new(x.into(), count),
            Number::Decimal(decimal) => Self {
                decimal: Some(decimal),
                ..Self::new(decimal.as_f64().into(), count)
            },
        }
    }
}

impl Serialize for TopValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("TopValue", 2)?;
        match &self.decimal {
            Some(decimal) => fields.serialize_field("value", decimal)?,
            None => fields.serialize_field("value", &self.value)?,
        }
        fields.serialize_field("count", &self.count)?;
        fields.end()
    }
}

#[derive(Deserialize)]
struct Fields {
    value: Box<RawValue>,
    count: u64,
}

impl<'de> Deserialize<'de> for TopValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Fields { value, count } = Fields::deserialize(deserializer)?;
        if let Ok(number @ Number::Decimal(_)) = serde_json::from_str(value.get()) {
            return Ok(Self::of_number(number, count));
        }
        let value = serde_json::from_str(value.get()).map_err(serde::de::Error::custom)?;
        Ok(Self::new(value, count))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_frequent_decimal_keeps_its_digits() {
        let text = r#"{"value":12345678901234567890.25,"count":3}"#;
        let top: TopValue = serde_json::from_str(text).unwrap();
        assert!(top.decimal.is_some());
        assert_eq!(serde_json::to_string(&top).unwrap(), text);
        let text = r#"{"value":"a","count":1}"#;
        let top: TopValue = serde_json::from_str(text).unwrap();
        assert_eq!(top, TopValue::new("a".into(), 1));
        assert_eq!(serde_json::to_string(&top).unwrap(), text);
    }
}
