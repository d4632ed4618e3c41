//! Semantics of PostgreSQL and DuckDB for expressions other than operators.

use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRewriter};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{
    Between, BinaryExpr, Case, Cast, InList, ScalarFunction, Sort as SortKey,
};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, Operator, Union, binary_expr, cast, lit,
};
use datafusion::optimizer::AnalyzerRule;
use datafusion::optimizer::analyzer::type_coercion::TypeCoercionRewriter;

use super::arguments::{room_to_round, two_numbers, whole_places};
use super::arithmetic::of_numbers;
use super::compare::{comparable, is_text};
use super::parts::of_interval;
use super::planner::{MICROS, is_comparison};
use super::{correlated, guarded, keys, outer, truth, windows};
use crate::child::udf::{self, Checked};

/// Runs before the engine's own rules, which cast mismatched types.
#[derive(Debug)]
pub(in crate::child) struct Analyzer;

impl AnalyzerRule for Analyzer {
    fn name(&self) -> &str {
        "semantics"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        analyze(plan, &DFSchema::empty())
    }
}

/// Rewrites the inputs of a plan, its subqueries and then its own expressions, so that each sees
/// the final types of what it is made of. A subquery refers to columns of `outer`.
fn analyze(plan: LogicalPlan, outer: &DFSchema) -> Result<LogicalPlan> {
    let plan = keys::beforehand(plan)?;
    let joins = matches!(plan, LogicalPlan::Join(_));
    let mut around = outer.clone();
    let plan = plan.map_children(|input| {
        let input = analyze(input, &around)?;
        // LATERAL refers to what is on its left.
        if joins {
            around = input.schema().as_ref().clone();
            around.merge(outer);
        }
        Ok(Transformed::yes(input))
    })?;
    let mut schema = merge_schema(&plan.data.inputs());
    if let LogicalPlan::TableScan(scan) = &plan.data {
        schema.merge(&DFSchema::try_from_qualified_schema(
            scan.table_name.clone(),
            &scan.source.schema(),
        )?);
    }
    let mut around = schema.clone();
    around.merge(outer);
    let plan = plan
        .data
        .map_subqueries(|query| Ok(Transformed::yes(analyze(query, &around)?)))?
        .data;
    let plan = outer::settle_list(plan, outer)?;
    let names = NamePreserver::new(&plan);
    // The terms of a condition stay as they are, so that the engine finds the keys of joins.
    let condition = matches!(plan, LogicalPlan::Filter(_) | LogicalPlan::Join(_));
    let plan = plan.map_expressions(|expr| {
        let name = names.save(&expr);
        let rewritten = if condition {
            each_term(expr, &mut |term| {
                let term = term.transform_up(|expr| {
                    outer::settle(expr, outer).transform_data(|expr| rewrite(expr, &schema))
                })?;
                guarded::apart(term.data, &schema)
            })?
        } else {
            let rewritten = expr.transform_up(|expr| {
                outer::settle(expr, outer)
                    .transform_data(|expr| rewrite(truth::plain(expr), &schema))
            })?;
            guarded::apart(rewritten.data, &schema)?
        };
        Ok(Transformed::yes(name.restore(rewritten)))
    })?;
    match sort_by_length(plan.data, &schema)? {
        LogicalPlan::Union(union) => self::union(union),
        LogicalPlan::Values(values) => LogicalPlanBuilder::values(values.values)?.build(),
        plan => plan.recompute_schema(),
    }
}

/// Rewrites the terms of a condition.
fn each_term(expr: Expr, rewrite: &mut dyn FnMut(Expr) -> Result<Expr>) -> Result<Expr> {
    match expr {
        Expr::BinaryExpr(BinaryExpr {
            left,
            op: Operator::And,
            right,
        }) => {
            let left = each_term(*left, rewrite)?;
            Ok(left.and(each_term(*right, rewrite)?))
        }
        term => rewrite(term),
    }
}

