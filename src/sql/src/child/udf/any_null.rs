//! Whether a comparison with `ANY` of an array that is not true is null.

use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, GenericListArray, OffsetSizeTrait};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field};
use datafusion::common::internal_err;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

/// The name of the function of a value and an array.
pub(in crate::child) const ANY_NULL: &str = "any_null";

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct AnyNull {
    signature: Signature,
}

impl AnyNull {
    pub(super) fn new() -> Self {
        Self {
            signature: Signature::any(2, Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for AnyNull {
    fn name(&self) -> &str {
        ANY_NULL
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalar = super::are_scalars(&args.args);
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [values, lists] = arrays.as_slice() else {
            return internal_err!("{ANY_NULL} takes two arguments");
        };
        let answer = match lists.data_type() {
            DataType::Null => BooleanArray::new_null(lists.len()),
            DataType::List(_) => of(values, lists.as_list::<i32>()),
            DataType::LargeList(_) => of(values, lists.as_list::<i64>()),
            other => {
                let Some(item) = item(other) else {
                    return internal_err!("{ANY_NULL} takes an array");
                };
                let lists = cast(lists, &DataType::LargeList(item))?;
                of(values, lists.as_list::<i64>())
            }
        };
        super::columnar_value(scalar, Arc::new(answer))
    }
}

fn item(data_type: &DataType) -> Option<Arc<Field>> {
    match data_type {
        DataType::FixedSizeList(item, _)
        | DataType::ListView(item)
        | DataType::LargeListView(item) => Some(Arc::clone(item)),
        _ => None,
    }
}

/// Null where a null might have been what makes it true, false elsewhere.
fn of<O: OffsetSizeTrait>(values: &dyn Array, lists: &GenericListArray<O>) -> BooleanArray {
    let (nulls, null_items) = (values.logical_nulls(), lists.values().logical_nulls());
    let is_null =
        |nulls: &Option<NullBuffer>, at| nulls.as_ref().is_some_and(|nulls| nulls.is_null(at));
    let each = lists.value_offsets().windows(2).enumerate();
    let each = each.map(|(row, ends)| {
        let mut items = ends[0].as_usize()..ends[1].as_usize();
        let unknown = lists.is_null(row)
            || !items.is_empty() && is_null(&nulls, row)
            || items.any(|item| is_null(&null_items, item));
        (!unknown).then_some(false)
    });
    each.collect()
}
