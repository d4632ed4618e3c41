//! The Open Data Contract Standard, version 3: `schema[].properties` with their types, keys,
//! relationships and quality, and the freshness of a service level.

mod keys;
mod types;

use std::time::Duration;

use lastcall_domain::check::Rule;
use serde_json::Value;

use self::keys::{CONTRACT, OBJECT, PROPERTY};
use self::types::{type_options, value_type};
use crate::node::Node;
use crate::table_schema::{choose, foreign_key, primary_key};
use crate::{Builder, ContractError, Result, extra, quality};

/// Reads the checks of the object with the dataset's name, or of the only one.
pub(crate) fn contract(root: &Node<'_>, dataset: &str, plan: &mut Builder) -> Result<()> {
    root.warn_unknown(&CONTRACT, plan);
    if let Some(version) = root.text("apiVersion")?
        && !version.trim_start_matches('v').starts_with("3.")
    {
        let detail = format!("only version 3 of the standard is read, not {version}");
        return Err(ContractError::new("apiVersion", detail));
    }
    let objects = root.objects("schema")?;
    let mut names = Vec::new();
    for object in &objects {
        // The physical name is that of the table.
        let physical = object.text("physicalName")?.filter(|name| *name == dataset);
        names.push(physical.or(object.text("name")?).unwrap_or_default());
    }
    let object = &objects[choose(&names, dataset, "schema")?];
    Object {
        objects: &objects,
        object,
        dataset,
    }
    .read(root, plan)
}

/// The object of the schema that describes the dataset.
struct Object<'a> {
    objects: &'a [Node<'a>],
    object: &'a Node<'a>,
    dataset: &'a str,
}

