//! `DESCRIBE` and `SUMMARIZE`: one row for each column of a table or query.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type, Schema};
use datafusion::common::{Column, exec_err, plan_err};
use datafusion::error::Result;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, col, lit};
use datafusion::physical_plan::collect;

use super::output;

/// The names and types of the columns.
pub(super) fn describe(schema: &Schema) -> Result<RecordBatch> {
    let fields = schema.fields().iter();
    let names: StringArray = fields.clone().map(|field| Some(field.name())).collect();
    let types = fields.map(|field| Some(output::type_name(field.data_type())));
    let types: StringArray = types.collect();
    let columns: [(&str, ArrayRef); 2] = [("name", Arc::new(names)), ("type", Arc::new(types))];
    Ok(RecordBatch::try_from_iter(columns)?)
}

/// The statistics of a column.
#[derive(Default)]
struct Summary {
    name: String,
    kind: &'static str,
    count: i64,
    nulls: i64,
    distinct: i64,
    min: Option<String>,
    max: Option<String>,
    /// Mean, standard deviation and quartiles.
    numbers: [Option<f64>; 5],
}

/// The statistics of the columns, computed one after the other to save memory.
pub(super) async fn summarize(state: &SessionState, plan: &LogicalPlan) -> Result<RecordBatch> {
    let mut summaries = Vec::new();
    for (table, field) in plan.schema().iter() {
        let column = Expr::Column(Column::new(table.cloned(), field.name()));
        let plan = LogicalPlanBuilder::from(plan.clone()).project([column.alias("c")])?;
        let mut summary = of_column(state, plan.build()?).await?;
        summary.name.clone_from(field.name());
        summaries.push(summary);
    }
    let text = |of: fn(&Summary) -> Option<&str>| -> ArrayRef {
        Arc::new(summaries.iter().map(of).collect::<StringArray>())
    };
    let whole = |of: fn(&Summary) -> i64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(summaries.iter().map(of)))
    };
    let number = |index: usize| -> ArrayRef {
        let numbers = summaries.iter().map(|summary| summary.numbers[index]);
        Arc::new(numbers.collect::<Float64Array>())
    };
    let columns = [
        ("name", text(|summary| Some(&summary.name))),
        ("type", text(|summary| Some(summary.kind))),
        ("count", whole(|summary| summary.count)),
        ("nulls", whole(|summary| summary.nulls)),
        ("distinct", whole(|summary| summary.distinct)),
        ("min", text(|summary| summary.min.as_deref())),
        ("max", text(|summary| summary.max.as_deref())),
        ("mean", number(0)),
        ("std", number(1)),
        ("p25", number(2)),
        ("p50", number(3)),
        ("p75", number(4)),
    ];
    let columns = columns.map(|(name, column)| (name, column, true));
    Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
}

/// The summary of a plan with a single column.
async fn of_column(state: &SessionState, plan: LogicalPlan) -> Result<Summary> {
    // The type that the rows have, which is not final in the plan.
    let data_type = state.optimize(&plan)?.schema().field(0).data_type().clone();
    let value = || col("c");
    let mut figures = vec![
        call(state, "count", vec![value()])?,
        call(state, "count", vec![lit(1_i64)])?,
    ];
    let ordered = !data_type.is_nested() && !matches!(data_type, DataType::Interval(_));
    if ordered {
        figures.push(call(state, "min", vec![value()])?);
        figures.push(call(state, "max", vec![value()])?);
    }
    let numeric = data_type.is_numeric();
    if numeric {
        figures.push(call(state, "avg", vec![value()])?);
        figures.push(call(state, "stddev", vec![value()])?);
        for fraction in [0.25, 0.5, 0.75] {
            figures.push(call(
                state,
                "percentile_cont",
                vec![value(), lit(fraction)],
            )?);
        }
    }
    let figures = figures
        .into_iter()
        .enumerate()
        .map(|(index, figure)| figure.alias(format!("f{index}")));
    let row = LogicalPlanBuilder::from(plan.clone())
        .aggregate(Vec::<Expr>::new(), figures)?
        .build()?;
    let row = one_row(state, &row).await?;
    let distinct = LogicalPlanBuilder::from(plan)
        .filter(value().is_not_null())?
        .distinct()?
        .aggregate(
            Vec::<Expr>::new(),
            [call(state, "count", vec![lit(1_i64)])?],
        )?
        .build()?;
    let distinct = one_row(state, &distinct).await?;

    let whole = |row: &RecordBatch, index: usize| -> i64 {
        row.column(index).as_primitive::<Int64Type>().value(0)
    };
    let count = whole(&row, 0);
    let mut summary = Summary {
        kind: output::type_name(&data_type),
        count,
        nulls: whole(&row, 1) - count,
        distinct: whole(&distinct, 0),
        ..Summary::default()
    };
    if ordered {
        summary.min = output::text(row.column(2), 0)?;
        summary.max = output::text(row.column(3), 0)?;
    }
    if numeric {
        for (index, number) in summary.numbers.iter_mut().enumerate() {
            let column = row.column(4 + index).as_primitive::<Float64Type>();
            *number = column.is_valid(0).then(|| column.value(0));
        }
    }
    Ok(summary)
}

fn call(state: &SessionState, name: &str, args: Vec<Expr>) -> Result<Expr> {
    match state.aggregate_functions().get(name) {
        Some(function) => Ok(function.call(args)),
        None => plan_err!("there is no function {name}"),
    }
}

async fn one_row(state: &SessionState, plan: &LogicalPlan) -> Result<RecordBatch> {
    let plan = state.create_physical_plan(plan).await?;
    let rows = collect(plan, state.task_ctx()).await?;
    match rows.into_iter().find(|batch| batch.num_rows() == 1) {
        Some(row) => Ok(row),
        None => exec_err!("an aggregate has one row"),
    }
}
