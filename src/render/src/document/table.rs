//! The document of a query result.

use chrono::{DateTime, Utc};
use lastcall_domain::SqlResult;
use serde_json::Value;

use super::{Block, Document, Section, Table, TableColumn, Text, frame, values::value_text};
use crate::limits::Limits;
use crate::number::{count, of};
use crate::plot::Plot;
use crate::text::shorten;

/// How many lines of a query are shown, and the width of each in columns of text.
const QUERY: (usize, usize) = (200, 400);

/// Lays out a query result, its chart first, within the limits. Only the first rows need to be
/// present; `row_count` is the number of all rows.
pub(crate) fn table(
    result: &SqlResult,
    title: Option<&str>,
    query: Option<&str>,
    plot: Option<&Plot>,
    created_at: DateTime<Utc>,
    limits: Limits,
) -> Document {
    let title = title.or(plot.map(|plot| plot.title.as_str()));
    let mut document = frame(title.unwrap_or("Query result"), "SQL query", created_at);
    document.subtitle = format!(
        "{} × {}",
        of(result.row_count, "row"),
        of(result.columns.len() as u64, "column")
    );
    document.sections.extend(plot.map(chart));
    if let Some(query) = query {
        document.sections.push(Section {
            id: "query".to_owned(),
            title: "Query".to_owned(),
            blocks: vec![Block::Code {
                text: bounded(query),
            }],
        });
    }
    let body = body(result, limits);
    let shown = (body.rows.len(), body.columns.len());
    let line = limits.line.filter(|line| body.line() > *line);
    document.landscape = line.is_some();
    let mut blocks = match (shown.1, line) {
        (0, _) => vec![Block::text("The result has no columns.")],
        (_, Some(line)) => body.split(line * 3 / 2),
        (_, None) => vec![Block::Table(body)],
    };
    if result.rows.is_empty() && !result.columns.is_empty() {
        blocks.push(Block::text("The result has no rows."));
    }
    document.sections.push(Section {
        id: "result".to_owned(),
        title: "Result".to_owned(),
        blocks,
    });
    document.notes = notes(result, shown);
    document
}

/// The chart, and notes on what it leaves out.
fn chart(plot: &Plot) -> Section {
    let mut blocks = Vec::new();
    let mut notes = plot.notes.clone();
    match crate::chart::plot(plot) {
        None => blocks.push(Block::text(format!(
            "{}: there is no value to draw.",
            plot.title
        ))),
        Some((chart, note)) => {
            blocks.push(Block::Chart(chart));
            notes.extend(note);
        }
    }
    blocks.extend(notes.into_iter().map(Block::text));
    Section {
        id: "chart".to_owned(),
        title: "Chart".to_owned(),
        blocks,
    }
}

fn body(result: &SqlResult, limits: Limits) -> Table {
    let columns = result.columns.len().min(limits.columns);
    let rows = result.rows.len().min(limits.rows_of(result.columns.len()));
    let rows = &result.rows[..rows];
    let head = result.columns[..columns]
        .iter()
        .enumerate()
        .map(|(i, column)| {
            let mut head = TableColumn::new(&column.name, is_figures(rows, i));
            let kind = column.kind.to_lowercase();
            head.is_time = kind.starts_with("date") || kind.starts_with("time");
            head.note = shorten(&kind, 24);
            head
        });
    let cells = rows.iter().map(|row| {
        (0..columns)
            .map(|i| cell(row.get(i), limits.width))
            .collect()
    });
    Table::new(head.collect(), cells.collect(), "")
}

fn notes(result: &SqlResult, (rows, columns): (usize, usize)) -> Vec<String> {
    let mut notes = Vec::new();
    if result.truncated {
        notes.push(format!(
            "The query had more rows than the limit; the result has the first {}.",
            count(result.row_count)
        ));
    }
    for (shown, all, what) in [
        (rows, result.row_count, "rows"),
        (columns, result.columns.len() as u64, "columns"),
    ] {
        if (shown as u64) < all {
            notes.push(format!(
                "This report shows the first {} of {} {what}; the workbook and the result of \
                 the analysis have them all.",
                count(shown as u64),
                count(all)
            ));
        }
    }
    notes
}

fn cell(value: Option<&Value>, width: usize) -> Text {
    match value {
        None | Some(Value::Null) => Text::plain(""),
        Some(value) => Text::new(&value_text(value), width),
    }
}

/// Whether the column has only numbers and missing values.
fn is_figures(rows: &[Vec<Value>], i: usize) -> bool {
    let mut values = rows
        .iter()
        .filter_map(|row| row.get(i))
        .filter(|value| !value.is_null())
        .peekable();
    values.peek().is_some() && values.all(Value::is_number)
}

/// The query, cut line by line to keep its layout.
fn bounded(query: &str) -> String {
    let (lines, width) = QUERY;
    let mut kept: Vec<_> = query
        .lines()
        .take(lines)
        .map(|line| shorten(line, width))
        .collect();
    if query.lines().nth(lines).is_some() {
        kept.push("…".to_owned());
    }
    kept.join("\n")
}
