//! The column summary of a profile, and the columns with missing cells.

use std::cmp::Reverse;

use lastcall_domain::profile::Profile;

use super::{Block, Table, TableColumn, Text, values};
use crate::chart::{Bar, bars};
use crate::limits::Limits;
use crate::number::{count, percent};

/// How many columns are in the chart of missing cells.
const BARS: usize = 20;

/// The summary, and a note if columns are left out.
pub(super) fn summary(profile: &Profile, limits: Limits, notes: &mut Vec<String>) -> Vec<Block> {
    if profile.columns.is_empty() {
        return vec![Block::text("The dataset has no columns.")];
    }
    let rows = profile.columns.iter().take(limits.summary).map(|column| {
        let [min, mean, max] = values::range(column);
        let top = column
            .top
            .first()
            // If every value is unique, none is frequent.
            .filter(|top| top.count > 1)
            .map(|top| Text::new(&values::top_value(column, top), 24));
        vec![
            Text::new(&column.name, 30),
            Text::plain(column.kind.as_str()),
            Text::plain(percent(column.missing, column.count + column.missing)),
            Text::plain(values::distinct(column)),
            Text::plain(min),
            Text::plain(mean),
            Text::plain(max),
            top.unwrap_or_else(|| Text::plain("")),
        ]
    });
    let columns = [
        ("Column", false),
        ("Type", false),
        ("Missing", true),
        ("Distinct", true),
        ("Min", true),
        ("Mean", true),
        ("Max", true),
        ("Most frequent", false),
    ];
    let columns = columns.map(|(title, figures)| TableColumn::new(title, figures));
    let mut table = Table::new(
        columns.into(),
        rows.collect(),
        "Every column with its main statistics",
    );
    table.links = (1..=profile.columns.len().min(limits.cards)).collect();
    let all = profile.columns.len();
    if all > limits.cards && limits.cards > 0 {
        notes.push(format!(
            "The dataset has {} columns; the first {} have a section of their own and the first \
             {} a row in the summary. The workbook has them all.",
            count(all as u64),
            count(limits.cards as u64),
            count(all.min(limits.summary) as u64),
        ));
    }
    vec![Block::Table(table)]
}

/// The columns with the most missing cells, as bars.
pub(super) fn missing(profile: &Profile) -> Option<Block> {
    let mut columns: Vec<_> = profile
        .columns
        .iter()
        .filter(|column| column.missing > 0)
        .collect();
    columns.sort_by_key(|column| Reverse(column.missing));
    let rows: Vec<_> = columns
        .iter()
        .take(BARS)
        .map(|column| {
            let all = column.count + column.missing;
            Bar {
                label: column.name.clone(),
                share: column.missing as f64 / all.max(1) as f64,
                figure: format!(
                    "{} ({})",
                    count(column.missing),
                    percent(column.missing, all)
                ),
            }
        })
        .collect();
    let alt = format!("Missing cells of the {} columns with the most", rows.len());
    let caption = if columns.len() > BARS {
        format!(
            "The {BARS} columns with the most missing cells, of {}",
            columns.len()
        )
    } else {
        "Missing cells by column".to_owned()
    };
    bars(&caption, ["Column", "Missing cells"], &alt, &rows).map(|chart| Block::Charts {
        charts: vec![chart],
    })
}
