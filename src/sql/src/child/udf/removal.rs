//! `array_remove` of nulls. The engine's has null for all of the array.

use std::sync::Arc;

use arrow::compute::is_null;
use arrow::compute::kernels::zip::zip;
use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::internal_err;
use datafusion::error::Result;
use datafusion::functions_nested::array_compact::array_compact_udf;
use datafusion::functions_nested::remove::array_remove_all_udf;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct RemoveAll {
    engine: Arc<ScalarUDF>,
}

impl RemoveAll {
    pub(super) fn new() -> Self {
        Self {
            engine: array_remove_all_udf(),
        }
    }
}

impl ScalarUDFImpl for RemoveAll {
    fn name(&self) -> &str {
        self.engine.name()
    }

    fn aliases(&self) -> &[String] {
        self.engine.aliases()
    }

    fn signature(&self) -> &Signature {
        self.engine.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.engine.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.engine.return_field_from_args(args)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [lists, values] = args.args.as_slice() else {
            return internal_err!("{} takes two arguments", self.name());
        };
        let nulls = is_null(&values.to_array(args.number_rows)?)?;
        if nulls.true_count() == 0 {
            return self.engine.invoke_with_args(args);
        }
        let lists = lists.to_array(args.number_rows)?;
        let compact = ScalarFunctionArgs {
            args: vec![ColumnarValue::Array(Arc::clone(&lists))],
            arg_fields: args.arg_fields.iter().take(1).cloned().collect(),
            ..args.clone()
        };
        let rows = args.number_rows;
        let compact = array_compact_udf().invoke_with_args(compact)?;
        let removed = self.engine.invoke_with_args(args)?;
        let (compact, removed) = (compact.to_array(rows)?, removed.to_array(rows)?);
        Ok(ColumnarValue::Array(zip(&nulls, &compact, &removed)?))
    }
}
