//! Changes of statistics and categories in a comparison.

use lastcall_domain::compare::{CategoryCount, Comparison, FigureChange};

use super::{Block, Table, TableColumn, Text};
use crate::limits::Limits;
use crate::number::{NONE, count, figure};
use crate::text::shorten;

/// How many values are named in a cell.
const NAMED: usize = 8;

/// Mean, median, minimum and maximum of numbers, before and after.
pub(super) fn figures(report: &Comparison, limits: Limits) -> Vec<Block> {
    let titles = ["Mean", "Median", "Min", "Max"];
    let mut columns = vec![TableColumn::new("Column", false)];
    for title in titles {
        for note in ["before", "after"] {
            columns.push(TableColumn {
                note: note.to_owned(),
                ..TableColumn::new(title, true)
            });
        }
    }
    let rows = report.columns.iter().filter_map(|column| {
        let numbers = column.numbers.as_ref()?;
        let figures = [numbers.mean, numbers.median, numbers.min, numbers.max];
        let sides = figures.into_iter().flat_map(sides);
        let name = Text::new(&column.name, 30);
        Some([name].into_iter().chain(sides).collect::<Vec<_>>())
    });
    let rows: Vec<_> = rows.take(limits.summary).collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let table = Table::new(columns, rows, "Numbers before and after");
    vec![Block::Table(table)]
}

fn sides(change: FigureChange) -> [Text; 2] {
    [change.baseline, change.candidate].map(|x| Text::plain(figure(x.as_f64())))
}

/// New and vanished values.
pub(super) fn values(report: &Comparison, limits: Limits) -> Vec<Block> {
    let columns = [
        ("Column", false),
        ("New", false),
        ("Number", true),
        ("Vanished", false),
        ("Number", true),
    ];
    let columns = columns.map(|(title, figures)| TableColumn::new(title, figures));
    let rows = report.columns.iter().filter_map(|column| {
        let categories = column.categories.as_ref()?;
        if categories.new.is_empty() && categories.vanished.is_empty() {
            return None;
        }
        let number = |n: Option<u64>| Text::plain(n.map_or_else(|| NONE.to_owned(), count));
        Some(vec![
            Text::new(&column.name, 30),
            listed(&categories.new),
            number(categories.new_count),
            listed(&categories.vanished),
            number(categories.vanished_count),
        ])
    });
    let rows: Vec<_> = rows.take(limits.summary).collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let table = Table::new(columns.into(), rows, "Values that only one side has");
    vec![Block::Table(table)]
}

fn listed(values: &[CategoryCount]) -> Text {
    let shown = values.iter().take(NAMED).map(|value| {
        let times = value.baseline.max(value.candidate);
        format!("{} ({})", shorten(&value.value, 20), count(times))
    });
    let more = if values.len() > NAMED { ", …" } else { "" };
    let listed = shown.collect::<Vec<_>>().join(", ");
    Text::new(&format!("{listed}{more}"), 60)
}
