//! `sum`, `avg`, `var` and `stddev` without loss of precision: integers and decimals are added
//! exactly (the engine wraps around, and cuts the mean of decimals after four more digits), floats
//! with compensated summation.

mod groups;
mod single;
mod spread;
mod total;

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::plan_err;
use datafusion::error::Result;
use datafusion::functions_aggregate::{average, stddev, sum, variance};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, GroupsAccumulator, Signature, Volatility,
};

use super::sliding::{self, Queue};
use groups::Groups;
use single::Single;
use spread::Spread;
use total::{Exact, Float, Outcome};

/// Integers as decimals: 20 digits hold 64 bits, signed or unsigned.
const WHOLE: DataType = DataType::Decimal128(20, 0);

/// The aggregate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Sum,
    Mean,
    Spread { population: bool, root: bool },
}

/// All of the functions.
pub(super) fn functions() -> Vec<Arc<AggregateUDF>> {
    let spread = |population, root| Kind::Spread { population, root };
    let engine = [
        (sum::sum_udaf(), Kind::Sum),
        (average::avg_udaf(), Kind::Mean),
        (variance::var_samp_udaf(), spread(false, false)),
        (variance::var_pop_udaf(), spread(true, false)),
        (stddev::stddev_udaf(), spread(false, true)),
        (stddev::stddev_pop_udaf(), spread(true, true)),
    ];
    let ours = engine.map(|(engine, kind)| {
        Arc::new(AggregateUDF::new_from_impl(Totals {
            kind,
            engine,
            signature: Signature::user_defined(Volatility::Immutable),
        }))
    });
    ours.into()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Totals {
    kind: Kind,
    /// The function of the engine, for decimals with more than 38 digits and for intervals.
    engine: Arc<AggregateUDF>,
    signature: Signature,
}

/// How a total is computed.
enum Way {
    Exact { scale: i8 },
    Float,
    Spread { scale: i8 },
    Engine,
}

impl Totals {
    fn way(&self, input: &DataType) -> Way {
        match input {
            DataType::Float64 if !self.is_spread() => Way::Float,
            DataType::Decimal128(_, scale) if self.is_spread() => Way::Spread { scale: *scale },
            DataType::Decimal128(_, scale) => Way::Exact { scale: *scale },
            _ => Way::Engine,
        }
    }

    fn outcome(&self, scale: i8) -> Outcome {
        match self.kind {
            Kind::Mean => Outcome::Mean { scale },
            Kind::Sum => Outcome::Sum { scale },
            Kind::Spread { population, root } => Outcome::Spread {
                scale,
                population,
                root,
            },
        }
    }

    fn is_spread(&self) -> bool {
        matches!(self.kind, Kind::Spread { .. })
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
            DataType::Decimal256(..) if self.kind != Kind::Sum => DataType::Float64,
            DataType::Decimal128(..) | DataType::Decimal256(..) => input.clone(),
            DataType::Duration(_) if !self.is_spread() => input.clone(),
            DataType::Interval(_) if self.kind == Kind::Sum => input.clone(),
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
            [DataType::Decimal128(..)] if self.kind != Kind::Sum => Ok(DataType::Float64),
            // The maximum precision, so that sums of sums and products of sums fit.
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
            Way::Spread { scale } => Ok(Box::new(Single::<Spread>::new(
                self.outcome(scale),
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
            Way::Engine if self.is_spread() => Ok(sliding::accumulator(&self.engine, &args)),
            Way::Engine => self.engine.create_sliding_accumulator(args),
            Way::Float if !args.is_distinct => Ok(Box::new(Queue::<Float>::new(self.outcome(0)))),
            Way::Spread { scale } if !args.is_distinct => {
                Ok(Box::new(Queue::<Spread>::new(self.outcome(scale))))
            }
            Way::Exact { .. } | Way::Float | Way::Spread { .. } => self.accumulator(args),
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
            Way::Spread { .. } => Single::<Spread>::state_types(args.is_distinct),
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
            Way::Exact { .. } | Way::Float | Way::Spread { .. } => !args.is_distinct,
        }
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        match self.way(input(&args)) {
            Way::Exact { scale } => Ok(Box::new(Groups::<Exact>::new(self.outcome(scale)))),
            Way::Float => Ok(Box::new(Groups::<Float>::new(self.outcome(0)))),
            Way::Spread { scale } => Ok(Box::new(Groups::<Spread>::new(self.outcome(scale)))),
            Way::Engine => self.engine.create_groups_accumulator(args),
        }
    }
}
