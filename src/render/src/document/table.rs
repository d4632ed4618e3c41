//! The document of a query's answer.

use chrono::{DateTime, Utc};
use lastcall_domain::SqlResult;
use serde_json::Value;

use super::{Block, Document, Fact, Section, Table, TableColumn, Text, column::value_text, frame};
use crate::number::count;

/// How much of a table a format can carry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TableLimits {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// Cells, by which tables of many columns get fewer rows.
    pub cells: usize,
    /// The width of a cell, in columns of text.
    pub width: usize,
}

/// Lays out the answer of a query, as much of it as the limits allow.
pub(crate) fn table(
    result: &SqlResult,
    title: Option<&str>,
    query: Option<&str>,
    created_at: DateTime<Utc>,
    limits: TableLimits,
) -> Document {
    let mut document = frame(title.unwrap_or("Query result"), "Query result", created_at);
    let columns = result.columns.len().min(limits.columns);
    let rows = result
        .rows
        .len()
        .min(limits.rows)
        .min(limits.cells / columns.max(1));
    document.subtitle = format!(
        "{} rows × {} columns",
        count(result.row_count),
        count(result.columns.len() as u64)
    );
    document.landscape = columns > 6;
    if let Some(query) = query {
        let text = bounded_query(query);
        document.sections.push(Section {
            id: "query",
            title: "Query".to_owned(),
            blocks: vec![Block::Code { text }],
        });
    }
    let body = Table {
        columns: result.columns[..columns]
            .iter()
            .enumerate()
            .map(|(i, column)| TableColumn {
                title: Text::new(&column.name, 40),
                note: crate::text::shorten(&column.kind.to_lowercase(), 24),
                figures: is_figures(&result.rows[..rows], i),
            })
            .collect(),
        rows: result.rows[..rows]
            .iter()
            .map(|row| {
                (0..columns)
                    .map(|i| cell(row.get(i), limits.width))
                    .collect()
            })
            .collect(),
        caption: "The rows of the answer".to_owned(),
        links: Vec::new(),
    };
    let blocks = if result.columns.is_empty() {
        vec![Block::Text {
            text: "The answer has no columns.".to_owned(),
        }]
    } else if result.rows.is_empty() {
        vec![
            Block::Table(body),
            Block::Text {
                text: "The answer has no rows.".to_owned(),
            },
        ]
    } else {
        vec![Block::Table(body)]
    };
    document.sections.push(Section {
        id: "result",
        title: "Result".to_owned(),
        blocks,
    });
    if result.truncated {
        document.notes.push(format!(
            "The query had more rows than the limit; the answer holds the first {}.",
            count(result.row_count)
        ));
    }
    if rows < result.rows.len() {
        document.notes.push(format!(
            "This report shows the first {} of {} rows; the workbook and the job's result have them all.",
            count(rows as u64),
            count(result.rows.len() as u64)
        ));
    }
    if columns < result.columns.len() {
        document.notes.push(format!(
            "This report shows the first {columns} of {} columns; the workbook and the job's result have them all.",
            count(result.columns.len() as u64)
        ));
    }
    document
}

fn cell(value: Option<&Value>, width: usize) -> Text {
    match value {
        None | Some(Value::Null) => Text {
            short: String::new(),
            full: String::new(),
        },
        Some(value) => Text::new(&value_text(value), width),
    }
}

/// Whether the column has numbers and nothing else but missing values.
fn is_figures(rows: &[Vec<Value>], i: usize) -> bool {
    let mut values = rows
        .iter()
        .filter_map(|row| row.get(i))
        .filter(|v| !v.is_null())
        .peekable();
    values.peek().is_some() && values.all(Value::is_number)
}

/// The query, line by line, so that its layout stays.
fn bounded_query(query: &str) -> String {
    let mut lines: Vec<_> = query
        .lines()
        .take(200)
        .map(|line| crate::text::shorten(line, 400))
        .collect();
    if query.lines().nth(200).is_some() {
        lines.push("…".to_owned());
    }
    lines.join("\n")
}

/// The facts of a JSON object, for documents without a layout of their own.
pub(super) fn fact(label: &str, value: &Value) -> Fact {
    Fact::new(
        &crate::text::shorten(label, 40),
        crate::text::shorten(&value_text(value), 60),
    )
}
