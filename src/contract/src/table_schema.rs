//! Frictionless Table Schema: `fields` with their constraints, keys and markers of missing values.

mod keys;

use lastcall_domain::InvalidOption;
use lastcall_domain::check::{Bound, ColumnMatch, Form, Rule, ValueType};
use serde_json::Value;

use self::keys::{CONSTRAINTS, FIELD, SCHEMA, TYPES};
use crate::node::{Node, hint, similar};
use crate::pattern::pattern;
use crate::{Builder, ContractError, Result, extra};

/// Reads the resource with the dataset's name, or the only one, of a Data Package.
pub(crate) fn package(root: &Node<'_>, dataset: &str, plan: &mut Builder) -> Result<()> {
    let resources = root.objects("resources")?;
    let names: Vec<&str> = resources
        .iter()
        .map(|resource| resource.text("name").map(Option::unwrap_or_default))
        .collect::<Result<_>>()?;
    let at = choose(&names, dataset, "resources")?;
    resource(&resources[at], plan)
}

/// The index of the part of a contract that describes the dataset.
pub(crate) fn choose(names: &[&str], dataset: &str, path: &str) -> Result<usize> {
    let named = names.iter().position(|name| *name == dataset);
    let alike = || names.iter().position(|n| n.eq_ignore_ascii_case(dataset));
    match named.or_else(alike) {
        Some(at) => Ok(at),
        None if names.len() == 1 => Ok(0),
        None if names.is_empty() => Err(ContractError::new(path, "the list is empty")),
        None => {
            let listed = names.join("`, `");
            let detail = format!("none is named `{dataset}`, only `{listed}`");
            let hint = hint(similar(dataset, names));
            Err(ContractError::new(path, format!("{detail}{hint}")))
        }
    }
}

/// A resource with a schema.
pub(crate) fn resource(node: &Node<'_>, plan: &mut Builder) -> Result<()> {
    if node.get("schema").is_some_and(Value::is_string) {
        return Err(ContractError::new(
            node.at("schema"),
            "the schema is in another file; include it here",
        ));
    }
    let missing = || ContractError::new(node.path.clone(), "`schema` is missing");
    schema(&node.object("schema")?.ok_or_else(missing)?, plan)
}

/// A Table Schema.
pub(crate) fn schema(node: &Node<'_>, plan: &mut Builder) -> Result<()> {
    node.warn_unknown(&SCHEMA, plan);
    let fields = node.objects("fields")?;
    let mut names = Vec::new();
    for node in &fields {
        names.push(node.required("name")?);
    }
    plan.plan.lists_columns = !names.is_empty();
    if let Some(way) = node.text("fieldsMatch")? {
        let path = node.at("fieldsMatch");
        let way = column_match(way, &path)?;
        plan.check(Rule::Columns(way), &names, path);
        plan.plan.lists_columns = false;
    }
    let optional = matches!(node.text("fieldsMatch")?, Some("superset" | "partial"));
    for (node, name) in fields.iter().zip(&names) {
        if !optional {
            plan.check(Rule::Column, &[name], node.path.clone());
        }
        field(node, name, plan)?;
    }
    marks(&fields, "decimalChar", "decimal", Some("."), plan)?;
    marks(&fields, "groupChar", "thousands", None, plan)?;
    missing_values(node, plan)?;
    keys(node, plan)?;
    extra::extra(node, plan)
}

fn column_match(way: &str, path: &str) -> Result<ColumnMatch> {
    Ok(match way {
        "exact" => ColumnMatch::Exact,
        "equal" => ColumnMatch::Equal,
        "subset" => ColumnMatch::Subset,
        "superset" => ColumnMatch::Superset,
        "partial" => ColumnMatch::Partial,
        other => {
            let known = ["exact", "equal", "subset", "superset", "partial"];
            let detail = format!("there is no {other:?}{}", hint(similar(other, &known)));
            return Err(ContractError::new(path, detail));
        }
    })
}

fn field(node: &Node<'_>, name: &str, plan: &mut Builder) -> Result<()> {
    node.warn_unknown(&FIELD, plan);
    let kind = value_type(node, plan)?;
    let is_text = matches!(kind, None | Some(ValueType::String | ValueType::Form(_)));
    if let Some(kind) = kind {
        plan.check(Rule::Type(kind), &[name], node.at("type"));
    }
    for key in ["categories", "missingValues"] {
        if node.has(key) {
            plan.not_checked(node.at(key), "this key of a field has no effect here");
        }
    }
    let Some(rules) = node.object("constraints")? else {
        return Ok(());
    };
    rules.reject_unknown(&CONSTRAINTS)?;
    constraints(&rules, name, is_text, plan)
}

