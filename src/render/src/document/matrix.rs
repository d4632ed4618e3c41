//! A square matrix over named columns.

use serde_json::Value;

use super::{Block, Table, TableColumn, Text};
use crate::chart::{Scale, heatmap};
use crate::limits::Limits;
use crate::number::{NONE, brief, fixed};

/// Up to so many columns, the coefficients are in a table too.
const TABLE: usize = 12;

/// The blocks of a matrix; `None` if the value is not a matrix over these names.
pub(super) fn matrix(
    title: &str,
    items: &[Value],
    names: &[String],
    limits: Limits,
) -> Option<Vec<Block>> {
    if items.len() < 2 || items.len() != names.len() {
        return None;
    }
    let rows: Vec<Vec<Option<f64>>> = items
        .iter()
        .map(|row| {
            let cells = row.as_array().filter(|cells| cells.len() == names.len())?;
            let figures = cells.iter().map(|cell| match cell {
                Value::Null => Some(None),
                cell => cell.as_f64().map(Some),
            });
            figures.collect()
        })
        .collect::<Option<_>>()?;
    let mut blocks = Vec::new();
    let bounded = rows
        .iter()
        .flatten()
        .flatten()
        .all(|x| (-1.0..=1.0).contains(x));
    // A p-value has the same range, but is not a coefficient.
    if bounded && !title.to_ascii_lowercase().starts_with('p') || title.starts_with("Pearson") {
        let shown = names.len().min(limits.heatmap);
        blocks.extend(heatmap(title, &names[..shown], &rows, Scale::Signed).map(Block::Chart));
    }
    if blocks.is_empty() || names.len() <= TABLE {
        blocks.extend(table(title, names, &rows, bounded, limits));
    }
    Some(blocks)
}

fn table(
    title: &str,
    names: &[String],
    rows: &[Vec<Option<f64>>],
    bounded: bool,
    limits: Limits,
) -> Vec<Block> {
    let mut columns = vec![TableColumn::new("", false)];
    columns.extend(names.iter().map(|name| TableColumn::new(name, true)));
    let cell = |x: &Option<f64>| match x {
        None => NONE.to_owned(),
        // Three decimals would show a small p-value as 0.
        Some(x) if bounded && (*x == 0.0 || x.abs() >= 0.001) => fixed(*x, 3),
        Some(x) => brief(*x),
    };
    let rows = names.iter().zip(rows).map(|(name, row)| {
        let mut cells = vec![Text::new(name, 30)];
        cells.extend(row.iter().map(|x| Text::plain(cell(x))));
        cells
    });
    let table = Table::new(columns, rows.collect(), title);
    match limits.line {
        Some(line) => table.split(line),
        None => vec![Block::Table(table)],
    }
}
