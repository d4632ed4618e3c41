//! Changes of statistics and categories in a comparison.

use lastcall_domain::compare::{CategoryCount, Comparison, FigureChange};
use lastcall_domain::profile::Number;

use super::{Block, Table, TableColumn, Text};
use crate::limits::Limits;
use crate::number::{NONE, count, extreme, figure_of};
use crate::text::{shorten, width};

/// How many values are named in a cell.
const NAMED: usize = 8;

/// The widest list of values in a cell, in columns of text.
const LISTED_WIDTH: usize = 60;

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
        let digits = numbers.digits();
        let sides = figures.into_iter().flat_map(|one| sides(one, digits));
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

fn sides(change: FigureChange, digits: usize) -> [Text; 2] {
    [change.baseline, change.candidate].map(|n| {
        Text::plain(match n {
            Number::Float(x) => figure_of(x, digits),
            exact => extreme(exact),
        })
    })
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
    let all: Vec<String> = values
        .iter()
        .take(NAMED)
        .map(|value| {
            let times = value.baseline.max(value.candidate);
            // Isolated, so that text from right to left does not move the counts.
            let value = shorten(&value.value, 20);
            format!("\u{2068}{value}\u{2069} ({})", count(times))
        })
        .collect();
    let fits = |shown: &usize| width(&all[..*shown].join(", ")) <= LISTED_WIDTH;
    let shown = (1..=all.len()).rev().find(fits);
    // Without the mark, the first value would decide the direction of the list.
    let begin = if all.is_empty() { "" } else { "\u{200e}" };
    let listed = |shown: usize| {
        let more = if shown < values.len() { ", …" } else { "" };
        format!("{begin}{}{more}", all[..shown].join(", "))
    };
    let short = listed(shown.unwrap_or(all.len().min(1)));
    let full = listed(all.len());
    Text {
        full: if full == short { String::new() } else { full },
        short,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_values_ends_at_a_whole_one_and_isolates_each() {
        let category = |value: &str| CategoryCount {
            value: value.to_owned(),
            baseline: 0,
            candidate: 3,
        };
        let listed =
            |values: &[&str]| listed(&values.iter().map(|v| category(v)).collect::<Vec<_>>());
        let two = listed(&["שלום", "b"]);
        assert_eq!(
            two.short,
            "\u{200e}\u{2068}שלום\u{2069} (3), \u{2068}b\u{2069} (3)"
        );
        assert_eq!(two.full, "");
        let long = "x".repeat(19);
        let three = listed(&[long.as_str(); 3]);
        assert!(three.short.ends_with("x\u{2069} (3), …"), "{}", three.short);
        assert_eq!(three.short.matches("(3)").count(), 2);
        assert_eq!(three.full.matches("(3)").count(), 3);
        assert_eq!(listed(&[]).short, "");
    }
}
