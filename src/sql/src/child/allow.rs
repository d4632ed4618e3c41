//! Allows read-only plans only.

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::logical_expr::LogicalPlan;

use super::failure;
use crate::error::Fault;
use crate::protocol::{Failure, FailureKind};

/// Rejects a plan that does anything but compute from tables and constants.
pub(super) fn check(plan: &LogicalPlan) -> Result<(), Failure> {
    let mut refused = None;
    plan.apply_with_subqueries(|node| {
        refused = refusal(node);
        Ok(if refused.is_some() {
            TreeNodeRecursion::Stop
        } else {
            TreeNodeRecursion::Continue
        })
    })
    .map_err(failure::of_planning)?;
    match refused {
        Some(what) => {
            let fault = Fault::new(format!("{what} is not allowed: a query may only read"));
            Err(FailureKind::Refused.because(fault))
        }
        None => Ok(()),
    }
}

/// Why a node is not allowed. The match is exhaustive, so that new kinds of nodes have to be
/// considered here.
fn refusal(node: &LogicalPlan) -> Option<&'static str> {
    match node {
        LogicalPlan::Aggregate(_)
        | LogicalPlan::Distinct(_)
        | LogicalPlan::EmptyRelation(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::Join(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::Projection(_)
        | LogicalPlan::Repartition(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Subquery(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::TableScan(_)
        | LogicalPlan::Union(_)
        | LogicalPlan::Unnest(_)
        | LogicalPlan::Values(_)
        | LogicalPlan::Window(_) => None,
        LogicalPlan::Ddl(_) => Some("a definition"),
        LogicalPlan::Dml(_) | LogicalPlan::Copy(_) => Some("writing"),
        LogicalPlan::Statement(_) => Some("a statement"),
        LogicalPlan::Explain(_) | LogicalPlan::Analyze(_) | LogicalPlan::DescribeTable(_) => {
            Some("explaining a plan")
        }
        LogicalPlan::RecursiveQuery(_) => Some("a recursive query"),
        LogicalPlan::Extension(_) => Some("an extension"),
    }
}