fn rewrite(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    Ok(match expr {
        // The pattern matches both zeros.
        Expr::Literal(ScalarValue::Float64(Some(0.0)), metadata) => {
            Transformed::no(Expr::Literal(ScalarValue::Float64(Some(0.0)), metadata))
        }
        Expr::Negative(inner) => match inner.get_type(schema)? {
            whole if whole.is_integer() => {
                Transformed::yes(Checked::Subtract.call(lit(0_i64), *inner))
            }
            float if float.is_floating() => Transformed::yes(udf::canonical(Expr::Negative(inner))),
            _ => Transformed::no(Expr::Negative(inner)),
        },
        Expr::BinaryExpr(binary) => operator(binary, schema)?,
        // AT TIME ZONE.
        Expr::Cast(Cast { expr, field }) => match field.data_type() {
            DataType::Timestamp(TimeUnit::Nanosecond, Some(zone)) => {
                let micros = DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::clone(zone)));
                Transformed::yes(cast(*expr, micros))
            }
            _ => Transformed::no(Expr::Cast(Cast { expr, field })),
        },
        Expr::Between(between) => self::between(between, schema)?,
        Expr::InList(list) => in_list(list, schema)?,
        Expr::ScalarFunction(call) => function(call, schema)?,
        Expr::Case(case) => self::case(case, schema)?,
        Expr::AggregateFunction(mut call) => {
            let interval = |arg: &Expr| matches!(arg.get_type(schema), Ok(DataType::Interval(_)));
            if matches!(call.func.name(), "min" | "max") && call.params.args.iter().any(interval) {
                return datafusion::common::not_impl_err!(
                    "{} of intervals; write ORDER BY … LIMIT 1",
                    call.func.name()
                );
            }
            let function = Arc::clone(&call.func);
            let changed = two_numbers(function.name(), &mut call.params.args, schema)?;
            Transformed::new_transformed(Expr::AggregateFunction(call), changed)
        }
        Expr::WindowFunction(mut window) => {
            let function = window.fun.clone();
            two_numbers(function.name(), &mut window.params.args, schema)?;
            windows::with_default(function.name(), &mut window.params.args, schema)?;
            windows::days(&mut window.params, schema)?;
            Transformed::yes(Expr::WindowFunction(window))
        }
        Expr::Exists(exists) => {
            correlated::check(&exists.subquery, "EXISTS")?;
            Transformed::no(Expr::Exists(exists))
        }
        Expr::InSubquery(within) => {
            correlated::check(&within.subquery, "IN")?;
            correlated::not_in(within)
        }
        other => Transformed::no(other),
    })
}

/// Operators, with the final types of both sides.
fn operator(binary: BinaryExpr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let (left, right) = (
        binary.left.get_type(schema)?,
        binary.right.get_type(schema)?,
    );
    if is_comparison(binary.op) {
        let (first, second) = ((*binary.left, &left), (*binary.right, &right));
        return Ok(match comparable(first, second) {
            Ok((left, right)) => Transformed::yes(binary_expr(left, binary.op, right)),
            Err((left, right)) => Transformed::no(binary_expr(left, binary.op, right)),
        });
    }
    let (first, second) = ((&*binary.left, &left), (&*binary.right, &right));
    Ok(match of_numbers(first, binary.op, second) {
        Some(expr) => Transformed::yes(expr),
        None => Transformed::no(Expr::BinaryExpr(binary)),
    })
}

/// Casts the branches to their common type, which the engine does later: until then, it takes the
/// type of the first one for that of all.
fn case(case: Case, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let case = Expr::Case(in_micros(case, schema)?);
    TypeCoercionRewriter::new(schema).f_up(case)
}

/// Casts the branches to timestamps in microseconds if some are timestamps and others dates.
fn in_micros(mut case: Case, schema: &DFSchema) -> Result<Case> {
    let mut branches: Vec<&mut Box<Expr>> = case
        .when_then_expr
        .iter_mut()
        .map(|(_, then)| then)
        .collect();
    branches.extend(case.else_expr.as_mut());
    let types = branches
        .iter()
        .map(|branch| branch.get_type(schema))
        .collect::<Result<Vec<_>>>()?;
    let Some(micros) = timestamp_among(&types) else {
        return Ok(case);
    };
    for (branch, data_type) in branches.into_iter().zip(&types) {
        if *data_type == DataType::Date32 {
            **branch = cast(std::mem::replace(&mut **branch, lit(0)), micros.clone());
        }
    }
    Ok(case)
}

/// The type of the first timestamp, in microseconds.
fn timestamp_among<'a>(types: impl IntoIterator<Item = &'a DataType>) -> Option<DataType> {
    types.into_iter().find_map(|data_type| match data_type {
        DataType::Timestamp(_, zone) => {
            Some(DataType::Timestamp(TimeUnit::Microsecond, zone.clone()))
        }
        _ => None,
    })
}

/// Casts the columns of a union to their common types, which the engine does later: until then, it
/// takes those of the first query for those of all.
fn union(union: Union) -> Result<LogicalPlan> {
    let inputs = union_in_micros(union)?;
    TypeCoercionRewriter::coerce_union(Union::try_new_with_loose_types(inputs)?)
}

