//! Exact conversion of integers to floats.

use std::sync::{Arc, LazyLock};

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{exec_err, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::{Shared, shared};

static EXACT: Shared = Shared(LazyLock::new(|| {
    shared(Exact {
        signature: Signature::any(1, Volatility::Immutable),
    })
}));

/// The last integer up to which floats represent every integer.
const LAST: f64 = 9_007_199_254_740_992.0;

/// The integer as a float; fails beyond 2^53.
pub(in crate::child) fn exact_float(expr: Expr) -> Expr {
    EXACT.call(vec![expr])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Exact {
    signature: Signature,
}

impl ScalarUDFImpl for Exact {
    fn name(&self) -> &str {
        "exact_float"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalar = matches!(args.args.first(), Some(ColumnarValue::Scalar(_)));
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let Some(array) = arrays.first() else {
            return internal_err!("exact_float takes one argument");
        };
        let floats = arrow::compute::cast(array, &DataType::Float64)?;
        let floats = floats.as_primitive::<Float64Type>();
        if floats.iter().flatten().any(|x| x.abs() >= LAST) {
            return exec_err!(
                "out of range: the function takes whole numbers up to 2^53; subtract min(…) from the column first"
            );
        }
        super::columnar_value(scalar, Arc::new(floats.clone()))
    }
}
