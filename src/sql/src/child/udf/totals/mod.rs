//! `sum` and `avg`, which lose nothing on the way: whole numbers and decimals are added exactly
//! (the engine wraps around, and cuts the mean of decimals after four more digits), floats with
//! their rounding errors carried along.

mod groups;
mod single;
mod total;

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::plan_err;
use datafusion::error::Result;
use datafusion::functions_aggregate::{average, sum};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, GroupsAccumulator, Signature, Volatility,
};

use groups::Groups;
use single::Single;
use total::{Exact, Float, Outcome};

/// Whole numbers as decimals: 20 digits hold 64 bits with and without a sign.
const WHOLE: DataType = DataType::Decimal128(20, 0);

/// Both functions.
pub(super) fn functions() -> Vec<Arc<AggregateUDF>> {
    let engine = [sum::sum_udaf(), average::avg_udaf()];
    let ours = engine.map(|engine| {
        Arc::new(AggregateUDF::new_from_impl(Totals {
            average: engine.name() == "avg",
            engine,
            signature: Signature::user_defined(Volatility::Immutable),
        }))
    });
    ours.into()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Totals {
    /// Whether the total is divided by the count.
    average: bool,
    /// The function of the engine, for what is left to it: sums of decimals, and of intervals.
    engine: Arc<AggregateUDF>,
    signature: Signature,
}

/// Which way a total goes.
enum Way {
    Exact { scale: i8 },
    Float,
    Engine,
}

impl Totals {
    fn way(&self, input: &DataType) -> Way {
        match input {
            DataType::Float64 => Way::Float,
            DataType::Decimal128(_, scale) if self.average => Way::Exact { scale: *scale },
            _ => Way::Engine,
        }
    }

    fn outcome(&self, scale: i8) -> Outcome {
        match self.average {
            true => Outcome::Mean { scale },
            false => Outcome::Sum,
        }
    }
}

fn input<'a>(args: &'a AccumulatorArgs<'_>) -> &'a DataType {
    args.expr_fields
        .first()
        .map_or(&DataType::Null, |field| field.data_type())
}

impl AggregateUDFImpl for Totals {
    fn name(&self) -> &str {
        self.engine.name()
    }

    fn aliases(&self) -> &[String] {
        self.engine.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [input] = types else {
            return plan_err!("{} takes one argument", self.name());
        };
        Ok(vec![match input {
            whole if whole.is_integer() => WHOLE,
            DataType::Null | DataType::Float16 | DataType::Float32 | DataType::Float64 => {
                DataType::Float64
            }
            DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
                DataType::Decimal128(*precision, *scale)
            }
            DataType::Decimal256(..) if self.average => DataType::Float64,
            DataType::Decimal128(..) | DataType::Decimal256(..) | DataType::Duration(_) => {
                input.clone()
            }
            DataType::Interval(_) if !self.average => input.clone(),
            other => {
                return plan_err!(
                    "No function matches the given name and argument types '{}({other})'",
                    self.name()
                );
            }
        }])
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [DataType::Float64] => Ok(DataType::Float64),
            [DataType::Decimal128(..)] if self.average => Ok(DataType::Float64),
            // As many digits as there are, so that sums of sums and products of sums fit.
            [DataType::Decimal128(_, scale)] => Ok(DataType::Decimal128(38, *scale)),
            _ => self.engine.return_type(types),
        }
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        match self.way(input(&args)) {
            Way::Exact { scale } => Ok(Box::new(Single::<Exact>::new(
                self.outcome(scale),
                args.is_distinct,
            ))),
            Way::Float => Ok(Box::new(Single::<Float>::new(
                self.outcome(0),
                args.is_distinct,
            ))),
            Way::Engine => self.engine.accumulator(args),
        }
    }

    fn create_sliding_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn Accumulator>> {
        match self.way(input(&args)) {
            Way::Engine => self.engine.create_sliding_accumulator(args),
            Way::Exact { .. } | Way::Float => self.accumulator(args),
        }
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let input = args
            .input_fields
            .first()
            .map_or(&DataType::Null, |field| field.data_type());
        let types = match self.way(input) {
            Way::Exact { .. } => Single::<Exact>::state_types(args.is_distinct),
            Way::Float => Single::<Float>::state_types(args.is_distinct),
            Way::Engine => return self.engine.state_fields(args),
        };
        let fields = types.into_iter().enumerate().map(|(index, data_type)| {
            Arc::new(Field::new(
                format!("{}[{index}]", args.name),
                data_type,
                true,
            ))
        });
        Ok(fields.collect())
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        match self.way(input(&args)) {
            Way::Engine => self.engine.groups_accumulator_supported(args),
            Way::Exact { .. } | Way::Float => !args.is_distinct,
        }
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        match self.way(input(&args)) {
            Way::Exact { scale } => Ok(Box::new(Groups::<Exact>::new(self.outcome(scale)))),
            Way::Float => Ok(Box::new(Groups::<Float>::new(self.outcome(0)))),
            Way::Engine => self.engine.create_groups_accumulator(args),
        }
    }
}
