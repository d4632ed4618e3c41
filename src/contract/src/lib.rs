//! Parses data contracts into checks.
//!
//! Two formats are detected by their structure: a Frictionless Table Schema (alone, in a resource
//! or in a Data Package) and the Open Data Contract Standard, version 3. Both are extended by the
//! keys `row_count`, `freshness` and `sql`.
//!
//! ```
//! let contract = lastcall_contract::parse(b"
//! fields:
//!   - name: id
//!     type: integer
//!     constraints: {required: true, unique: true}
//! ")?;
//! let plan = lastcall_contract::read(&contract, "orders")?;
//! assert_eq!(plan.checks.len(), 4);
//! # Ok::<(), lastcall_contract::ContractError>(())
//! ```

mod document;
mod extra;
mod format;
mod node;
mod odcs;
mod pattern;
mod quality;
mod table_schema;

#[cfg(test)]
mod tests;

use std::collections::HashSet;

use lastcall_domain::check::{Check, CheckPlan, ContractFormat, ContractWarning, Rule};
use serde_json::Value;

pub use document::{MAX_BYTES, parse};
use node::Node;

/// The most checks of a contract.
const MAX_CHECKS: usize = 10_000;
/// The most checks by queries, each of which needs a process.
const MAX_QUERIES: usize = 100;

/// What is wrong with a contract.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{detail}", At(path))]
pub struct ContractError {
    /// The path: `fields[2].constraints`; empty for the whole document.
    pub path: String,
    /// What is wrong.
    pub detail: String,
}

impl ContractError {
    fn new(path: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            detail: detail.into(),
        }
    }

    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        "invalid_contract"
    }
}

struct At<'a>(&'a str);

impl std::fmt::Display for At<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            "" => Ok(()),
            path => write!(f, "{path}: "),
        }
    }
}

type Result<T> = std::result::Result<T, ContractError>;

/// The checks of a contract for the dataset with this name.
///
/// # Errors
/// If the format of the document is unknown, a value is invalid, or a key is unknown where the
/// format does not allow custom keys.
pub fn read(contract: &Value, dataset: &str) -> Result<CheckPlan> {
    let root = Node::root(contract)?;
    let mut plan = Builder::default();
    if root.has("resources") {
        table_schema::package(&root, dataset, &mut plan)?;
    } else if root.get("schema").is_some_and(Value::is_array)
        || root.has("apiVersion")
        || root.get("kind").and_then(Value::as_str) == Some("DataContract")
    {
        plan.plan.format = ContractFormat::Odcs;
        odcs::contract(&root, dataset, &mut plan)?;
    } else if root.get("schema").is_some_and(Value::is_object) {
        table_schema::resource(&root, &mut plan)?;
    } else if root.has("fields") || extra::KEYS.iter().any(|key| root.has(key)) {
        table_schema::schema(&root, &mut plan)?;
    } else {
        return Err(ContractError::new(
            "",
            "the contract is neither a Table Schema (with `fields`), nor a Data Package (with \
             `resources`), nor of the Open Data Contract Standard (with `apiVersion` and `schema`)",
        ));
    }
    plan.finish()
}

/// A plan under construction.
#[derive(Default)]
struct Builder {
    plan: CheckPlan,
}

impl Builder {
    fn check(&mut self, rule: Rule, columns: &[&str], path: impl Into<String>) -> &mut Check {
        self.plan.checks.push(Check {
            rule,
            columns: columns.iter().map(|&column| column.to_owned()).collect(),
            path: path.into(),
            name: None,
            accept: None,
        });
        let last = self.plan.checks.len() - 1;
        &mut self.plan.checks[last]
    }

    fn warn(&mut self, code: &str, path: impl Into<String>, detail: impl Into<String>) {
        self.plan.warnings.push(ContractWarning {
            code: code.to_owned(),
            path: path.into(),
            detail: detail.into(),
        });
    }

    fn not_checked(&mut self, path: impl Into<String>, detail: impl Into<String>) {
        self.warn("not_checked", path, detail);
    }

    fn finish(mut self) -> Result<CheckPlan> {
        // A key that is also required and unique would be checked twice.
        let mut seen = HashSet::new();
        self.plan.checks.retain(|check| {
            let is_key = matches!(check.rule, Rule::NotNull | Rule::Unique);
            let is_plain = check.name.is_none() && check.accept.is_none();
            let place = || (check.rule.kind(), check.columns.clone());
            !(is_key && is_plain) || seen.insert(place())
        });
        let checks = &self.plan.checks;
        if checks.len() > MAX_CHECKS {
            let detail = format!("it asks for more than {MAX_CHECKS} checks");
            return Err(ContractError::new("", detail));
        }
        let queries = checks.iter().filter(|c| matches!(c.rule, Rule::Sql { .. }));
        if queries.count() > MAX_QUERIES {
            let detail = format!("it asks for more than {MAX_QUERIES} queries");
            return Err(ContractError::new("", detail));
        }
        if checks.is_empty() {
            return Err(ContractError::new("", "it asks for no check"));
        }
        Ok(self.plan)
    }
}