impl Object<'_> {
    fn read(&self, root: &Node<'_>, plan: &mut Builder) -> Result<()> {
        let object = self.object;
        object.reject_unknown(&OBJECT)?;
        let properties = object.objects("properties")?;
        plan.plan.lists_columns = !properties.is_empty();
        let mut key = Vec::new();
        for (place, property) in (0_i64..).zip(&properties) {
            let name = property.required("name")?;
            if let Some(physical) = property.text("physicalName")? {
                let alias = (name.to_owned(), physical.to_owned());
                plan.plan.aliases.extend([alias]);
            }
            self.property(property, name, plan)?;
            if property.flag("primaryKey")? {
                let position = property.get("primaryKeyPosition").and_then(Value::as_i64);
                let position = position.filter(|at| *at > 0).unwrap_or(i64::MAX);
                key.push((position, place, name.to_owned()));
            }
        }
        key.sort();
        let key: Vec<String> = key.into_iter().map(|(.., name)| name).collect();
        primary_key(&key, &object.at("properties"), plan);
        for relationship in object.objects("relationships")? {
            let from = relationship.texts("from")?;
            let from = from.iter().map(|from| self.own_column(from, &relationship));
            self.relationship(&relationship, &from.collect::<Result<Vec<_>>>()?, plan)?;
        }
        quality::rules(object, None, self.dataset, plan)?;
        quality::rules(root, None, self.dataset, plan)?;
        self.service_level(root, plan)?;
        extra::extra(object, plan)
    }

    fn property(&self, node: &Node<'_>, name: &str, plan: &mut Builder) -> Result<()> {
        node.reject_unknown(&PROPERTY)?;
        plan.check(Rule::Column, &[name], node.path.clone());
        let options = node.object("logicalTypeOptions")?;
        if let Some(kind) = value_type(node, options.as_ref(), plan)? {
            plan.check(Rule::Type(kind), &[name], node.at("logicalType"));
        }
        if node.flag("required")? {
            plan.check(Rule::NotNull, &[name], node.at("required"));
        }
        if node.flag("unique")? {
            plan.check(Rule::Unique, &[name], node.at("unique"));
        }
        if let Some(options) = &options {
            type_options(options, name, plan)?;
        }
        if node.has("enum") {
            let values = node.list("enum")?.iter();
            let values = values.map(|v| v.get("value").unwrap_or(v).clone());
            plan.check(Rule::Set(values.collect()), &[name], node.at("enum"));
        }
        for key in ["items", "properties", "map"] {
            if node.has(key) {
                plan.not_checked(node.at(key), "nested values are not checked");
            }
        }
        for relationship in node.objects("relationships")? {
            if relationship.has("from") {
                let detail = "a property's relationship always starts at the property";
                return Err(ContractError::new(relationship.at("from"), detail));
            }
            self.relationship(&relationship, &[name.to_owned()], plan)?;
        }
        quality::rules(node, Some(name), self.dataset, plan)
    }

    fn relationship(&self, node: &Node<'_>, from: &[String], plan: &mut Builder) -> Result<()> {
        node.reject_unknown(&[
            "id",
            "type",
            "from",
            "to",
            "description",
            "customProperties",
        ])?;
        if let Some(kind) = node.text("type")?
            && kind != "foreignKey"
        {
            let detail = format!("relationships of type {kind:?} are not checked");
            plan.not_checked(node.at("type"), detail);
            return Ok(());
        }
        let targets = node.texts("to")?;
        let mut dataset = None;
        let mut columns = Vec::new();
        for target in &targets {
            if target.contains('#') {
                plan.not_checked(
                    node.at("to"),
                    "relationships to other contracts are not checked",
                );
                return Ok(());
            }
            let (object, column) = self.resolve(target, &node.at("to"))?;
            if dataset.as_ref().is_some_and(|before| *before != object) {
                let detail = "all columns of a key are in one object";
                return Err(ContractError::new(node.at("to"), detail));
            }
            dataset = Some(object);
            columns.push(column);
        }
        let own = self.name_of(self.object);
        let dataset = dataset.filter(|name| *name != own && name != self.dataset);
        foreign_key(from, dataset.as_deref(), columns, &node.path, plan)
    }

    fn name_of(&self, object: &Node<'_>) -> String {
        let name = object.get("name").and_then(Value::as_str);
        name.unwrap_or_default().to_owned()
    }

    fn own_column(&self, reference: &str, node: &Node<'_>) -> Result<String> {
        Ok(self.resolve(reference, &node.at("from"))?.1)
    }

    /// The names of an object and a column: `users.id`, or `schema/users_tbl/properties/user_id`
    /// by their ids.
    fn resolve(&self, reference: &str, path: &str) -> Result<(String, String)> {
        let wrong = |detail: String| ContractError::new(path, detail);
        let Some(by_id) = reference.strip_prefix("schema/") else {
            let (object, column) = reference.split_once('.').ok_or_else(|| {
                wrong(format!(
                    "{reference:?} does not name a property: write object.property"
                ))
            })?;
            return Ok((object.to_owned(), column.to_owned()));
        };
        let parts: Vec<&str> = by_id.split('/').collect();
        let [object, "properties", property] = parts[..] else {
            return Err(wrong(format!(
                "{reference:?} does not refer to a property of an object"
            )));
        };
        let is = |node: &Node<'_>, id: &str| {
            let has = |key| node.get(key).and_then(Value::as_str) == Some(id);
            has("id") || has("name")
        };
        let unknown = || wrong(format!("{reference:?} does not exist in the contract"));
        let object = self.objects.iter().find(|node| is(node, object));
        let object = object.ok_or_else(unknown)?;
        let properties = object.objects("properties")?;
        let property = properties.iter().find(|node| is(node, property));
        let property = property.ok_or_else(unknown)?;
        Ok((self.name_of(object), property.required("name")?.to_owned()))
    }

    /// Freshness and latency of the columns in `element`.
    fn service_level(&self, root: &Node<'_>, plan: &mut Builder) -> Result<()> {
        let default = root.text("slaDefaultElement")?;
        for level in root.objects("slaProperties")? {
            let Some("freshness" | "fy" | "latency" | "ly") = level.text("property")? else {
                continue;
            };
            let Some(elements) = level.text("element")?.or(default) else {
                plan.not_checked(level.path.clone(), "it does not name an `element`");
                continue;
            };
            let Some(age) = age(&level)? else {
                plan.not_checked(
                    level.path.clone(),
                    "its `value` and `unit` are not a duration",
                );
                continue;
            };
            for element in elements.split(',').map(str::trim) {
                let column = match element.split_once('.') {
                    None => element,
                    Some((object, column))
                        if object == self.name_of(self.object) || object == self.dataset =>
                    {
                        column
                    }
                    // Of another object.
                    Some(_) => continue,
                };
                plan.check(Rule::Freshness(age), &[column], level.path.clone());
            }
        }
        Ok(())
    }
}

fn age(level: &Node<'_>) -> Result<Option<Duration>> {
    let Some(value) = level.number("value")? else {
        return Ok(None);
    };
    let seconds = match level.text("unit")?.unwrap_or_default() {
        "s" | "sec" | "second" | "seconds" => 1.0,
        "m" | "min" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hour" | "hours" => 3_600.0,
        "d" | "day" | "days" => 86_400.0,
        "w" | "week" | "weeks" => 604_800.0,
        "y" | "yr" | "year" | "years" => 31_557_600.0,
        _ => return Ok(None),
    };
    Ok(Duration::try_from_secs_f64(value * seconds).ok())
}
