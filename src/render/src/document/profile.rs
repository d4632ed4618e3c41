//! The document of a profile.

use chrono::{DateTime, Utc};
use lastcall_domain::Cancel;
use lastcall_domain::profile::{Alert, AlertCode, ColumnType, Profile};

use super::{AlertLine, Block, Document, Fact, Section, Table, TableColumn, Text, column, frame};
use crate::chart::{Bar, bars, heatmap};
use crate::error::RenderError;
use crate::number::{bytes, count, fixed, optional, percent};
use crate::text::clean;

/// Columns with a section and charts of their own; those beyond have a row in the summary only.
pub(super) const CARDS: usize = 100;
/// Columns with a row in the summary.
pub(super) const SUMMARY_ROWS: usize = 2_000;
/// Alerts and warnings that are listed.
pub(super) const ALERTS: usize = 200;
/// Columns of a heat map.
pub(super) const HEATMAP: usize = 30;
/// Rows of the lists of columns with missing cells and of correlated pairs.
const LIST: usize = 20;

/// Lays out a profile.
///
/// # Errors
/// [`RenderError::Cancelled`].
pub(crate) fn profile(
    profile: &Profile,
    title: Option<&str>,
    created_at: DateTime<Utc>,
    cancel: &Cancel,
) -> Result<Document, RenderError> {
    let data = &profile.dataset;
    let mut document = frame(title.unwrap_or(&data.name), "Data profile", created_at);
    document.subtitle = format!(
        "{} rows × {} columns, {} of {}",
        count(data.rows),
        count(data.columns),
        bytes(data.bytes),
        data.format.as_str().to_uppercase()
    );
    let notes = &mut document.notes;
    let sections = &mut document.sections;
    let mut section = |id, title: &str, blocks: Vec<Block>| {
        if !blocks.is_empty() {
            sections.push(Section {
                id,
                title: title.to_owned(),
                blocks,
            });
        }
    };

    section(
        "overview",
        "Overview",
        vec![Block::Tiles {
            tiles: tiles(profile),
        }],
    );
    section("alerts", "Alerts", alerts(&profile.alerts, notes));
    section("summary", "Columns at a glance", summary(profile, notes));
    section(
        "missing",
        "Missing values",
        missing(profile).into_iter().collect(),
    );
    let mut cards = Vec::new();
    for (i, column) in profile.columns.iter().enumerate().take(CARDS) {
        if cancel.is_cancelled() {
            return Err(RenderError::Cancelled);
        }
        let tags = profile
            .alerts
            .iter()
            .filter(|a| a.column.as_deref() == Some(&column.name));
        cards.push(Block::Card(column::card(
            column,
            i + 1,
            data.rows,
            tags.map(line).collect(),
        )));
    }
    section("columns", "Columns", cards);
    section("correlations", "Correlations", correlations(profile, notes));
    section("warnings", "Notes of the reader", warnings(profile));
    if profile.columns.len() > CARDS {
        notes.push(format!(
            "The dataset has {} columns; the first {CARDS} have a section of their own.",
            count(profile.columns.len() as u64)
        ));
    }
    notes.extend(estimates(profile));
    notes.push(
        "Standard deviation and variance are those of a sample (n − 1); skewness and excess \
         kurtosis are bias-corrected; quantiles are interpolated linearly."
            .to_owned(),
    );
    Ok(document)
}

fn tiles(profile: &Profile) -> Vec<Fact> {
    let data = &profile.dataset;
    let cells = data.rows.saturating_mul(data.columns);
    let about = if data.duplicate_rows_estimated {
        "≈ "
    } else {
        ""
    };
    vec![
        Fact::new("Rows", count(data.rows)),
        Fact::new("Columns", count(data.columns)).with(kinds(profile)),
        Fact::new("Missing cells", count(data.missing_cells))
            .with(percent(data.missing_cells, cells)),
        Fact::new(
            "Duplicate rows",
            format!("{about}{}", count(data.duplicate_rows)),
        )
        .with(percent(data.duplicate_rows, data.rows)),
        Fact::new("Size", bytes(data.bytes)).with(data.format.as_str().to_uppercase()),
    ]
}

