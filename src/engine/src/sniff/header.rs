//! Step three: the start of the table, and whether its first row is a header.
//!
//! Lines are only left out, and a first row is only taken as data, if the rows are unambiguous: the
//! lines above are narrower than all that follow, the first row has the types of the others.

use std::collections::HashSet;

use lastcall_domain::{Certainty, ReadOptions, ReadStep, ReadWarning};

use super::dialect::skip_lines;
use super::footer::may_be_total;
use crate::parse::{CellRules, Field, Kind, TypeSet};
use crate::read::csv::cells::Cells;
use crate::read::csv::dialect::Dialect;
use crate::read::records::{Splitter, is_blank};

/// How many records are inspected.
const RECORDS: usize = 1_000;
/// The most lines of titles.
const TITLES: usize = 100;

/// The result of the step.
pub(crate) struct Found {
    /// Lines left out before the first row.
    pub(crate) lines: u64,
    /// The first row names the columns.
    pub(crate) header: bool,
    /// Every row has one more cell than the header: the first is the name of the row.
    pub(crate) row_names: bool,
    /// How many cells most rows have.
    pub(crate) width: usize,
    /// The types of the first cells of complete rows.
    pub(crate) first: TypeSet,
    pub(crate) step: ReadStep,
    pub(crate) warnings: Vec<ReadWarning>,
}

/// A record of the sample.
struct Row {
    line: u64,
    cells: Vec<Vec<u8>>,
}

impl Row {
    /// The number of cells up to the last one that is not empty.
    fn filled(&self) -> usize {
        let last = self.cells.iter().rposition(|cell| !cell.is_empty());
        last.map_or(0, |last| last + 1)
    }

    fn is_full(&self) -> bool {
        self.cells.iter().all(|cell| !cell.is_empty())
    }
}

/// Detects the layout from the start of a text after `before` lines; `whole` if the text is
/// complete.
pub(crate) fn decide(
    text: &[u8],
    whole: bool,
    before: u64,
    dialect: &Dialect,
    rules: &CellRules,
    options: &ReadOptions,
) -> Found {
    let mut warnings = Vec::new();
    let start = before + options.skip_rows.unwrap_or(0);
    let rows = rows(skip_lines(text, start), whole, start, dialect);
    let width = usual_width(&rows);
    let titles = match options.skip_rows {
        None => titles(&rows, width, rules),
        Some(_) => 0,
    };
    let lines = match rows.get(titles) {
        Some(first) if titles > 0 => first.line - 1,
        _ => start,
    };
    if titles > 0 {
        warnings.push(ReadWarning {
            code: "skipped_lines".into(),
            line: Some(start + 1),
            count: lines - start,
            detail: format!(
                "{} above the table left out; `skip_rows={before}` reads them",
                if lines - start == 1 {
                    "1 line".to_owned()
                } else {
                    format!("{} lines", lines - start)
                }
            ),
        });
    }
    let table = &rows[titles.min(rows.len())..];
    let row_names = options.header != Some(false) && has_row_names(&cells_of(table), width, rules);
    if row_names {
        warnings.push(ReadWarning {
            code: "row_names".into(),
            line: table.first().map(|row| row.line),
            count: 1,
            detail: "every row has one cell more than the header: the first column has no name; \
                     `header=false` reads the header as a row"
                .into(),
        });
    }
    let (header, certainty) = match options.header {
        Some(given) => (given, Certainty::Given),
        None if row_names => (true, Certainty::Certain),
        None => has_header(table, width, rules),
    };
    if !header && options.header.is_none() {
        warnings.push(ReadWarning {
            code: "no_header".into(),
            line: table.first().map(|row| row.line),
            count: 1,
            detail: "the first row reads as the others do: it is data, and the columns are \
                     numbered; `header=true` makes it the header"
                .into(),
        });
    } else if header
        && certainty == Certainty::Assumed
        && options.header.is_none()
        && reads_as_data(table, width, rules)
    {
        warnings.push(ReadWarning {
            code: "doubtful_header".into(),
            line: table.first().map(|row| row.line),
            count: 1,
            detail: "the names of the columns read as data; `header=false` makes them a row".into(),
        });
    }
    let decision = match (header, row_names) {
        (true, true) => "the first row names the columns except the first",
        (true, false) => "the first row names the columns",
        (false, _) => "the first row is data",
    };
    let skipped = if lines > 0 {
        format!("{lines} lines are left out; ")
    } else {
        String::new()
    };
    Found {
        lines,
        header,
        row_names,
        width,
        first: first_cells(&table[usize::from(header).min(table.len())..], width, rules),
        step: ReadStep {
            step: "header".into(),
            decision: format!("{skipped}{decision}"),
            certainty,
        },
        warnings,
    }
}

/// The types of the first cells of rows of the usual width with more than one cell, without totals
/// at the end.
fn first_cells(rows: &[Row], width: usize, rules: &CellRules) -> TypeSet {
    let last = rows.iter().rposition(|row| !may_be_total(&row.cells));
    let rows = &rows[..last.map_or(rows.len(), |last| last + 1)];
    let whole = rows
        .iter()
        .filter(|row| row.cells.len() == width && row.filled() > 1);
    let cells = whole.filter_map(|row| row.cells.first());
    cells.fold(TypeSet::ALL, |kinds, cell| kinds.and(kinds_of(cell, rules)))
}

