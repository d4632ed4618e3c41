//! The correlations of a profile: heat maps, and the strongest pairs.

use lastcall_domain::profile::Profile;

use super::{Block, Table, TableColumn, Text};
use crate::chart::{SMALL, Scale, heatmap};
use crate::limits::Limits;
use crate::number::{count, fixed, optional};

/// How many pairs are listed.
const PAIRS: usize = 20;

/// The blocks, and a note if columns are left out.
pub(super) fn correlations(
    profile: &Profile,
    limits: Limits,
    notes: &mut Vec<String>,
) -> Vec<Block> {
    let all = &profile.correlations;
    let names = &all.columns[..all.columns.len().min(limits.heatmap)];
    let maps: Vec<_> = [
        ("Pearson's r", &all.pearson),
        ("Spearman's ρ", &all.spearman),
    ]
    .into_iter()
    .filter_map(|(name, matrix)| heatmap(name, names, matrix, Scale::Signed))
    .collect();
    let mut blocks = match maps.len() {
        0 => Vec::new(),
        _ if names.len() <= SMALL => vec![Block::Charts { charts: maps }],
        _ => maps.into_iter().map(Block::Chart).collect(),
    };
    if all.columns.len() > limits.heatmap && limits.heatmap > 0 {
        notes.push(format!(
            "The heat maps show the first {} of {} numeric columns.",
            limits.heatmap,
            count(all.columns.len() as u64)
        ));
    }
    let strongest = strongest(&all.columns, &all.pearson, &all.spearman);
    if !blocks.is_empty() && !strongest.rows.is_empty() {
        blocks.push(Block::Table(strongest));
    }
    blocks
}

fn strongest(
    names: &[String],
    pearson: &[Vec<Option<f64>>],
    spearman: &[Vec<Option<f64>>],
) -> Table {
    let at = |matrix: &[Vec<Option<f64>>], i: usize, j: usize| -> Option<f64> {
        *matrix.get(i)?.get(j)?
    };
    let mut pairs: Vec<Pair> = Vec::new();
    for i in 0..names.len() {
        for j in i + 1..names.len() {
            let (r, rho) = (at(pearson, i, j), at(spearman, i, j));
            let strength = r.unwrap_or(0.0).abs().max(rho.unwrap_or(0.0).abs());
            if strength > 0.0 {
                pairs.push((strength, i, j, r, rho));
                // 2,000 columns have two million pairs.
                if pairs.len() > 10_000 {
                    strongest_first(&mut pairs);
                    pairs.truncate(PAIRS);
                }
            }
        }
    }
    strongest_first(&mut pairs);
    pairs.truncate(PAIRS);
    let shown = |r: Option<f64>| Text::plain(r.map_or_else(|| optional(None), |r| fixed(r, 3)));
    let rows = pairs.into_iter().map(|(_, i, j, r, rho)| {
        vec![
            Text::new(&names[i], 40),
            Text::new(&names[j], 40),
            shown(r),
            shown(rho),
        ]
    });
    let columns = [
        ("Column", false),
        ("Other column", false),
        ("Pearson's r", true),
        ("Spearman's ρ", true),
    ];
    let columns = columns.map(|(title, figures)| TableColumn::new(title, figures));
    Table::new(columns.into(), rows.collect(), "The strongest correlations")
}

/// Strength, the two columns, Pearson's r, Spearman's ρ.
type Pair = (f64, usize, usize, Option<f64>, Option<f64>);

fn strongest_first(pairs: &mut [Pair]) {
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
}
