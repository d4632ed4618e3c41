//! `CASE`, `AND` and `OR` whose first part protects the rest: `x = 0 OR 10 / x > 1`.
//!
//! The engine turns a `CASE` of conditions into `AND` and `OR`, and computes both sides of these
//! for most rows. It leaves a `CASE` of numbers alone, so that is what they become. The terms of
//! filters and joins are ordered later, by `guards`.

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{BinaryExpr, Case, Cast};
use datafusion::logical_expr::utils::{conjunction, disjunction};
use datafusion::logical_expr::{Expr, ExprSchemable, Operator, cast, lit, not};

use crate::child::guards::is_widening;

/// Functions that fail for some arguments.
const PARTIAL: &[&str] = &[
    "abs",
    "add",
    "arrow_cast",
    "at_time_zone",
    "cast",
    "cast_to_type",
    "chr",
    "date_bin",
    "digits",
    "exact_float",
    "factorial",
    "from_unixtime",
    "gcd",
    "generate_series",
    "lcm",
    "make_date",
    "make_time",
    "multiply",
    "nonzero",
    "range",
    "repeat",
    "subtract",
    "to_date",
    "to_time",
    "to_timestamp",
    "to_timestamp_micros",
    "to_timestamp_millis",
    "to_timestamp_nanos",
    "to_timestamp_seconds",
    "to_unixtime",
];

/// The parts of a larger expression are not kept apart, as each is written twice.
const MAX_SIZE: usize = 10_000;

/// Whether a function may fail.
pub(in crate::child) fn may_fail(function: &str) -> bool {
    PARTIAL.contains(&function)
}

/// Keeps the parts of each `CASE`, `AND` and `OR` apart where a later one can fail.
pub(super) fn apart(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    let apart = expr.transform_down(|expr| match expr {
        Expr::BinaryExpr(BinaryExpr { op, .. }) if matches!(op, Operator::And | Operator::Or) => {
            let mut parts = Vec::new();
            operands(expr, op, &mut parts);
            let parts = parts.into_iter().map(|part| self::apart(part, schema));
            let parts = parts.collect::<Result<_>>()?;
            let chain = chain(parts, op, schema);
            Ok(Transformed::new(chain, true, TreeNodeRecursion::Jump))
        }
        expr => Ok(Transformed::no(expr)),
    })?;
    let apart = apart.data.transform_up(|expr| match expr {
        Expr::Case(case) => Ok(Transformed::yes(self::case(case, schema)?)),
        expr => Ok(Transformed::no(expr)),
    })?;
    Ok(apart.data)
}

/// The operands of a chain of one operator.
fn operands(expr: Expr, chained: Operator, parts: &mut Vec<Expr>) {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if op == chained => {
            operands(*left, chained, parts);
            operands(*right, chained, parts);
        }
        part => parts.push(part),
    }
}

/// A chain of `AND` or `OR`. If a later part can fail, it is computed only for the rows that no
/// earlier one has decided. The parts are written twice; random ones are left alone, as they would
/// have two values.
fn chain(parts: Vec<Expr>, op: Operator, schema: &DFSchema) -> Expr {
    let later = |part: &Expr| can_fail(part, schema);
    let risky = parts.iter().skip(1).any(later);
    let size: usize = parts.iter().map(size).sum();
    let once = |part: &Expr| part.is_volatile() || has_query(part);
    if !risky || size > MAX_SIZE || parts.iter().any(once) {
        let whole = match op {
            Operator::And => conjunction(parts),
            _ => disjunction(parts),
        };
        return whole.unwrap_or_else(|| lit(true));
    }
    let (decides, otherwise) = match op {
        Operator::And => (0_i8, 1_i8),
        _ => (1, 0),
    };
    let when = |part: &Expr| match op {
        Operator::And => not(part.clone()),
        _ => part.clone(),
    };
    let branch = |part| (Box::new(when(part)), Box::new(lit(decides)));
    let mut branches: Vec<_> = parts.iter().map(branch).collect();
    // For the other rows all parts are true, or false, or null.
    let null = disjunction(parts.into_iter().map(Expr::is_null));
    let unknown = Box::new(lit(ScalarValue::Int8(None)));
    branches.extend(null.map(|null| (Box::new(null), unknown)));
    let case = Case::new(None, branches, Some(Box::new(lit(otherwise))));
    cast(Expr::Case(case), DataType::Boolean)
}

/// Keeps the branches of a `CASE` of conditions apart if one can fail, or is random: the engine
/// would write it twice.
fn case(case: Case, schema: &DFSchema) -> Result<Expr> {
    let risky = case.expr.is_none() && {
        let branches = case.when_then_expr.iter();
        let parts = branches.flat_map(|(when, then)| [when, then]);
        let mut later = parts.chain(&case.else_expr).skip(1);
        later.any(|part| can_fail(part, schema))
    };
    let mut whole = Expr::Case(case);
    let stays = !risky && !whole.is_volatile() || has_query(&whole);
    if stays || whole.get_type(schema)? != DataType::Boolean {
        return Ok(whole);
    }
    if let Expr::Case(case) = &mut whole {
        let thens = case.when_then_expr.iter_mut().map(|(_, then)| then);
        for branch in thens.chain(&mut case.else_expr) {
            **branch = cast(std::mem::replace(&mut **branch, lit(0)), DataType::Int8);
        }
    }
    Ok(cast(whole, DataType::Boolean))
}

/// Whether an expression may fail for some rows. An overflow is not worth a `CASE`, through which
/// the engine does not see the keys of joins.
fn can_fail(expr: &Expr, schema: &DFSchema) -> bool {
    let risky = |expr: &Expr| match expr {
        Expr::BinaryExpr(binary) => matches!(binary.op, Operator::Divide | Operator::Modulo),
        Expr::Cast(Cast { expr, field }) => {
            let from = expr.get_type(schema);
            !from.is_ok_and(|from| is_widening(&from, field.data_type()))
        }
        Expr::ScalarFunction(call) => {
            let name = call.func.name();
            may_fail(name) && !matches!(name, "add" | "subtract" | "multiply" | "digits")
        }
        _ => false,
    };
    found(expr, |expr| {
        risky(expr) && (expr.any_column_refs() || expr.contains_outer())
    })
}

/// Whether there is a subquery, which the engine supports in few places.
fn has_query(expr: &Expr) -> bool {
    found(expr, |expr| {
        matches!(
            expr,
            Expr::ScalarSubquery(_)
                | Expr::Exists(_)
                | Expr::InSubquery(_)
                | Expr::SetComparison(_)
        )
    })
}

fn size(expr: &Expr) -> usize {
    let mut nodes = 0;
    found(expr, |_| {
        nodes += 1;
        false
    });
    nodes
}

fn found(expr: &Expr, mut is_it: impl FnMut(&Expr) -> bool) -> bool {
    let mut found = false;
    let visited = expr.apply(|expr| {
        found |= is_it(expr);
        Ok(if found {
            TreeNodeRecursion::Stop
        } else {
            TreeNodeRecursion::Continue
        })
    });
    visited.is_ok() && found
}