fn rows(text: &[u8], whole: bool, before: u64, dialect: &Dialect) -> Vec<Row> {
    let mut rows = Vec::new();
    let (mut start, mut line) = (0, before + 1);
    while rows.len() < RECORDS && start < text.len() {
        let end = match dialect.record_end(text, start) {
            Some(end) => end,
            // The end of the sample may cut the last record.
            None if whole || rows.is_empty() => text.len(),
            None => break,
        };
        let record = &text[start..end];
        if !is_blank(record, dialect.delimiter) && !dialect.comments(record, 0) {
            let cells = Cells::cut_record(record.strip_suffix(b"\n").unwrap_or(record), *dialect);
            rows.push(Row { line, cells });
        }
        line += memchr::memchr_iter(b'\n', record).count() as u64;
        start = end;
    }
    rows
}

/// The width that most rows have.
fn usual_width(rows: &[Row]) -> usize {
    let mut widths: Vec<usize> = rows.iter().map(|row| row.cells.len()).collect();
    widths.sort_unstable();
    let runs = widths.chunk_by(|a, b| a == b);
    let most = runs.max_by_key(|run| run.len());
    most.and_then(|run| run.first()).copied().unwrap_or(0)
}

/// How many rows at the start are titles: narrower than nearly all that follow, which begin with
/// the first row of the usual width.
fn titles(rows: &[Row], width: usize, rules: &CellRules) -> usize {
    if width < 2 {
        return 0;
    }
    let narrow = rows.iter().take(TITLES + 1);
    let short = narrow.take_while(|row| row.cells.len() < width).count();
    let table = &rows[short..];
    // Narrow rows at the end may be a footer.
    let last = table.iter().rposition(|row| row.cells.len() == width);
    let table = &table[..last.map_or(0, |last| last + 1)];
    let even = table.iter().filter(|row| row.cells.len() == width).count();
    if (1..=TITLES).contains(&short) && table.len() >= 2 && even * 10 >= table.len() * 9 {
        // A row with one cell less is the header of rows with names, unless the next one is the
        // header.
        let named =
            short == 1 && rows[0].cells.len() + 1 == width && !names_columns(table, width, rules);
        let title = rows[0].cells.len() == 1 && !has_row_names(&cells_of(rows), width, rules);
        return if named && !title { 0 } else { short };
    }
    // Spreadsheets pad titles to the width of the table, with one or two cells that are not empty
    // (`Generated,2024-01-01,`); a title that begins with a number sign may contain delimiters.
    let above = |row: &&Row| {
        let noted = row.cells.first().is_some_and(|cell| cell.starts_with(b"#"));
        noted || width > 2 && row.filled() <= 2
    };
    let wide = rows.iter().take(TITLES + 1).take_while(above).count();
    let table = &rows[wide..];
    let follows = wide > 0 && table.len() > 2 && names_columns(table, width, rules);
    if follows { wide } else { 0 }
}

/// Whether the first row certainly has names: all distinct, none of them empty or a number, and
/// below it a column that is not text.
fn names_columns(table: &[Row], width: usize, rules: &CellRules) -> bool {
    let Some((first, rest)) = table.split_first() else {
        return false;
    };
    let different: HashSet<&Vec<u8>> = first.cells.iter().collect();
    let words = first
        .cells
        .iter()
        .all(|cell| kinds_of(cell, rules).is_text());
    first.cells.len() == width
        && first.is_full()
        && different.len() == width
        && words
        && (0..width).any(|at| kind_of(rest, at, rules).is_some())
}

fn cells_of(rows: &[Row]) -> Vec<&[Vec<u8>]> {
    rows.iter().map(|row| row.cells.as_slice()).collect()
}

/// Whether every row has one more cell than the first, not just an empty one after a trailing
/// delimiter, and the first cells differ.
pub(super) fn has_row_names(table: &[&[Vec<u8>]], width: usize, rules: &CellRules) -> bool {
    let Some((first, rest)) = table.split_first() else {
        return false;
    };
    let longer = first.len() + 1;
    let all = rest.iter().all(|row| row.len() == longer);
    if rest.is_empty() || longer != width || !all || width < 2 {
        return false;
    }
    let last_is_empty = rest.iter().all(|row| row[width - 1].is_empty());
    let names: HashSet<&Vec<u8>> = rest.iter().map(|row| &row[0]).collect();
    let named = names.len() == rest.len() && rest.iter().all(|row| !row[0].is_empty());
    let words = first
        .iter()
        .all(|cell| !cell.is_empty() && kinds_of(cell, rules).is_text());
    // A single word above two text columns is a title.
    let plain = first.len() > 1 || kind_of_cells(rest.iter().map(|row| &row[1]), rules).is_some();
    !last_is_empty && named && words && plain
}

/// The types of a cell, considering only formats that programs write.
fn kinds_of(cell: &[u8], rules: &CellRules) -> TypeSet {
    if rules.is_missing(cell) {
        TypeSet::ALL
    } else {
        rules.classify(Field::from(cell))
    }
}

