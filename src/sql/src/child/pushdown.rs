//! Filters of physical plans are pushed towards the tables.
//!
//! The engine follows the columns of a filter by their names, so that above a join of tables with
//! a column of the same name it may compare the wrong one. Here a filter is pushed only through
//! operators whose columns have different names.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::joins::HashJoinExec;
use datafusion::physical_plan::{ExecutionPlan, replace_children_if_necessary};

type Rule = Arc<dyn PhysicalOptimizerRule + Send + Sync>;

/// A rule that pushes filters, where names are distinct.
#[derive(Debug)]
pub(super) struct ByDistinctNames {
    rule: Rule,
}

impl ByDistinctNames {
    /// The rule, restricted if it pushes filters.
    pub(super) fn around(rule: Rule) -> Rule {
        match rule.name().starts_with("FilterPushdown") {
            true => Arc::new(Self { rule }),
            false => rule,
        }
    }
}

impl PhysicalOptimizerRule for ByDistinctNames {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        // Nothing is pushed into the root, whose own names do not matter.
        if plan.children().into_iter().all(all_distinct) {
            return self.rule.optimize(plan, config);
        }
        let children = plan.children().into_iter().cloned();
        let children = children.map(|child| self.optimize(child, config));
        let children = children.collect::<Result<_>>()?;
        replace_children_if_necessary(plan, children)
    }

    fn name(&self) -> &str {
        self.rule.name()
    }

    fn schema_check(&self) -> bool {
        self.rule.schema_check()
    }
}

/// Whether no operator of a plan has two columns of one name, nor a join on its two sides.
fn all_distinct(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let mut names = HashSet::new();
    let mut distinct = |plan: &Arc<dyn ExecutionPlan>| {
        let schema = plan.schema();
        let mut fields = schema.fields().iter();
        fields.all(|field| names.insert(field.name().clone()))
    };
    let distinct = if plan.is::<HashJoinExec>() {
        plan.children().into_iter().all(distinct)
    } else {
        distinct(plan)
    };
    distinct && plan.children().into_iter().all(all_distinct)
}
