//! Integer arithmetic that fails on overflow and on division by zero.

use std::sync::LazyLock;

use arrow::array::{Array, AsArray};
use arrow::compute::kernels::numeric::{add, mul, sub};
use arrow::datatypes::{DataType, Float64Type};
use arrow::error::ArrowError;
use datafusion::common::{internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_expr_common::datum::apply;

use super::{Shared, shared};

/// The operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::child) enum Checked {
    Add,
    Subtract,
    Multiply,
}

static ADD: Shared = Shared(LazyLock::new(|| shared(Arithmetic::new(Checked::Add))));
static SUBTRACT: Shared = Shared(LazyLock::new(|| shared(Arithmetic::new(Checked::Subtract))));
static MULTIPLY: Shared = Shared(LazyLock::new(|| shared(Arithmetic::new(Checked::Multiply))));
static NONZERO: Shared = Shared(LazyLock::new(|| shared(Nonzero::new())));

impl Checked {
    /// The result, in 64 bits.
    pub(in crate::child) fn call(self, left: Expr, right: Expr) -> Expr {
        let function = match self {
            Self::Add => &ADD,
            Self::Subtract => &SUBTRACT,
            Self::Multiply => &MULTIPLY,
        };
        function.call(vec![left, right])
    }
}

/// The float, which must not be zero.
pub(in crate::child) fn nonzero(divisor: Expr) -> Expr {
    NONZERO.call(vec![divisor])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Arithmetic {
    op: Checked,
    signature: Signature,
}

impl Arithmetic {
    fn new(op: Checked) -> Self {
        Self {
            op,
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for Arithmetic {
    fn name(&self) -> &str {
        match self.op {
            Checked::Add => "add",
            Checked::Subtract => "subtract",
            Checked::Multiply => "multiply",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Numbers with a fraction are refused: a cast would cut it off.
    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        match types.iter().find(|t| !t.is_integer() && !t.is_null()) {
            Some(other) => plan_err!("integer arithmetic of a value of type {other}; cast it"),
            None => Ok(vec![DataType::Int64; types.len()]),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [left, right] = args.args.as_slice() else {
            return internal_err!("{} takes two arguments", self.name());
        };
        match self.op {
            Checked::Add => apply(left, right, add),
            Checked::Subtract => apply(left, right, sub),
            Checked::Multiply => apply(left, right, mul),
        }
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Nonzero {
    signature: Signature,
}

impl Nonzero {
    fn new() -> Self {
        Self {
            signature: Signature::exact(vec![DataType::Float64], Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for Nonzero {
    fn name(&self) -> &str {
        "nonzero"
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
            return internal_err!("nonzero takes one argument");
        };
        let floats = array.as_primitive::<Float64Type>();
        if floats.iter().flatten().any(|x| x == 0.0) {
            return Err(ArrowError::DivideByZero.into());
        }
        super::columnar_value(scalar, array.slice(0, array.len()))
    }
}
