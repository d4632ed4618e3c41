//! The types of properties and their options.

use lastcall_domain::check::{Rule, ValueType};

use super::keys::{OPTIONS, TYPES};
use crate::format::from_jdk;
use crate::node::{Node, hint, similar};
use crate::pattern::pattern;
use crate::table_schema::{form, length, range};
use crate::{Builder, ContractError, Result};

/// The type of a property's values; `None` if any.
pub(super) fn value_type(
    node: &Node<'_>,
    options: Option<&Node<'_>>,
    plan: &mut Builder,
) -> Result<Option<ValueType>> {
    let Some(name) = node.text("logicalType")? else {
        return Ok(None);
    };
    let format = match options {
        Some(options) => options.text("format")?,
        None => None,
    };
    let mut written = || {
        let format = format?;
        let read = from_jdk(format);
        if read.is_none() {
            let detail = format!("the format {format:?} is not checked");
            plan.not_checked(node.at("logicalTypeOptions.format"), detail);
        }
        read
    };
    Ok(Some(match name {
        "string" => match format.map(|format| (format, form(format))) {
            Some((_, Some(form))) => ValueType::Form(form),
            Some((format, None)) => {
                let detail = format!("the format {format:?} of a string is not checked");
                plan.not_checked(node.at("logicalTypeOptions.format"), detail);
                ValueType::String
            }
            None => ValueType::String,
        },
        "date" => ValueType::Date(written()),
        "timestamp" => ValueType::Timestamp(written()),
        "time" => ValueType::Time(written()),
        "number" => ValueType::Number,
        "integer" => ValueType::Integer,
        "boolean" => ValueType::Boolean {
            yes: Vec::new(),
            no: Vec::new(),
        },
        "object" | "map" => ValueType::Object,
        "array" => ValueType::Array,
        other => {
            let detail = format!("there is no type {other:?}{}", hint(similar(other, &TYPES)));
            return Err(ContractError::new(node.at("logicalType"), detail));
        }
    }))
}

/// The rules of `logicalTypeOptions`.
pub(super) fn type_options(options: &Node<'_>, name: &str, plan: &mut Builder) -> Result<()> {
    options.reject_unknown(&OPTIONS)?;
    length(options, name, plan)?;
    range(options, name, plan)?;
    if let Some(text) = options.text("pattern")? {
        let path = options.at("pattern");
        let text = pattern(text, false, &path)?;
        plan.check(Rule::Pattern(text), &[name], path);
    }
    if let Some(step) = options.number("multipleOf")? {
        let path = options.at("multipleOf");
        if step <= 0.0 {
            return Err(ContractError::new(path, "a number above 0 was expected"));
        }
        plan.check(Rule::MultipleOf(step), &[name], path);
    }
    let within = [
        "minItems",
        "maxItems",
        "uniqueItems",
        "minProperties",
        "maxProperties",
    ];
    for key in within.into_iter().filter(|key| options.has(key)) {
        plan.not_checked(options.at(key), "nested values are not checked");
    }
    Ok(())
}
