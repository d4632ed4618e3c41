//! Exact `percentile_cont` and `median`, interpolated as in the profile. The engine rounds
//! fractions, and medians of integers.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type};
use datafusion::common::utils::SingleRowListArrayBuilder;
use datafusion::common::{ScalarValue, internal_err, plan_err};
use datafusion::error::Result;
use datafusion::functions_aggregate::{median, percentile_cont};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility,
};
use datafusion::physical_expr::expressions::Literal;

use super::sliding::recomputed;

/// Both functions.
pub(super) fn functions() -> Vec<Arc<AggregateUDF>> {
    let engine = [
        median::median_udaf(),
        percentile_cont::percentile_cont_udaf(),
    ];
    let ours = engine.map(|engine| {
        Arc::new(AggregateUDF::new_from_impl(Quantile {
            median: engine.name() == "median",
            engine,
            signature: Signature::user_defined(Volatility::Immutable),
        }))
    });
    ours.into()
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Quantile {
    /// Whether the fraction is ½ instead of the second argument.
    median: bool,
    /// The function of the engine, for its names.
    engine: Arc<AggregateUDF>,
    signature: Signature,
}

impl AggregateUDFImpl for Quantile {
    fn name(&self) -> &str {
        self.engine.name()
    }

    fn aliases(&self) -> &[String] {
        self.engine.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn supports_within_group_clause(&self) -> bool {
        !self.median
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let arguments = if self.median { 1 } else { 2 };
        let numbers = types.iter().all(|t| t.is_numeric() || t.is_null());
        if types.len() != arguments || !numbers {
            let types: Vec<_> = types.iter().map(ToString::to_string).collect();
            return plan_err!(
                "No function matches the given name and argument types '{}({})'",
                self.name(),
                types.join(", ")
            );
        }
        Ok(vec![DataType::Float64; arguments])
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let item = Field::new_list_field(DataType::Float64, true);
        let list = DataType::List(Arc::new(item));
        Ok(vec![Arc::new(Field::new(args.name, list, true))])
    }

    fn create_sliding_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn Accumulator>> {
        Ok(recomputed(&Arc::new(self.clone().into()), &args))
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Values {
            fraction: match args.exprs.get(1) {
                None => 0.5,
                Some(expr) => match expr.downcast_ref::<Literal>().map(Literal::value) {
                    Some(ScalarValue::Float64(Some(fraction)))
                        if (0.0..=1.0).contains(fraction) =>
                    {
                        *fraction
                    }
                    _ => {
                        return plan_err!(
                            "the fraction of {} is a number from 0 to 1",
                            self.name()
                        );
                    }
                },
            },
            descending: args
                .order_bys
                .first()
                .is_some_and(|order| order.options.descending),
            distinct: args.is_distinct,
            values: Vec::new(),
        }))
    }
}

#[derive(Debug)]
struct Values {
    fraction: f64,
    descending: bool,
    distinct: bool,
    values: Vec<f64>,
}

impl Accumulator for Values {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let Some(values) = values.first() else {
            return internal_err!("a quantile has values");
        };
        let values = values.as_primitive::<Float64Type>();
        self.values.extend(values.iter().flatten());
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let Some(lists) = states.first() else {
            return internal_err!("the values of a quantile are stored as a list");
        };
        for list in lists.as_list::<i32>().iter().flatten() {
            self.update_batch(&[list])?;
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let values = Float64Array::from(std::mem::take(&mut self.values));
        let list = SingleRowListArrayBuilder::new(Arc::new(values)).build_list_scalar();
        Ok(vec![list])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let mut values = self.values.clone();
        values.sort_unstable_by(f64::total_cmp);
        if self.distinct {
            values.dedup();
        }
        if self.descending {
            values.reverse();
        }
        Ok(ScalarValue::Float64(quantile(&values, self.fraction)))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.values.capacity() * size_of::<f64>()
    }
}

/// The quantile of sorted values, with linear interpolation.
fn quantile(values: &[f64], fraction: f64) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    let (below, between) = place(last, fraction);
    let low = *values.get(below)?;
    match values.get(below + 1) {
        Some(high) if between > 0.0 => Some(low + (high - low) * between),
        _ => Some(low),
    }
}

/// `last · fraction` as an integer and a remainder. The fraction is taken as a decimal: 0.7 is
/// seven tenths, not the nearest float.
fn place(last: usize, fraction: f64) -> (usize, f64) {
    let written = format!("{fraction}");
    let digits = written.split_once('.').map_or("", |(_, digits)| digits);
    let scale = u32::try_from(digits.len()).unwrap_or(u32::MAX);
    let exact = || {
        let one = 10_u128.checked_pow(scale)?;
        let tenths: u128 = written.replace('.', "").parse().ok()?;
        let place = tenths.checked_mul(last as u128)?;
        let below = usize::try_from(place / one).ok()?;
        Some((below, (place % one) as f64 / one as f64))
    };
    exact().unwrap_or_else(|| {
        let place = fraction * last as f64;
        (place as usize, place.fract())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fraction_is_taken_as_it_is_written() {
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 0.7), Some(3.1));
        assert_eq!(quantile(&[1.0, 2.0], 0.5), Some(1.5));
        assert_eq!(quantile(&[1.0, 2.0, 3.0], 1.0), Some(3.0));
        assert_eq!(quantile(&[5.0], 0.99), Some(5.0));
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(quantile(&[0.0, 1.0], 1e-300), Some(1e-300));
    }
}
