//! Semantics of PostgreSQL and DuckDB, by the final types of expressions.

use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Between, BinaryExpr, Cast, InList, Sort as SortKey};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, Operator, binary_expr, cast, lit,
};
use datafusion::optimizer::AnalyzerRule;

use super::arguments::two_numbers;
use super::arithmetic::of_numbers;
use super::compare::comparable;
use super::functions::function;
use super::planner::is_comparison;
use super::{branches, correlated, guarded, keys, outer, truth, windows};
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
    let plan = outer::refresh_list(plan, outer)?;
    let names = NamePreserver::new(&plan);
    // The terms of a condition stay as they are, so that the engine finds the keys of joins.
    let condition = matches!(plan, LogicalPlan::Filter(_) | LogicalPlan::Join(_));
    let plan = plan.map_expressions(|expr| {
        let name = names.save(&expr);
        let rewritten = if condition {
            each_term(expr, &mut |term| {
                let term = term.transform_up(|expr| {
                    outer::refresh_type(expr, outer).transform_data(|expr| rewrite(expr, &schema))
                })?;
                guarded::apart(term.data, &schema)
            })?
        } else {
            let rewritten = expr.transform_up(|expr| {
                outer::refresh_type(expr, outer)
                    .transform_data(|expr| rewrite(truth::plain(expr), &schema))
            })?;
            guarded::apart(rewritten.data, &schema)?
        };
        Ok(Transformed::yes(name.restore(rewritten)))
    })?;
    match sort_by_length(plan.data, &schema)? {
        LogicalPlan::Union(union) => branches::union(union),
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
        Expr::Case(case) => branches::case(case, schema)?,
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
