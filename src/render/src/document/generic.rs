//! The document of an analysis that has no layout of its own: any JSON, as facts and tables.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::{Block, Document, Fact, Section, Table, TableColumn, Text, frame, values::value_text};
use crate::number::count;
use crate::text::shorten;

const ROWS: usize = 500;
const COLUMNS: usize = 30;
const TABLES: usize = 50;

/// Lays out any JSON value: plain members as facts, lists of objects and matrices as tables, split
/// where they are wider than `line` columns of text.
pub(crate) fn generic(
    value: &Value,
    title: &str,
    kind: &str,
    created_at: DateTime<Utc>,
    line: Option<usize>,
) -> Document {
    let mut document = frame(title, kind, created_at);
    let empty = Map::new();
    let members = value.as_object().unwrap_or(&empty);
    let mut blocks = vec![];
    facts(members, &mut blocks);
    if !members.is_empty() || value.is_null() {
        push(&mut document, "overview", "Overview", blocks);
    } else {
        push(
            &mut document,
            "overview",
            "Overview",
            list(std::slice::from_ref(value), line),
        );
    }
    for (name, value) in members.iter().take(TABLES) {
        let mut blocks = Vec::new();
        match value {
            Value::Object(members) => {
                facts(members, &mut blocks);
                for nested in members.values().filter_map(Value::as_array) {
                    blocks.extend(list(nested, line));
                }
            }
            Value::Array(items) => {
                blocks.extend(list(items, line));
                if items.len() > ROWS {
                    let all = count(items.len() as u64);
                    blocks.push(Block::Text {
                        text: format!("The first {ROWS} of {all}."),
                    });
                }
            }
            _ => {}
        }
        push(&mut document, "part", &heading(name), blocks);
    }
    document
}

fn push(document: &mut Document, id: &'static str, title: &str, blocks: Vec<Block>) {
    if !blocks.is_empty() {
        document.sections.push(Section {
            id,
            title: title.to_owned(),
            blocks,
        });
    }
}

fn facts(members: &Map<String, Value>, blocks: &mut Vec<Block>) {
    let plain = |value: &Value| !value.is_object() && !value.is_array();
    let tiles: Vec<_> = members
        .iter()
        .filter(|(_, value)| plain(value))
        .take(COLUMNS)
        .map(|(name, value)| {
            Fact::new(
                &shorten(&heading(name), 40),
                shorten(&value_text(value), 60),
            )
        })
        .collect();
    if !tiles.is_empty() {
        blocks.push(Block::Tiles { tiles });
    }
}

/// A list as a table: the members of objects and the items of lists are its columns.
fn list(items: &[Value], line: Option<usize>) -> Vec<Block> {
    let mut names: Vec<String> = Vec::new();
    for item in items.iter().take(ROWS) {
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
        return Vec::new();
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
        .take(ROWS)
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
        row.iter()
            .map(|value| Text::new(&value_text(value), 40))
            .collect()
    });
    let table = Table::new(columns.collect(), cells.collect(), "");
    match line {
        Some(line) => table.split(line),
        None => vec![Block::Table(table)],
    }
}

/// `p_value` as `P value`.
fn heading(name: &str) -> String {
    let spaced = name.replace('_', " ");
    let mut chars = spaced.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + chars.as_str()
    })
}
