//! ODCS quality: metrics of its library, and queries, with their thresholds.

use lastcall_domain::check::{Accept, Condition, Rule};
use lastcall_domain::profile::Number;
use serde_json::Value;

use crate::node::{Node, exact, hint, similar};
use crate::pattern::pattern;
use crate::{Builder, ContractError, Result, extra};

const RULE: [&str; 32] = [
    "id",
    "name",
    "description",
    "type",
    "metric",
    "rule",
    "arguments",
    "unit",
    "query",
    "engine",
    "implementation",
    "dimension",
    "method",
    "severity",
    "businessImpact",
    "customProperties",
    "tags",
    "authoritativeDefinitions",
    "scheduler",
    "schedule",
    "scheduleCronExpression",
    "mustBe",
    "mustNotBe",
    "mustBeGreaterThan",
    "mustBeGreaterOrEqualTo",
    "mustBeLessThan",
    "mustBeLessOrEqualTo",
    "mustBeBetween",
    "mustNotBeBetween",
    "validValues",
    "pattern",
    "toolName",
];
const TYPES: [&str; 4] = ["library", "sql", "text", "custom"];
const METRICS: [&str; 5] = [
    "nullValues",
    "missingValues",
    "invalidValues",
    "duplicateValues",
    "rowCount",
];

/// The rules of an object, or of a property if one is given.
pub(crate) fn rules(
    node: &Node<'_>,
    property: Option<&str>,
    dataset: &str,
    plan: &mut Builder,
) -> Result<()> {
    for rule in node.objects("quality")? {
        rule.reject_unknown(&RULE)?;
        let name = rule.text("name")?.or(rule.text("id")?);
        let first = plan.plan.checks.len();
        let metric = rule.text("metric")?.or(rule.text("rule")?);
        let kind = match rule.text("type")? {
            Some(kind) => kind,
            None if metric.is_none() && rule.has("query") => "sql",
            None => "library",
        };
        match kind {
            "library" => library(&rule, metric, property, plan)?,
            "sql" => sql(&rule, property, dataset, plan)?,
            "text" => plan.not_checked(rule.path.clone(), "a rule in words is not checked"),
            "custom" => {
                let engine = rule.text("engine")?.unwrap_or("another engine");
                plan.not_checked(rule.path.clone(), format!("it is for {engine}"));
            }
            other => {
                let hint = hint(similar(other, &TYPES));
                let detail = format!("there is no type of rule {other:?}{hint}");
                return Err(ContractError::new(rule.at("type"), detail));
            }
        }
        for check in &mut plan.plan.checks[first..] {
            check.name = name.map(str::to_owned);
        }
    }
    Ok(())
}

fn library(
    rule: &Node<'_>,
    metric: Option<&str>,
    property: Option<&str>,
    plan: &mut Builder,
) -> Result<()> {
    let path = rule.path.clone();
    let missing = || ContractError::new(path.clone(), "`metric` is missing");
    let metric = metric.ok_or_else(missing)?;
    let by_rule = !rule.has("metric");
    let metric = match metric {
        // The names of version 3.0.
        "nullCheck" | "nullCount" if by_rule => "nullValues",
        "duplicateCount" | "duplicateCheck" if by_rule => "duplicateValues",
        "validValues" if by_rule => "invalidValues",
        "countCheck" if by_rule => "rowCount",
        other => other,
    };
    if by_rule && !METRICS.contains(&metric) {
        plan.not_checked(path, format!("the rule {metric:?} is not known"));
        return Ok(());
    }
    let accept = accept(rule)?.unwrap_or_else(|| Accept {
        conditions: vec![Condition::Is(Number::Integer(0))],
        percent: false,
    });
    let arguments = rule.object("arguments")?;
    let column = || {
        let detail = format!("`{metric}` is for a property");
        property.ok_or_else(|| ContractError::new(path.clone(), detail))
    };
    let mut add = |rule: Rule, columns: &[&str]| {
        plan.check(rule, columns, path.clone()).accept = Some(accept.clone());
    };
    match metric {
        "rowCount" => add(Rule::RowCount, &[]),
        "nullValues" => add(Rule::NotNull, &[column()?]),
        "missingValues" => {
            let values = match &arguments {
                Some(arguments) => arguments.list("missingValues")?.to_vec(),
                None => Vec::new(),
            };
            add(Rule::NotMissing(values), &[column()?]);
        }
        "duplicateValues" => {
            let columns = match (&arguments, property) {
                (Some(arguments), None) => arguments.texts("properties")?,
                _ => vec![column()?.to_owned()],
            };
            if columns.is_empty() {
                let detail = "`arguments.properties` is missing";
                return Err(ContractError::new(path.clone(), detail));
            }
            let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
            add(Rule::Unique, &columns);
        }
        "invalidValues" => {
            let column = column()?;
            let holder = arguments.as_ref().unwrap_or(rule);
            let (set, text) = (holder.list("validValues")?, holder.text("pattern")?);
            if !set.is_empty() {
                add(Rule::Set(set.to_vec()), &[column]);
            }
            if let Some(text) = text {
                let text = pattern(text, false, &holder.at("pattern"))?;
                add(Rule::Pattern(text), &[column]);
            }
            if set.is_empty() && text.is_none() {
                let detail = "`arguments` with `validValues` or `pattern` is missing";
                return Err(ContractError::new(path.clone(), detail));
            }
        }
        other => {
            let hint = hint(similar(other, &METRICS));
            let detail = format!("there is no metric {other:?}{hint}");
            return Err(ContractError::new(path.clone(), detail));
        }
    }
    Ok(())
}