/// `4 numeric, 3 text`.
fn kinds(profile: &Profile) -> String {
    let mut parts = Vec::new();
    for (name, is) in [
        ("numeric", ColumnType::is_numeric as fn(ColumnType) -> bool),
        ("text", |kind| kind == ColumnType::String),
        ("date", |kind| {
            matches!(kind, ColumnType::Date | ColumnType::Timestamp)
        }),
        ("boolean", |kind| kind == ColumnType::Boolean),
    ] {
        let n = profile
            .columns
            .iter()
            .filter(|column| is(column.kind))
            .count();
        if n > 0 {
            parts.push(format!("{n} {name}"));
        }
    }
    parts.join(", ")
}

/// The name of an alert for people, and how much it matters.
pub(super) fn alert_title(code: AlertCode) -> (&'static str, &'static str) {
    match code {
        AlertCode::Constant => ("Constant", "medium"),
        AlertCode::Missing => ("Missing values", "high"),
        AlertCode::HighCardinality => ("High cardinality", "low"),
        AlertCode::Unique => ("All different", "low"),
        AlertCode::Imbalanced => ("Imbalanced", "medium"),
        AlertCode::Skewed => ("Skewed", "low"),
        AlertCode::Zeros => ("Many zeros", "medium"),
        AlertCode::HighCorrelation => ("High correlation", "medium"),
        AlertCode::Duplicates => ("Duplicate rows", "high"),
        AlertCode::MixedTypes => ("Mixed types", "high"),
        AlertCode::Infinite => ("Infinite values", "high"),
    }
}

fn line(alert: &Alert) -> AlertLine {
    let (title, level) = alert_title(alert.code);
    AlertLine {
        column: Text::new(alert.column.as_deref().unwrap_or("dataset"), 40),
        title,
        level,
        detail: crate::text::shorten(&alert.detail, 300),
    }
}

fn alerts(alerts: &[Alert], notes: &mut Vec<String>) -> Vec<Block> {
    if alerts.is_empty() {
        return vec![Block::Text {
            text: "Nothing stands out in this dataset.".to_owned(),
        }];
    }
    let mut lines: Vec<_> = alerts.iter().map(line).collect();
    let rank = |level| ["high", "medium", "low"].iter().position(|l| *l == level);
    lines.sort_by_key(|line| rank(line.level));
    if lines.len() > ALERTS {
        notes.push(format!(
            "Of {} alerts the {ALERTS} that matter most are listed.",
            count(lines.len() as u64)
        ));
        lines.truncate(ALERTS);
    }
    vec![Block::Alerts { alerts: lines }]
}

fn summary(profile: &Profile, notes: &mut Vec<String>) -> Vec<Block> {
    if profile.columns.is_empty() {
        return vec![Block::Text {
            text: "The dataset has no columns.".to_owned(),
        }];
    }
    let mut table = Table {
        columns: [
            ("Column", false),
            ("Type", false),
            ("Missing", true),
            ("Distinct", true),
            ("Least", true),
            ("Mean", true),
            ("Most", true),
            ("Most frequent", false),
        ]
        .map(|(title, figures)| TableColumn::new(title, figures))
        .into(),
        rows: Vec::new(),
        caption: "Every column with its main figures".to_owned(),
        links: (1..=profile.columns.len().min(CARDS)).collect(),
    };
    for column in profile.columns.iter().take(SUMMARY_ROWS) {
        let [least, mean, most] = column::range(column);
        let cell = |text: String| Text {
            short: text,
            full: String::new(),
        };
        table.rows.push(vec![
            Text::new(&column.name, 30),
            cell(column.kind.as_str().to_owned()),
            cell(percent(column.missing, column.count + column.missing)),
            cell(column::distinct(column)),
            cell(least),
            cell(mean),
            cell(most),
            column.top.first().map_or_else(
                || cell(String::new()),
                |top| Text::new(&column::value_text(&top.value), 24),
            ),
        ]);
    }
    if profile.columns.len() > SUMMARY_ROWS {
        notes.push(format!(
            "The summary has the first {} columns.",
            count(SUMMARY_ROWS as u64)
        ));
    }
    vec![Block::Table(table)]
}

fn missing(profile: &Profile) -> Option<Block> {
    let mut columns: Vec<_> = profile
        .columns
        .iter()
        .filter(|column| column.missing > 0)
        .collect();
    columns.sort_by_key(|column| std::cmp::Reverse(column.missing));
    let rows: Vec<_> = columns
        .iter()
        .take(LIST)
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
    let alt = format!("Missing cells of the {} columns that have most", rows.len());
    let caption = if columns.len() > LIST {
        format!(
            "The {LIST} columns with most missing cells, of {}",
            columns.len()
        )
    } else {
        "Missing cells by column".to_owned()
    };
    bars(&caption, &alt, &rows).map(|chart| Block::Charts {
        charts: vec![chart],
    })
}

