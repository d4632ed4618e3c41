//! The days between two dates, an integer as in PostgreSQL and DuckDB.

use std::sync::{Arc, LazyLock};

use arrow::array::{AsArray, Int64Array};
use arrow::compute::kernels::arity::try_binary;
use arrow::datatypes::{DataType, Date32Type, Int64Type};
use datafusion::common::internal_err;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::{Shared, shared};

const NAME: &str = "days_between";

static DAYS: Shared = Shared(LazyLock::new(|| {
    shared(Days {
        signature: Signature::exact(
            vec![DataType::Date32, DataType::Date32],
            Volatility::Immutable,
        ),
    })
}));

/// `later - earlier`.
pub(in crate::child) fn between(later: Expr, earlier: Expr) -> Expr {
    DAYS.call(vec![later, earlier])
}

/// The arguments of a call of [`between`].
pub(in crate::child) fn between_args(expr: &Expr) -> Option<&[Expr]> {
    match expr {
        Expr::ScalarFunction(call) if call.func.name() == NAME => Some(&call.args),
        _ => None,
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Days {
    signature: Signature,
}

impl ScalarUDFImpl for Days {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalar = super::are_scalars(&args.args);
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [later, earlier] = arrays.as_slice() else {
            return internal_err!("{NAME} takes two arguments");
        };
        let (later, earlier) = (
            later.as_primitive::<Date32Type>(),
            earlier.as_primitive::<Date32Type>(),
        );
        let days: Int64Array = try_binary::<_, _, _, Int64Type>(later, earlier, |a, b| {
            Ok(i64::from(a) - i64::from(b))
        })?;
        super::columnar_value(scalar, Arc::new(days))
    }
}