/// Sets the read option of a mark, which is that of all columns: numbers cannot have different ones.
fn marks(
    fields: &[Node<'_>],
    key: &str,
    option: &str,
    default: Option<&str>,
    plan: &mut Builder,
) -> Result<()> {
    let (mut common, mut given) = (None, None);
    for field in fields {
        let default = default.filter(|_| field.get("type").is_some_and(|kind| kind == "number"));
        let Some(mark) = field.text(key)?.or(default) else {
            continue;
        };
        let before = *common.get_or_insert(mark);
        if before != mark {
            let detail = format!(
                "the `{key}` of this field is {mark:?}, that of another one {before:?}; the \
                 numbers of a dataset are read with the same"
            );
            return Err(ContractError::new(field.at(key), detail));
        }
        if field.has(key) {
            given = Some((field, mark));
        }
    }
    if let Some((field, mark)) = given {
        let set = plan.plan.read.set(option, mark);
        set.map_err(|error: InvalidOption| ContractError::new(field.at(key), error.detail))?;
    }
    Ok(())
}

fn constraints(rules: &Node<'_>, name: &str, is_text: bool, plan: &mut Builder) -> Result<()> {
    if rules.flag("required")? {
        plan.check(Rule::NotNull, &[name], rules.at("required"));
    }
    if rules.flag("unique")? {
        plan.check(Rule::Unique, &[name], rules.at("unique"));
    }
    length(rules, name, plan)?;
    range(rules, name, plan)?;
    if let Some(text) = rules.text("pattern")? {
        let path = rules.at("pattern");
        if is_text {
            let whole = pattern(text, true, &path)?;
            plan.check(Rule::Pattern(whole), &[name], path);
        } else {
            plan.not_checked(path, "a pattern is for fields of type string");
        }
    }
    if rules.has("enum") {
        set(rules, "enum", name, plan)?;
    }
    if rules.has("jsonSchema") {
        plan.not_checked(rules.at("jsonSchema"), "JSON Schema is not checked");
    }
    Ok(())
}

/// `minLength` and `maxLength`.
pub(crate) fn length(rules: &Node<'_>, name: &str, plan: &mut Builder) -> Result<()> {
    let (min, max) = (rules.count("minLength")?, rules.count("maxLength")?);
    if min.is_some() || max.is_some() {
        let key = if min.is_some() {
            "minLength"
        } else {
            "maxLength"
        };
        plan.check(Rule::Length { min, max }, &[name], rules.at(key));
    }
    Ok(())
}

/// `minimum`, `maximum` and their exclusive variants.
pub(crate) fn range(rules: &Node<'_>, name: &str, plan: &mut Builder) -> Result<()> {
    let bound = |plain: &str, exclusive: &str| -> Result<Option<(Bound, String)>> {
        let (key, is_exclusive) = match (rules.get(plain), rules.get(exclusive)) {
            (Some(_), Some(_)) => {
                let detail = format!("`{plain}` and `{exclusive}` cannot be combined");
                return Err(ContractError::new(rules.path.clone(), detail));
            }
            (Some(_), None) => (plain, false),
            (None, Some(_)) => (exclusive, true),
            (None, None) => return Ok(None),
        };
        let value = rules.get(key).cloned().unwrap_or_default();
        if !value.is_number() && !value.is_string() {
            let detail = "a number, a date or a point in time was expected";
            return Err(ContractError::new(rules.at(key), detail));
        }
        let bound = Bound {
            value,
            exclusive: is_exclusive,
        };
        Ok(Some((bound, rules.at(key))))
    };
    let min = bound("minimum", "exclusiveMinimum")?;
    let max = bound("maximum", "exclusiveMaximum")?;
    let path = min.as_ref().or(max.as_ref()).map(|(_, path)| path.clone());
    if let Some(path) = path {
        let (min, max) = (min.map(|(bound, _)| bound), max.map(|(bound, _)| bound));
        plan.check(Rule::Range { min, max }, &[name], path);
    }
    Ok(())
}

/// A list of the values that are allowed.
fn set(rules: &Node<'_>, key: &str, name: &str, plan: &mut Builder) -> Result<()> {
    let values = rules.list(key)?;
    if values.is_empty() {
        return Err(ContractError::new(rules.at(key), "the list is empty"));
    }
    plan.check(Rule::Set(values.to_vec()), &[name], rules.at(key));
    Ok(())
}

/// The type of a field; `None` for any.
fn value_type(node: &Node<'_>, plan: &mut Builder) -> Result<Option<ValueType>> {
    let Some(name) = node.text("type")? else {
        return Ok(None);
    };
    let format = node.text("format")?;
    let strftime = format.filter(|format| !matches!(*format, "any" | "default"));
    let strftime = strftime.map(|format| format.strip_prefix("fmt:").unwrap_or(format));
    let written = |default: &str| match format {
        Some("default") => Some(default.to_owned()),
        _ => strftime.map(str::to_owned),
    };
    Ok(Some(match name {
        "string" => return text(node, format, plan).map(Some),
        "number" => ValueType::Number,
        "integer" => ValueType::Integer,
        "boolean" => ValueType::Boolean {
            yes: node.texts("trueValues")?,
            no: node.texts("falseValues")?,
        },
        "date" => ValueType::Date(written("%Y-%m-%d")),
        "time" => ValueType::Time(written("%H:%M:%S")),
        "datetime" => ValueType::Timestamp(strftime.map(str::to_owned)),
        "year" => ValueType::Form(Form::Year),
        "yearmonth" => ValueType::Form(Form::YearMonth),
        "duration" => ValueType::Form(Form::Duration),
        "geopoint" => ValueType::Form(Form::Geopoint),
        "object" | "geojson" => ValueType::Object,
        "array" => ValueType::Array,
        "list" => ValueType::String,
        "any" | "default" => return Ok(None),
        other => {
            let detail = format!("there is no type {other:?}{}", hint(similar(other, &TYPES)));
            return Err(ContractError::new(node.at("type"), detail));
        }
    }))
}

fn text(node: &Node<'_>, format: Option<&str>, plan: &mut Builder) -> Result<ValueType> {
    Ok(match format {
        None | Some("default") => ValueType::String,
        Some(format) => match form(format) {
            Some(form) => ValueType::Form(form),
            None => {
                let detail = format!("the format {format:?} of a string is not checked");
                plan.not_checked(node.at("format"), detail);
                ValueType::String
            }
        },
    })
}

/// The form of texts for a `format` of either standard.
pub(crate) fn form(format: &str) -> Option<Form> {
    Some(match format {
        "email" => Form::Email,
        "uri" | "url" => Form::Uri,
        "uuid" => Form::Uuid,
        "ipv4" => Form::Ipv4,
        "ipv6" => Form::Ipv6,
        "hostname" => Form::Hostname,
        "binary" | "byte" => Form::Base64,
        _ => return None,
    })
}

fn missing_values(node: &Node<'_>, plan: &mut Builder) -> Result<()> {
    if !node.has("missingValues") {
        return Ok(());
    }
    let path = node.at("missingValues");
    let mut markers = Vec::new();
    for value in node.list("missingValues")? {
        // In version 2 they may have labels.
        let marker = value.get("value").unwrap_or(value).as_str();
        let wrong = || ContractError::new(path.clone(), "a list of texts was expected");
        markers.push(marker.ok_or_else(wrong)?.to_owned());
    }
    plan.plan.read.missing = Some(markers);
    Ok(())
}

/// `primaryKey`, `uniqueKeys` and `foreignKeys`.
fn keys(node: &Node<'_>, plan: &mut Builder) -> Result<()> {
    let primary = node.texts("primaryKey")?;
    primary_key(&primary, &node.at("primaryKey"), plan);
    for (i, key) in node.list("uniqueKeys")?.iter().enumerate() {
        let path = format!("{}[{i}]", node.at("uniqueKeys"));
        let columns: Option<Vec<&str>> = match key {
            Value::String(column) => Some(vec![column]),
            Value::Array(columns) => columns.iter().map(Value::as_str).collect(),
            _ => None,
        };
        let wrong = || ContractError::new(path.clone(), "a list of fields was expected");
        plan.check(Rule::Unique, &columns.ok_or_else(wrong)?, path.clone());
    }
    for key in node.objects("foreignKeys")? {
        key.warn_unknown(&["fields", "reference"], plan);
        let missing = || ContractError::new(key.path.clone(), "`reference` is missing");
        let target = key.object("reference")?.ok_or_else(missing)?;
        let dataset = target.text("resource")?.filter(|name| !name.is_empty());
        let (from, to) = (key.texts("fields")?, target.texts("fields")?);
        foreign_key(&from, dataset, to, &key.path, plan)?;
    }
    Ok(())
}

/// Checks that no part of a primary key is missing, and that keys are unique.
pub(crate) fn primary_key(columns: &[String], path: &str, plan: &mut Builder) {
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    for column in &columns {
        plan.check(Rule::NotNull, &[column], path);
    }
    if !columns.is_empty() {
        plan.check(Rule::Unique, &columns, path);
    }
}

pub(crate) fn foreign_key(
    from: &[String],
    dataset: Option<&str>,
    to: Vec<String>,
    path: &str,
    plan: &mut Builder,
) -> Result<()> {
    if from.is_empty() || from.len() != to.len() {
        let detail = "a foreign key has as many columns as it refers to, and at least one";
        return Err(ContractError::new(path, detail));
    }
    let from: Vec<&str> = from.iter().map(String::as_str).collect();
    let rule = Rule::ForeignKey {
        dataset: dataset.map(str::to_owned),
        columns: to,
    };
    plan.check(rule, &from, path);
    Ok(())
}