/// The kind of a column if it is not text, and the types that all its cells allow.
fn kind_of(rows: &[Row], column: usize, rules: &CellRules) -> Option<(Kind, TypeSet)> {
    kind_of_cells(rows.iter().filter_map(|row| row.cells.get(column)), rules)
}

fn kind_of_cells<'c>(
    cells: impl Iterator<Item = &'c Vec<u8>>,
    rules: &CellRules,
) -> Option<(Kind, TypeSet)> {
    let all = cells.fold(TypeSet::ALL, |kinds, cell| kinds.and(kinds_of(cell, rules)));
    let kind = all.resolve(&rules.hints()).kind;
    (kind != Kind::Text).then_some((kind, all))
}

/// Evidence for or against the first cell of a column being a name.
#[derive(Clone, Copy, PartialEq)]
enum Evidence {
    /// It is not a value of its column.
    Name,
    /// Any text may be a name.
    Neither,
    /// A number that may be a name as well: a year, a count.
    Number,
    /// It is not a plausible name.
    Value,
}

/// Whether the first row is a header, and how certain that is. It is data if it has the types of
/// the others in every column that is not text, and one of its cells is not a plausible name.
fn has_header(table: &[Row], width: usize, rules: &CellRules) -> (bool, Certainty) {
    let Some((first, rest)) = table.split_first() else {
        return (true, Certainty::Assumed);
    };
    if rest.len() < 2 || first.cells.len() != width {
        return (true, Certainty::Assumed);
    }
    let found: Vec<Evidence> = (0..width)
        .map(|at| evidence(first, rest, at, rules))
        .collect();
    let has = |kind| found.contains(&kind);
    if has(Evidence::Name) {
        return (true, Certainty::Certain);
    }
    if has(Evidence::Value) && !counts_up(first, rules) {
        return (false, Certainty::Certain);
    }
    (true, Certainty::Assumed)
}

/// Whether the numbers of a row increase in equal steps, like years or wavelengths in a header.
fn counts_up(row: &Row, rules: &CellRules) -> bool {
    let cells = row.cells.iter().map(|cell| Field::from(cell.as_slice()));
    let numbers: Vec<f64> = cells
        .filter_map(|cell| Some(rules.float(cell)?.0))
        .collect();
    let step = |pair: &[f64]| pair[1] - pair[0];
    let first = numbers.get(..2).map(step).unwrap_or_default();
    let even = |pair: &[f64]| (step(pair) - first).abs() <= first * 1e-6;
    numbers.len() > 2 && first > 0.0 && numbers.windows(2).all(even)
}

/// Whether the first row may be data: a cell is not a plausible name, or no column is text, and all
/// cells are like the others; a single row is compared with itself.
fn reads_as_data(table: &[Row], width: usize, rules: &CellRules) -> bool {
    let Some((first, rest)) = table.split_first() else {
        return false;
    };
    if width == 0 || first.cells.len() != width {
        return false;
    }
    let rest = if rest.is_empty() { table } else { rest };
    let found: Vec<Evidence> = (0..width)
        .map(|at| evidence(first, rest, at, rules))
        .collect();
    let has = |kind| found.contains(&kind);
    let value = has(Evidence::Value) && !counts_up(first, rules);
    !has(Evidence::Name) && (value || !has(Evidence::Neither))
}

fn integer(cell: &[u8]) -> Option<i64> {
    CellRules::plain_integer(cell.trim_ascii())
}

fn evidence(first: &Row, rest: &[Row], column: usize, rules: &CellRules) -> Evidence {
    let Some((kind, all)) = kind_of(rest, column, rules) else {
        return Evidence::Neither;
    };
    let cell = first.cells[column].as_slice();
    if rules.is_missing(cell) {
        return Evidence::Neither;
    }
    let with = all.and(rules.classify(Field::from(cell)));
    let same = with.resolve(&rules.hints()).kind;
    let numbers = kind.is_numeric() && same.is_numeric();
    if same == Kind::Text || !(numbers || same == kind || is_time(same) && is_time(kind)) {
        return Evidence::Name;
    }
    let Some(value) = integer(cell).filter(|_| kind.is_numeric()) else {
        return Evidence::Value;
    };
    let cells = rest.iter().filter_map(|row| row.cells.get(column));
    let column: Vec<i64> = cells.filter_map(|cell| integer(cell)).collect();
    let (Some(least), Some(most)) = (column.iter().min(), column.iter().max()) else {
        return Evidence::Number;
    };
    // Row numbers continue from the first; other values are within the range of the others.
    let goes_on = column.len() > 1 && column.iter().zip(value + 1..).all(|(n, next)| *n == next);
    let year = (1900..=2100).contains(&value);
    let among = (*least..=*most).contains(&value) && least < most;
    if value < 0 || goes_on || (among && !year) {
        Evidence::Value
    } else {
        Evidence::Number
    }
}

fn is_time(kind: Kind) -> bool {
    matches!(kind, Kind::Date(_) | Kind::Timestamp(_))
}
