//! The distributions of columns in a comparison.

use lastcall_domain::compare::{CategoryChanges, ColumnChange, Comparison};
use serde_json::Value;

use super::Block;
use super::values::edges_of_time;
use crate::chart::{Chart, Edges, Pair, overlay, paired};
use crate::text::shorten;

/// How many columns are drawn: those that drifted most.
const DRAWN: usize = 24;
/// How many categories of a column are drawn; the others are combined.
const CATEGORIES: usize = 8;

/// Charts of the columns that drifted most, in the order of the data.
pub(super) fn distributions(report: &Comparison) -> Vec<Block> {
    let mut order: Vec<usize> = (0..report.columns.len()).collect();
    let psi = |at: &usize| report.columns[*at].psi.unwrap_or(-1.0);
    order.sort_by(|a, b| psi(b).total_cmp(&psi(a)));
    order.truncate(DRAWN);
    order.sort_unstable();
    let drawn = order.into_iter().filter_map(|at| draw(&report.columns[at]));
    let charts: Vec<Chart> = drawn.collect();
    if charts.is_empty() {
        return Vec::new();
    }
    vec![Block::Charts { charts }]
}

fn draw(column: &ColumnChange) -> Option<Chart> {
    let name = shorten(&column.name, 60);
    if let Some(histogram) = &column.histogram {
        let numbers: Option<Vec<f64>> = histogram.edges.iter().map(Value::as_f64).collect();
        let times: Vec<String>;
        let edges = match &numbers {
            Some(numbers) => Edges::Numbers(numbers),
            None => {
                let texts = histogram.edges.iter().filter_map(Value::as_str);
                let texts: Vec<String> = texts.map(str::to_owned).collect();
                times = edges_of_time(&texts);
                Edges::Labels(&times)
            }
        };
        return overlay(&name, &edges, &histogram.baseline, &histogram.candidate);
    }
    let categories = column.categories.as_ref()?;
    let totals = [column.baseline?.count, column.candidate?.count];
    paired(&name, &pairs(categories), totals)
}

fn pairs(categories: &CategoryChanges) -> Vec<Pair> {
    let (shown, rest) = categories
        .values
        .split_at(categories.values.len().min(CATEGORIES));
    let mut pairs: Vec<Pair> = shown
        .iter()
        .map(|category| Pair {
            label: category.value.clone(),
            before: category.baseline,
            after: category.candidate,
        })
        .collect();
    let before = rest.iter().map(|category| category.baseline).sum::<u64>();
    let after = rest.iter().map(|category| category.candidate).sum::<u64>();
    let others = Pair {
        label: "all other values".to_owned(),
        before: before.saturating_add(categories.other_baseline),
        after: after.saturating_add(categories.other_candidate),
    };
    if others.before + others.after > 0 {
        pairs.push(others);
    }
    pairs
}
