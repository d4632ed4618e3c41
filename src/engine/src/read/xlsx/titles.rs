//! Titles above the table of a sheet, by the same rule as for padded titles in text files.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use crate::parse::CellRules;

/// The cells of a row by their columns.
pub(super) type Cells = BTreeMap<u32, Value>;

/// How many rows are inspected.
pub(super) const ROWS: usize = 64;
/// The most cells of a title, at its start: `Generated`, `2024-01-01`.
const CELLS: usize = 2;
/// The minimum number of rows below the header.
const MIN_ROWS: usize = 2;

/// Whether a first row may be a title.
pub(super) fn may_be_title(cells: &Cells) -> bool {
    cells.len() <= CELLS
}

/// How many rows at the start are titles: they have one or two cells at the start of the table or
/// left of it, and the row below them is certainly a header.
pub(super) fn titles(rows: &[Cells]) -> usize {
    let candidates = 1..rows.len().saturating_sub(MIN_ROWS);
    let above = |header: usize| {
        let names = &rows[header];
        let first = names.keys().next().copied().unwrap_or(0);
        let most = first.saturating_add(CELLS as u32);
        let mut above = rows[..header].iter();
        above.all(|title| {
            let narrow = title.len() <= CELLS && title.len() < names.len();
            narrow && title.keys().all(|&column| column < most)
        })
    };
    let mut candidates = candidates
        .take_while(|&header| may_be_title(&rows[header - 1]))
        .filter(|&header| above(header));
    candidates
        .find(|&header| names_columns(&rows[header..]))
        .unwrap_or(0)
}

/// Whether the first row is a header: a word above every column with a cell, all distinct, and at
/// least one column without words.
fn names_columns(table: &[Cells]) -> bool {
    let Some((names, rows)) = table.split_first() else {
        return false;
    };
    let words: HashSet<&str> = names.values().filter_map(word).collect();
    let ends = names.keys().next().zip(names.keys().next_back());
    let Some((first, last)) = ends else {
        return false;
    };
    let is_whole = (last - first) as usize + 1 == names.len();
    let within = |row: &Cells| row.keys().all(|column| names.contains_key(column));
    names.len() > 1
        && is_whole
        && words.len() == names.len()
        && rows.iter().all(within)
        && names.keys().any(|column| has_no_words(rows, *column))
}

/// A text that is not empty, a number or a date.
fn word(cell: &Value) -> Option<&str> {
    let text = cell.as_str().filter(|text| !text.trim().is_empty())?;
    let is_number = || text.trim().parse::<f64>().is_ok();
    (!is_date(text) && !is_number()).then_some(text)
}

fn is_date(text: &str) -> bool {
    CellRules::moment(text.as_bytes()).is_some()
}

/// Whether a column has values, and all of them are numbers, booleans or dates.
fn has_no_words(rows: &[Cells], column: u32) -> bool {
    let mut any = false;
    for cell in rows.iter().filter_map(|row| row.get(&column)) {
        match cell {
            Value::Null => {}
            Value::String(text) if !is_date(text) => return false,
            _ => any = true,
        }
    }
    any
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rows(rows: &[Value]) -> Vec<Cells> {
        let cells = |row: &Value| -> Cells {
            let cells = row.as_array().into_iter().flatten();
            let cells = (0..).zip(cells.cloned());
            cells.filter(|(_, cell)| !cell.is_null()).collect()
        };
        rows.iter().map(cells).collect()
    }

    #[test]
    fn titles_are_above_a_row_of_names_and_values() {
        let north = json!(["North", 10, 5]);
        let south = json!(["South", 20, 8]);
        let names = json!(["region", "sales", "costs"]);
        let table = [names.clone(), north.clone(), south];
        let below = |titles: &[Value]| titles_of(&[titles, &table].concat());
        assert_eq!(below(&[]), 0);
        assert_eq!(below(&[json!(["Report"])]), 1);
        assert_eq!(below(&[json!(["Report"]), json!(["at", "2024-01-01"])]), 2);
        assert_eq!(below(&[json!([2024])]), 1);
        // Above some columns, as in a header of two rows.
        assert_eq!(below(&[json!([null, null, "2024"])]), 0);
        // Too few rows, or no column of values.
        assert_eq!(titles_of(&[json!(["Report"]), names.clone(), north]), 0);
        let words = json!(["a", "b", "c"]);
        assert_eq!(
            titles_of(&[json!(["Report"]), names, words.clone(), words]),
            0
        );
        // A narrow table.
        let narrow = [json!(["Sales 2024"]), json!(["region", "sales"])];
        let values = [json!(["North", 10]), json!(["South", 20])];
        assert_eq!(titles_of(&[narrow, values].concat()), 1);
        let one = [json!(["n"]), json!([1]), json!([2]), json!([3])];
        assert_eq!(titles_of(&one), 0);
    }

    fn titles_of(sheet: &[Value]) -> usize {
        titles(&rows(sheet))
    }
}
