//! `CASE`, `AND` and `OR` whose first part protects the rest: `x = 0 OR 10 / x > 1`.
//!
//! The engine turns a `CASE` of conditions into `AND` and `OR`, and computes both sides of these
//! for most rows. It leaves a `CASE` of numbers alone, so that is what they become. The terms of a
//! filter are ordered later, by `guards`.

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{BinaryExpr, Case, Cast};
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{Expr, ExprSchemable, Operator, binary_expr, cast, lit, not, when};

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

/// Whether a function may fail.
pub(in crate::child) fn may_fail(function: &str) -> bool {
    PARTIAL.contains(&function)
}

/// Keeps the branches of a `CASE` of conditions apart if one can fail.
pub(super) fn case(case: Case, schema: &DFSchema) -> Result<Expr> {
    let risky = {
        let branches = case.when_then_expr.iter();
        let parts = branches.flat_map(|(when, then)| [when, then]);
        let mut later = parts.chain(&case.else_expr).skip(1);
        case.expr.is_none() && later.any(|part| can_fail(part, schema))
    };
    let whole = Expr::Case(case);
    if !risky || has_query(&whole) || whole.get_type(schema)? != DataType::Boolean {
        return Ok(whole);
    }
    let Expr::Case(mut case) = whole else {
        return Ok(whole);
    };
    let thens = case.when_then_expr.iter_mut().map(|(_, then)| then);
    for branch in thens.chain(&mut case.else_expr) {
        **branch = cast(std::mem::replace(&mut **branch, lit(0)), DataType::Int8);
    }
    Ok(cast(Expr::Case(case), DataType::Boolean))
}

/// Computes the right side of `AND` or `OR`, if it can fail, only where the left does not decide.
pub(super) fn connective(binary: BinaryExpr, schema: &DFSchema) -> Result<Expr> {
    let decided = match binary.op {
        Operator::And => not((*binary.left).clone()),
        _ => (*binary.left).clone(),
    };
    let decision = lit(i8::from(binary.op == Operator::Or));
    let risky = can_fail(&binary.right, schema);
    let both = binary_expr(*binary.left, binary.op, *binary.right);
    if !risky || has_query(&both) {
        return Ok(both);
    }
    let guarded = when(decided, decision).otherwise(cast(both, DataType::Int8))?;
    Ok(cast(guarded, DataType::Boolean))
}

/// Computes the terms of the condition of an outer join that can fail only where the others hold.
pub(super) fn terms(condition: Expr, schema: &DFSchema) -> Result<Expr> {
    let terms = split_conjunction_owned(condition).into_iter();
    let (risky, safe): (Vec<_>, Vec<_>) = terms.partition(|term| can_fail(term, schema));
    let Some(safe) = conjunction(safe) else {
        return Ok(conjunction(risky).unwrap_or_else(|| lit(true)));
    };
    risky.into_iter().try_fold(safe, |before, term| {
        let both = BinaryExpr::new(Box::new(before.clone()), Operator::And, Box::new(term));
        Ok(before.and(connective(both, schema)?))
    })
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

fn found(expr: &Expr, is_it: impl Fn(&Expr) -> bool) -> bool {
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