/// Casts columns of dates and timestamps to timestamps in microseconds.
fn union_in_micros(union: Union) -> Result<Vec<Arc<LogicalPlan>>> {
    let columns = union.schema.fields().len();
    let kinds: Vec<Option<DataType>> = (0..columns)
        .map(|column| {
            let types = union
                .inputs
                .iter()
                .map(|input| input.schema().field(column).data_type());
            let dates = types
                .clone()
                .any(|data_type| *data_type == DataType::Date32);
            timestamp_among(types).filter(|_| dates)
        })
        .collect();
    if kinds.iter().all(Option::is_none) {
        return Ok(union.inputs);
    }
    let inputs = union.inputs.into_iter().map(|input| {
        let columns = input.schema().columns();
        let columns = columns
            .into_iter()
            .zip(&kinds)
            .enumerate()
            .map(|(index, (column, kind))| {
                let name = column.name.clone();
                let date = *input.schema().field(index).data_type() == DataType::Date32;
                match kind {
                    Some(micros) if date => cast(Expr::Column(column), micros.clone()).alias(name),
                    _ => Expr::Column(column),
                }
            });
        let columns: Vec<Expr> = columns.collect();
        let plan = LogicalPlanBuilder::from(input).project(columns)?.build()?;
        Ok(Arc::new(plan))
    });
    inputs.collect()
}

fn between(between: Between, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let value = between.expr.get_type(schema)?;
    let bounds = [
        (Operator::GtEq, &between.low),
        (Operator::LtEq, &between.high),
    ];
    let mut sides = Vec::with_capacity(2);
    let mut changed = false;
    for (op, bound) in bounds {
        let bound_type = bound.get_type(schema)?;
        let pair = comparable(
            ((*between.expr).clone(), &value),
            ((**bound).clone(), &bound_type),
        );
        changed |= pair.is_ok();
        let (left, right) = pair.unwrap_or_else(|pair| pair);
        sides.push(binary_expr(left, op, right));
    }
    if !changed {
        return Ok(Transformed::no(Expr::Between(between)));
    }
    let both = sides.into_iter().reduce(Expr::and);
    let negated = between.negated;
    Ok(match both {
        Some(both) if negated => Transformed::yes(Expr::Not(Box::new(both))),
        Some(both) => Transformed::yes(both),
        None => Transformed::no(Expr::Between(between)),
    })
}

fn in_list(list: InList, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let value = list.expr.get_type(schema)?;
    let mut members = Vec::with_capacity(list.list.len());
    let mut changed = None;
    for member in &list.list {
        let member_type = member.get_type(schema)?;
        match comparable(
            ((*list.expr).clone(), &value),
            (member.clone(), &member_type),
        ) {
            Ok((left, right)) => {
                changed = Some(left);
                members.push(right);
            }
            Err((_, right)) => members.push(right),
        }
    }
    // All members have one type, or the engine finds a common one.
    Ok(match changed {
        Some(value) => Transformed::yes(Expr::InList(InList::new(
            Box::new(value),
            members,
            list.negated,
        ))),
        None => Transformed::no(Expr::InList(list)),
    })
}

/// Functions whose result may be a negative zero.
const SIGNED_ZEROS: &[&str] = &[
    "ceil", "floor", "nanvl", "power", "radians", "degrees", "round", "signum", "sin", "sqrt",
    "tan", "trunc", "cbrt", "asin", "atan", "sinh", "tanh", "ln", "log", "acos",
];
/// Functions that return one of their arguments.
const CHOICES: &[&str] = &["coalesce", "greatest", "least", "nullif", "nvl", "nvl2"];

fn function(mut call: ScalarFunction, schema: &DFSchema) -> Result<Transformed<Expr>> {
    whole_places(&mut call);
    room_to_round(&mut call, schema)?;
    let function = Arc::clone(&call.func);
    let name = function.name();
    if SIGNED_ZEROS.contains(&name) {
        let float = Expr::ScalarFunction(call.clone());
        return Ok(match float.get_type(schema) {
            Ok(DataType::Float64 | DataType::Float32) => Transformed::yes(udf::canonical(float)),
            _ => Transformed::no(float),
        });
    }
    match name {
        "to_timestamp" => return to_timestamp(call, schema),
        "to_timestamp_micros" => return of_text(call, TimeUnit::Microsecond, schema),
        "to_timestamp_millis" => return of_text(call, TimeUnit::Millisecond, schema),
        "to_timestamp_seconds" => return of_text(call, TimeUnit::Second, schema),
        "to_char" => return to_char(call, schema),
        "date_part" => return of_interval(call, schema),
        "days_between" => return days_between(call, schema),
        "regexp_replace" => {
            if let Some(replacement) = call.args.get_mut(2) {
                *replacement = udf::replacement(std::mem::replace(replacement, lit(0)));
            }
            return Ok(Transformed::yes(Expr::ScalarFunction(call)));
        }
        _ => {}
    }
    if CHOICES.contains(&name) {
        let types = call
            .args
            .iter()
            .map(|arg| arg.get_type(schema))
            .collect::<Result<Vec<_>>>()?;
        if let Some(micros) = timestamp_among(&types) {
            let in_micros = |(arg, data_type): (Expr, &DataType)| match data_type {
                DataType::Null => arg,
                same if *same == micros => arg,
                _ => cast(arg, micros.clone()),
            };
            call.args = call.args.into_iter().zip(&types).map(in_micros).collect();
            return Ok(Transformed::yes(Expr::ScalarFunction(call)));
        }
        if matches!(name, "greatest" | "least")
            && types.iter().any(|t| matches!(t, DataType::Interval(_)))
        {
            return datafusion::common::not_impl_err!(
                "{name} of intervals; write CASE WHEN a > b THEN a ELSE b END"
            );
        }
    }
    Ok(Transformed::no(Expr::ScalarFunction(call)))
}

