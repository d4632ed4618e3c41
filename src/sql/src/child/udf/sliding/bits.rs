//! `bit_and`, `bit_or`, `bool_and` and `bool_or`.

use arrow::array::{ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type};
use datafusion::common::{ScalarValue, internal_err};
use datafusion::error::Result;

use super::queue::Merged;

/// The bits that all integers have, or any. A boolean has one bit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bits<const AND: bool>(i128);

impl<const AND: bool> Default for Bits<AND> {
    fn default() -> Self {
        Self(if AND { -1 } else { 0 })
    }
}

impl<const AND: bool> Merged for Bits<AND> {
    type Row = i128;
    /// The type of the result.
    type Outcome = DataType;

    fn rows(columns: &[ArrayRef]) -> Result<Vec<i128>> {
        let [values] = columns else {
            return internal_err!("bits are of one column");
        };
        if let Some(booleans) = values.as_boolean_opt() {
            return Ok(booleans.iter().flatten().map(i128::from).collect());
        }
        // All integers fit.
        let integers = cast(values, &DataType::Decimal128(20, 0))?;
        let integers = integers.as_primitive::<Decimal128Type>();
        Ok(integers.iter().flatten().collect())
    }

    fn with(&mut self, row: i128) -> Result<()> {
        self.join(&Self(row))
    }

    fn join(&mut self, other: &Self) -> Result<()> {
        if AND {
            self.0 &= other.0;
        } else {
            self.0 |= other.0;
        }
        Ok(())
    }

    fn result(self, data_type: &DataType, rows: u64) -> Result<ScalarValue> {
        match (rows, data_type) {
            (0, _) => ScalarValue::try_from(data_type),
            (_, DataType::Boolean) => Ok(ScalarValue::Boolean(Some(self.0 != 0))),
            _ => ScalarValue::Decimal128(Some(self.0), 20, 0).cast_to(data_type),
        }
    }
}