fn sql(rule: &Node<'_>, property: Option<&str>, dataset: &str, plan: &mut Builder) -> Result<()> {
    let query = extra::query_of(rule.required("query")?, &rule.at("query"))?;
    let query = filled(&query, property, dataset);
    let accept = accept(rule)?;
    let value = accept.is_some();
    let columns: Vec<&str> = property.into_iter().collect();
    let check = plan.check(Rule::Sql { query, value }, &columns, rule.path.clone());
    check.accept = accept;
    Ok(())
}

/// The query with the names of its table and column filled in.
fn filled(query: &str, property: Option<&str>, dataset: &str) -> String {
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let mut filled = query.to_owned();
    let tables = ["object", "table"].map(|place| (place, Some(dataset)));
    let columns = ["property", "column"].map(|place| (place, property));
    for (place, name) in tables.into_iter().chain(columns) {
        let Some(name) = name.map(quoted) else {
            continue;
        };
        for form in [format!("${{{place}}}"), format!("{{{place}}}")] {
            filled = filled.replace(&form, &name);
        }
    }
    filled
}

/// Creates the condition of an operator from its operand.
type Operator = fn(Number) -> Condition;

/// The condition of a rule's operators; `None` if there are none.
fn accept(rule: &Node<'_>) -> Result<Option<Accept>> {
    let mut conditions = Vec::new();
    let operators: [(&str, Operator); 6] = [
        ("mustBe", Condition::Is),
        ("mustNotBe", Condition::IsNot),
        ("mustBeGreaterThan", Condition::Above),
        ("mustBeGreaterOrEqualTo", Condition::AtLeast),
        ("mustBeLessThan", Condition::Below),
        ("mustBeLessOrEqualTo", Condition::AtMost),
    ];
    for (key, condition) in operators {
        // The result of a query may be a boolean.
        let number = match rule.get(key) {
            Some(Value::Bool(is)) => Some(Number::Integer((*is).into())),
            _ => rule.exact_number(key)?,
        };
        conditions.extend(number.map(condition));
    }
    if let Some((low, high)) = two(rule, "mustBeBetween")? {
        conditions.extend([Condition::AtLeast(low), Condition::AtMost(high)]);
    }
    if let Some((low, high)) = two(rule, "mustNotBeBetween")? {
        conditions.push(Condition::Outside(low, high));
    }
    let percent = match rule.text("unit")? {
        None | Some("rows") => false,
        Some("percent" | "%") => true,
        Some(other) => {
            let detail = format!("the unit is `rows` or `percent`, not {other:?}");
            return Err(ContractError::new(rule.at("unit"), detail));
        }
    };
    Ok((!conditions.is_empty()).then_some(Accept {
        conditions,
        percent,
    }))
}

fn two(rule: &Node<'_>, key: &str) -> Result<Option<(Number, Number)>> {
    if !rule.has(key) {
        return Ok(None);
    }
    let numbers = match rule.list(key)? {
        [low, high] => exact(low).zip(exact(high)),
        _ => None,
    };
    let wrong = || ContractError::new(rule.at(key), "a list of two numbers was expected");
    numbers.ok_or_else(wrong).map(Some)
}