/// The days between two dates, or the interval between them if one turns out to be a timestamp.
fn days_between(call: ScalarFunction, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let types = call.args.iter().map(|arg| arg.get_type(schema));
    let types = types.collect::<Result<Vec<_>>>()?;
    Ok(match (timestamp_among(&types), call.args.as_slice()) {
        (Some(_), [later, earlier]) => {
            let micros = |expr: &Expr| cast(expr.clone(), MICROS);
            let difference = binary_expr(micros(later), Operator::Minus, micros(earlier));
            Transformed::yes(difference)
        }
        _ => Transformed::no(Expr::ScalarFunction(call)),
    })
}

/// A timestamp in microseconds: from text, or from seconds since 1970.
fn to_timestamp(call: ScalarFunction, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let Some(first) = call.args.first() else {
        return Ok(Transformed::no(Expr::ScalarFunction(call)));
    };
    Ok(Transformed::yes(match first.get_type(schema)? {
        text if is_text(&text) => {
            let micros =
                datafusion::functions::datetime::to_timestamp_micros(&ConfigOptions::default());
            let call = ScalarFunction::new_udf(micros, call.args);
            return of_text(call, TimeUnit::Microsecond, schema);
        }
        whole if whole.is_integer() => {
            let micros = Checked::Multiply.call(first.clone(), lit(1_000_000_i64));
            cast(micros, MICROS)
        }
        number if number.is_numeric() => {
            let float = cast(first.clone(), DataType::Float64);
            let round = datafusion::functions::math::round();
            let micros = binary_expr(float, Operator::Multiply, lit(1e6));
            let whole = Expr::ScalarFunction(ScalarFunction::new_udf(round, vec![micros]));
            cast(cast(whole, DataType::Int64), MICROS)
        }
        DataType::Timestamp(..) | DataType::Date32 | DataType::Null => cast(first.clone(), MICROS),
        _ => return Ok(Transformed::no(Expr::ScalarFunction(call))),
    }))
}

/// Reads a text without a format like a cast, as the engine would convert to nanoseconds in
/// between.
fn of_text(
    mut call: ScalarFunction,
    unit: TimeUnit,
    schema: &DFSchema,
) -> Result<Transformed<Expr>> {
    Ok(match call.args.as_mut_slice() {
        [text] if is_text(&text.get_type(schema)?) => {
            let text = std::mem::replace(text, lit(0));
            Transformed::yes(cast(text, DataType::Timestamp(unit, None)))
        }
        _ => Transformed::no(Expr::ScalarFunction(call)),
    })
}

/// Casts timestamps in UTC to ones without a zone, which the engine formats in any unit; others it
/// converts to nanoseconds. A format with the zone needs it.
fn to_char(mut call: ScalarFunction, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let [timestamp, format] = call.args.as_mut_slice() else {
        return Ok(Transformed::no(Expr::ScalarFunction(call)));
    };
    let shows_zone = match format {
        Expr::Literal(literal, _) => literal
            .try_as_str()
            .flatten()
            .is_some_and(|format| format.contains(['z', 'Z', '+'])),
        _ => true,
    };
    match timestamp.get_type(schema)? {
        DataType::Timestamp(unit, Some(zone)) if &*zone == "UTC" && !shows_zone => {
            let plain = DataType::Timestamp(unit, None);
            *timestamp = cast(std::mem::replace(timestamp, lit(0)), plain);
            *format = cast(std::mem::replace(format, lit(0)), DataType::Utf8);
            Ok(Transformed::yes(Expr::ScalarFunction(call)))
        }
        _ => Ok(Transformed::no(Expr::ScalarFunction(call))),
    }
}

/// Sorts intervals by length.
fn sort_by_length(plan: LogicalPlan, schema: &DFSchema) -> Result<LogicalPlan> {
    let LogicalPlan::Sort(mut sort) = plan else {
        return Ok(plan);
    };
    for SortKey { expr, .. } in &mut sort.expr {
        if matches!(expr.get_type(schema), Ok(DataType::Interval(_))) {
            *expr = udf::length(std::mem::replace(expr, lit(0)));
        }
    }
    Ok(LogicalPlan::Sort(sort))
}
