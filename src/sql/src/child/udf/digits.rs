//! Checks the precision of decimal results.

use std::sync::LazyLock;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Decimal128Type};
use datafusion::common::{exec_err, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::{Shared, shared};

static DIGITS: Shared = Shared(LazyLock::new(|| {
    shared(Digits {
        signature: Signature::any(1, Volatility::Immutable),
    })
}));

/// The first number with more than 38 digits.
pub(super) const BEYOND: u128 = 10_u128.pow(38);

/// The decimal; fails if it has more than 38 digits, where the engine would continue with a wrong
/// value.
pub(in crate::child) fn digits(expr: Expr) -> Expr {
    DIGITS.call(vec![expr])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Digits {
    signature: Signature,
}

impl ScalarUDFImpl for Digits {
    fn name(&self) -> &str {
        "digits"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, args: &[DataType]) -> Result<DataType> {
        Ok(args.first().cloned().unwrap_or(DataType::Null))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalar = matches!(args.args.first(), Some(ColumnarValue::Scalar(_)));
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let Some(array) = arrays.first() else {
            return internal_err!("digits takes one argument");
        };
        if let Some(decimals) = array.as_primitive_opt::<Decimal128Type>()
            && decimals
                .iter()
                .flatten()
                .any(|x| x.unsigned_abs() >= BEYOND)
        {
            return exec_err!("out of range: the result has more than 38 digits");
        }
        super::columnar_value(scalar, array.slice(0, array.len()))
    }
}
