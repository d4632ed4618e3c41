//! The document of an analysis of an unknown kind: any JSON as facts, tables and heat maps.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::matrix::matrix;
use super::{
    Block, Cell, Document, Fact, Section, Table, TableColumn, Text, frame, values::value_text,
};
use crate::limits::Limits;
use crate::number::count;
use crate::text::{FULL, shorten};

/// The most rows and columns of a table.
const ROWS: usize = 500;
const COLUMNS: usize = 30;
/// How many members of an object are shown.
const MEMBERS: usize = 50;

/// Lays out any JSON value: scalar members as facts, lists as tables, square matrices of
/// coefficients over the member `columns` as heat maps too.
pub(crate) fn generic(
    value: &Value,
    title: &str,
    kind: &str,
    created_at: DateTime<Utc>,
    limits: Limits,
) -> Document {
    let mut document = frame(title, &heading(kind), created_at);
    let lone = Map::from_iter([("result".to_owned(), value.clone())]);
    let members = value.as_object().unwrap_or(&lone);
    let names = names(members);
    let mut sections = vec![("Overview".to_owned(), facts(members))];
    for (name, value) in members.iter().take(MEMBERS) {
        sections.push((heading(name), blocks(name, value, &names, limits)));
    }
    for (i, (title, blocks)) in sections.into_iter().enumerate() {
        if !blocks.is_empty() {
            let id = if i == 0 {
                "overview".to_owned()
            } else {
                format!("part-{i}")
            };
            document.sections.push(Section { id, title, blocks });
        }
    }
    document
}

/// The blocks of a member that is an object or a list.
fn blocks(name: &str, value: &Value, names: &[String], limits: Limits) -> Vec<Block> {
    match value {
        Value::Object(members) => {
            let inner = self::names(members);
            let names = if inner.is_empty() { names } else { &inner };
            let mut blocks = facts(members);
            for (name, value) in members.iter().take(MEMBERS) {
                if let Value::Array(items) = value {
                    blocks.extend(self::items(name, items, names, limits));
                }
            }
            blocks
        }
        Value::Array(items) => self::items(name, items, names, limits),
        _ => Vec::new(),
    }
}

fn items(name: &str, items: &[Value], names: &[String], limits: Limits) -> Vec<Block> {
    let title = heading(name);
    if let Some(blocks) = matrix(&title, items, names, limits) {
        return blocks;
    }
    if items.iter().all(|item| item.is_string()) {
        let texts = items.iter().take(ROWS).map(value_text);
        return match items.len() {
            0 => Vec::new(),
            _ => vec![Block::text(shorten(
                &texts.collect::<Vec<_>>().join(", "),
                FULL,
            ))],
        };
    }
    let mut blocks = match list(&title, items) {
        None => return Vec::new(),
        Some(table) => match limits.line {
            Some(line) => table.split(line),
            None => vec![Block::Table(table)],
        },
    };
    if items.len() > ROWS {
        let all = count(items.len() as u64);
        blocks.push(Block::text(format!("The first {ROWS} of {all}.")));
    }
    blocks
}

/// The names of the columns of matrices.
fn names(members: &Map<String, Value>) -> Vec<String> {
    let columns = members.get("columns").and_then(Value::as_array);
    let names = columns.into_iter().flatten().map_while(Value::as_str);
    names.map(str::to_owned).collect()
}

fn facts(members: &Map<String, Value>) -> Vec<Block> {
    let plain = |value: &Value| !value.is_object() && !value.is_array();
    let tiles: Vec<_> = members
        .iter()
        .filter(|(_, value)| plain(value))
        .take(COLUMNS)
        .map(|(name, value)| Fact {
            cell: value.is_number().then(|| Cell::Value(value.clone())),
            ..Fact::new(&heading(name), shorten(&value_text(value), 60))
        })
        .collect();
    if tiles.is_empty() {
        return Vec::new();
    }
    vec![Block::Tiles { tiles }]
}

/// A list as a table: the members of objects and the items of lists are its columns. `None` for
/// an empty list.
fn list(title: &str, items: &[Value]) -> Option<Table> {
    let items = &items[..items.len().min(ROWS)];
    let mut names: Vec<String> = Vec::new();
    for item in items {
        let found: Vec<String> = match item {
            Value::Object(members) => members.keys().cloned().collect(),
            Value::Array(cells) => (1..=cells.len()).map(|i| i.to_string()).collect(),
            _ => vec!["value".to_owned()],
        };
        for name in found {
            if names.len() < COLUMNS && !names.contains(&name) {
                names.push(name);
            }
        }
    }
    if names.is_empty() {
        return None;
    }
    let pick = |item: &Value, i: usize| -> Value {
        match item {
            Value::Object(members) => members.get(&names[i]).cloned(),
            Value::Array(cells) => cells.get(i).cloned(),
            plain => (names[i] == "value").then(|| plain.clone()),
        }
        .unwrap_or_default()
    };
    let rows: Vec<Vec<Value>> = items
        .iter()
        .map(|item| (0..names.len()).map(|i| pick(item, i)).collect())
        .collect();
    let figures = |i: usize| {
        rows.iter()
            .all(|row| row[i].is_number() || row[i].is_null())
    };
    let columns = names
        .iter()
        .enumerate()
        .map(|(i, name)| TableColumn::new(&heading(name), figures(i)));
    let cells = rows.iter().map(|row| {
        let texts = row.iter().map(|value| Text::new(&value_text(value), 40));
        texts.collect()
    });
    Some(Table::new(columns.collect(), cells.collect(), title))
}

/// `p_value` as `P value`.
fn heading(name: &str) -> String {
    let spaced = shorten(&name.replace('_', " "), 60);
    let mut chars = spaced.chars();
    let first = chars.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(chars).collect()
}
