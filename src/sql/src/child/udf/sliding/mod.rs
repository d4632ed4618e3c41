//! Aggregates over sliding windows.
//!
//! Many of the engine's aggregates cannot take a value back out, and those that can do so in
//! floats lose digits: what a large value has cut off does not come back when it leaves. Here
//! nothing is taken out: what can be merged is kept in a queue, the rest is computed anew for
//! each window.

mod bits;
mod moments;
mod queue;
mod recomputed;

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::functions_aggregate::{
    any_value, approx_distinct, approx_median, approx_percentile_cont,
    approx_percentile_cont_with_weight, bit_and_or_xor, bool_and_or, correlation, covariance,
    first_last, regr, string_agg,
};
use datafusion::logical_expr::expr::{AggregateFunctionParams, WindowFunctionParams};
use datafusion::logical_expr::function::{
    AccumulatorArgs, AggregateFunctionSimplification, StateFieldsArgs,
};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, GroupsAccumulator, ReversedUDAF, Signature,
};

use bits::Bits;
use moments::Moments;

pub(super) use queue::{Merged, Queue};
pub(super) use recomputed::recomputed;

/// The engine's aggregates, with sliding windows of our own.
pub(super) fn functions() -> Vec<Arc<AggregateUDF>> {
    [
        any_value::any_value_udaf(),
        approx_distinct::approx_distinct_udaf(),
        approx_median::approx_median_udaf(),
        approx_percentile_cont::approx_percentile_cont_udaf(),
        approx_percentile_cont_with_weight::approx_percentile_cont_with_weight_udaf(),
        bit_and_or_xor::bit_and_udaf(),
        bit_and_or_xor::bit_or_udaf(),
        bool_and_or::bool_and_udaf(),
        bool_and_or::bool_or_udaf(),
        correlation::corr_udaf(),
        covariance::covar_pop_udaf(),
        covariance::covar_samp_udaf(),
        first_last::first_value_udaf(),
        first_last::last_value_udaf(),
        regr::regr_avgx_udaf(),
        regr::regr_avgy_udaf(),
        regr::regr_intercept_udaf(),
        regr::regr_r2_udaf(),
        regr::regr_slope_udaf(),
        regr::regr_sxx_udaf(),
        regr::regr_sxy_udaf(),
        regr::regr_syy_udaf(),
        string_agg::string_agg_udaf(),
    ]
    .map(sliding)
    .into()
}

fn sliding(engine: Arc<AggregateUDF>) -> Arc<AggregateUDF> {
    Arc::new(AggregateUDF::new_from_impl(Sliding { engine }))
}

/// An accumulator of a sliding window of one of the engine's aggregates.
pub(super) fn accumulator(
    function: &Arc<AggregateUDF>,
    args: &AccumulatorArgs<'_>,
) -> Box<dyn Accumulator> {
    let name = function.name();
    if let Some(outcome) = moments::outcome(name).filter(|_| !args.is_distinct) {
        return Box::new(Queue::<Moments>::new(outcome));
    }
    let data_type = || args.return_field.data_type().clone();
    match name {
        "bit_and" | "bool_and" => Box::new(Queue::<Bits<true>>::new(data_type())),
        "bit_or" | "bool_or" => Box::new(Queue::<Bits<false>>::new(data_type())),
        _ => recomputed(function, args),
    }
}

/// An aggregate of the engine, except for its sliding windows.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Sliding {
    engine: Arc<AggregateUDF>,
}

impl AggregateUDFImpl for Sliding {
    fn create_sliding_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn Accumulator>> {
        Ok(accumulator(&self.engine, &args))
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        match self.engine.reverse_udf() {
            ReversedUDAF::Reversed(other) => ReversedUDAF::Reversed(sliding(other)),
            other => other,
        }
    }

    fn with_beneficial_ordering(
        self: Arc<Self>,
        beneficial: bool,
    ) -> Result<Option<Arc<dyn AggregateUDFImpl>>> {
        let engine = self.engine.as_ref().clone();
        let ordered = engine.with_beneficial_ordering(beneficial)?;
        Ok(ordered.map(|engine| -> Arc<dyn AggregateUDFImpl> {
            Arc::new(Self {
                engine: Arc::new(engine),
            })
        }))
    }

    // Everything else is the engine's.

    fn name(&self) -> &str {
        self.engine.name()
    }

    fn aliases(&self) -> &[String] {
        self.engine.aliases()
    }

    fn signature(&self) -> &Signature {
        self.engine.signature()
    }

    fn schema_name(&self, params: &AggregateFunctionParams) -> Result<String> {
        self.engine.schema_name(params)
    }

    fn human_display(&self, params: &AggregateFunctionParams) -> Result<String> {
        self.engine.human_display(params)
    }

    fn display_name(&self, params: &AggregateFunctionParams) -> Result<String> {
        self.engine.display_name(params)
    }

    fn window_function_schema_name(&self, params: &WindowFunctionParams) -> Result<String> {
        self.engine.window_function_schema_name(params)
    }

    fn window_function_display_name(&self, params: &WindowFunctionParams) -> Result<String> {
        self.engine.window_function_display_name(params)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.engine.coerce_types(types)
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.engine.return_type(types)
    }

    fn return_field(&self, fields: &[FieldRef]) -> Result<FieldRef> {
        self.engine.return_field(fields)
    }

    fn is_nullable(&self) -> bool {
        self.engine.is_nullable()
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        self.engine.accumulator(args)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        self.engine.state_fields(args)
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        self.engine.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        self.engine.create_groups_accumulator(args)
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.engine.order_sensitivity()
    }

    fn simplify(&self) -> Option<AggregateFunctionSimplification> {
        self.engine.simplify()
    }

    fn is_descending(&self) -> Option<bool> {
        self.engine.is_descending()
    }

    fn default_value(&self, data_type: &DataType) -> Result<ScalarValue> {
        self.engine.default_value(data_type)
    }

    fn supports_null_handling_clause(&self) -> bool {
        self.engine.supports_null_handling_clause()
    }

    fn supports_within_group_clause(&self) -> bool {
        self.engine.supports_within_group_clause()
    }
}
