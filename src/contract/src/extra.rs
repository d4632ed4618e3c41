//! Extensions that neither format has: `row_count`, `freshness`, `sql`.

use std::time::Duration;

use lastcall_domain::check::{Accept, Rule};
use serde_json::Value;

use crate::node::Node;
use crate::{Builder, ContractError, Result};

/// The keys, next to those of the format.
pub(crate) const KEYS: [&str; 3] = ["row_count", "freshness", "sql"];
/// The longest query, in bytes.
const MAX_QUERY: usize = 64 * 1024;

/// Reads the keys that are present.
pub(crate) fn extra(node: &Node<'_>, plan: &mut Builder) -> Result<()> {
    if let Some(count) = node.get("row_count") {
        let path = node.at("row_count");
        let accept = match count.as_u64() {
            Some(count) => Accept::between(Some(count), Some(count)),
            None => {
                let count = Node::new(count, path.clone())?;
                count.reject_unknown(&["min", "max"])?;
                let (min, max) = (count.count("min")?, count.count("max")?);
                if min.is_none() && max.is_none() {
                    return Err(ContractError::new(path, "`min` or `max` is needed"));
                }
                Accept::between(min, max)
            }
        };
        plan.check(Rule::RowCount, &[], path).accept = Some(accept);
    }
    for (value, path) in one_or_many(node, "freshness") {
        let fresh = Node::new(value, path)?;
        fresh.reject_unknown(&["column", "max_age"])?;
        let column = fresh.required("column")?;
        let age = duration(fresh.required("max_age")?, &fresh.at("max_age"))?;
        plan.check(Rule::Freshness(age), &[column], fresh.path.clone());
    }
    for (value, path) in one_or_many(node, "sql") {
        let (name, query) = match value.as_str() {
            Some(query) => (None, query),
            None => {
                let sql = Node::new(value, path.clone())?;
                sql.reject_unknown(&["name", "query"])?;
                (sql.text("name")?, sql.required("query")?)
            }
        };
        let query = query_of(query, &path)?;
        let check = plan.check(
            Rule::Sql {
                query,
                value: false,
            },
            &[],
            path,
        );
        check.name = name.map(str::to_owned);
    }
    Ok(())
}

/// The query, unless it is empty or too long.
pub(crate) fn query_of(query: &str, path: &str) -> Result<String> {
    if query.trim().is_empty() {
        return Err(ContractError::new(path, "the query is empty"));
    }
    if query.len() > MAX_QUERY {
        let detail = format!("a query has at most {MAX_QUERY} bytes");
        return Err(ContractError::new(path, detail));
    }
    Ok(query.to_owned())
}

/// A single value or those of a list, with their paths.
fn one_or_many<'a>(node: &Node<'a>, key: &str) -> Vec<(&'a Value, String)> {
    let path = node.at(key);
    match node.get(key) {
        None => Vec::new(),
        Some(Value::Array(list)) => {
            let items = list.iter().enumerate();
            items.map(|(i, v)| (v, format!("{path}[{i}]"))).collect()
        }
        Some(one) => vec![(one, path)],
    }
}

fn duration(text: &str, path: &str) -> Result<Duration> {
    humantime::parse_duration(text).map_err(|error| {
        let detail = format!("{text:?} is not a duration ({error}): write 36h, 1d or 1d 12h");
        ContractError::new(path, detail)
    })
}