fn correlations(profile: &Profile, notes: &mut Vec<String>) -> Vec<Block> {
    let all = &profile.correlations;
    let mut blocks = Vec::new();
    for (name, matrix) in [
        ("Pearson's r", &all.pearson),
        ("Spearman's ρ", &all.spearman),
    ] {
        let names = &all.columns[..all.columns.len().min(HEATMAP)];
        blocks.extend(heatmap(name, names, matrix).map(Block::Chart));
    }
    if all.columns.len() > HEATMAP {
        notes.push(format!(
            "The heat maps show the first {HEATMAP} of {} numeric columns.",
            all.columns.len()
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
    let mut pairs = Vec::new();
    for i in 0..names.len() {
        for j in i + 1..names.len() {
            let (r, rho) = (at(pearson, i, j), at(spearman, i, j));
            let strength = r.unwrap_or(0.0).abs().max(rho.unwrap_or(0.0).abs());
            if strength > 0.0 {
                pairs.push((strength, i, j, r, rho));
            }
        }
    }
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let cell = |text: String| Text {
        short: text,
        full: String::new(),
    };
    let shown = |r: Option<f64>| cell(r.map_or_else(|| optional(None), |r| fixed(r, 3)));
    Table {
        columns: [
            ("Column", false),
            ("Other column", false),
            ("Pearson's r", true),
            ("Spearman's ρ", true),
        ]
        .map(|(title, figures)| TableColumn::new(title, figures))
        .into(),
        rows: pairs
            .into_iter()
            .take(LIST)
            .map(|(_, i, j, r, rho)| {
                vec![
                    Text::new(&names[i], 40),
                    Text::new(&names[j], 40),
                    shown(r),
                    shown(rho),
                ]
            })
            .collect(),
        caption: "The strongest correlations".to_owned(),
        links: Vec::new(),
    }
}

fn warnings(profile: &Profile) -> Vec<Block> {
    profile
        .warnings
        .iter()
        .take(ALERTS)
        .map(|warning| Block::Text {
            text: crate::text::shorten(&clean(&warning.detail), 500),
        })
        .collect()
}

/// What is estimated, and how well.
fn estimates(profile: &Profile) -> Vec<String> {
    let mut notes = Vec::new();
    let worst =
        |errors: &mut dyn Iterator<Item = Option<f64>>| errors.flatten().fold(0.0, f64::max);
    let columns = &profile.columns;
    if columns.iter().any(|c| c.distinct_estimated) {
        let error = worst(&mut columns.iter().map(|c| c.distinct_error));
        notes.push(format!(
            "Distinct counts marked ≈ are estimates from a sketch, within {} at two standard deviations.",
            share(error)
        ));
    }
    if columns.iter().any(|c| c.top_estimated) {
        let error = columns
            .iter()
            .filter_map(|c| c.top_error)
            .max()
            .unwrap_or(0);
        notes.push(format!(
            "Counts of top values marked ≈ may be off by up to {} rows.",
            count(error)
        ));
    }
    let quantiles = || {
        columns
            .iter()
            .filter_map(|c| c.numeric.as_ref())
            .map(|n| n.quantiles)
    };
    if quantiles().any(|q| q.estimated) {
        let error = worst(&mut quantiles().map(|q| q.rank_error));
        notes.push(format!(
            "Quantiles marked ≈ are estimates from a sketch, whose rank is within {} of the count with 99% confidence.",
            share(error)
        ));
    }
    if profile.dataset.duplicate_rows_estimated {
        let error = profile.dataset.duplicate_rows_error.unwrap_or(0.0);
        notes.push(format!(
            "The number of duplicate rows is an estimate, within {} of the rows.",
            share(error)
        ));
    }
    let all = &profile.correlations;
    if all.spearman_estimated {
        let sample = all
            .spearman_sample
            .map_or_else(String::new, |n| format!(" of {} rows", count(n)));
        notes.push(format!("Spearman's ρ was estimated from a sample{sample}."));
    }
    if all.columns_left_out > 0 {
        notes.push(format!(
            "{} numeric columns beyond the limit are not in the correlations.",
            count(all.columns_left_out)
        ));
    }
    notes
}

fn share(error: f64) -> String {
    format!(
        "±{}%",
        crate::number::figure((error * 10_000.0).round() / 100.0)
    )
}
