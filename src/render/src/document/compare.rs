//! The document of a comparison.

use chrono::{DateTime, Utc};
use lastcall_domain::compare::{ColumnChange, ColumnSide, ColumnStatus, Comparison, Drift};

use super::correlation::p_value;
use super::{
    AlertLine, Block, Document, Fact, Section, Table, TableColumn, Text, frame, provenance,
};
use super::{compare_charts, compare_values};
use crate::chart::{Bar, bars};
use crate::limits::Limits;
use crate::number::{NONE, count, fixed, of, percent};

/// How many changes are listed, and how many columns are in the chart.
const CHANGES: usize = 200;
const BARS: usize = 20;

/// Lays out a comparison.
pub(crate) fn compare(
    report: &Comparison,
    title: Option<&str>,
    created_at: DateTime<Utc>,
    limits: Limits,
) -> Document {
    let own = format!(
        "{} compared with {}",
        report.candidate.name, report.baseline.name
    );
    let mut document = frame(title.unwrap_or(&own), "Comparison", created_at);
    let mut section = |id: &str, title: &str, blocks: Vec<Block>| {
        if !blocks.is_empty() {
            let (id, title) = (id.to_owned(), title.to_owned());
            document.sections.push(Section { id, title, blocks });
        }
    };
    section(
        "overview",
        "Overview",
        vec![Block::Tiles {
            tiles: tiles(report),
        }],
    );
    section("changes", "What changed", changes(report));
    section("drift", "Drift", drift(report));
    section(
        "distributions",
        "Distributions",
        compare_charts::distributions(report),
    );
    section("columns", "Columns", columns(report, limits));
    section(
        "figures",
        "Figures",
        compare_values::figures(report, limits),
    );
    section(
        "values",
        "New and vanished values",
        compare_values::values(report, limits),
    );
    document.provenance = vec![
        provenance::dataset("Baseline", &report.baseline.name),
        provenance::dataset("Candidate", &report.candidate.name),
    ];
    document.notes = notes(report, limits);
    document
}

fn tiles(report: &Comparison) -> Vec<Fact> {
    let (before, after) = (&report.baseline, &report.candidate);
    let fact = |label, before: u64, after: u64| {
        let change = if before == after {
            "as before".to_owned()
        } else {
            format!("before: {}", count(before))
        };
        Fact::count(label, after).with(change)
    };
    let major = report
        .columns
        .iter()
        .filter(|c| c.drift == Some(Drift::Major))
        .count();
    let compared = report.columns.iter().filter(|c| c.psi.is_some()).count();
    let verdict = match report.verdict.drift {
        Drift::None => "no drift",
        Drift::Moderate => "moderate drift",
        Drift::Major => "major drift",
    };
    vec![
        Fact::new("Result", verdict),
        fact("Rows", before.rows, after.rows),
        fact("Columns", before.columns, after.columns),
        fact("Missing cells", before.missing_cells, after.missing_cells),
        Fact::count("Major drift", major as u64)
            .with(format!("of {} compared", of(compared as u64, "column"))),
    ]
}

fn changes(report: &Comparison) -> Vec<Block> {
    let mut lines: Vec<AlertLine> = report
        .columns
        .iter()
        .flat_map(|column| changes_of(column, report.thresholds.missing))
        .collect();
    if lines.is_empty() {
        return vec![Block::text(
            "No column was added, removed or retyped, and none drifted.",
        )];
    }
    let rank = |level| ["high", "medium", "low"].iter().position(|l| *l == level);
    lines.sort_by_key(|line| rank(line.level));
    lines.truncate(CHANGES);
    vec![Block::Alerts { alerts: lines }]
}

fn changes_of(column: &ColumnChange, missing_from: f64) -> Vec<AlertLine> {
    let line = |title, level, detail| AlertLine {
        column: Text::new(&column.name, 40),
        title,
        level,
        detail,
    };
    let kind = |side: &Option<ColumnSide>| side.map_or(NONE, |side| side.kind.as_str());
    let mut lines = Vec::new();
    match column.status {
        ColumnStatus::Kept => {}
        ColumnStatus::Retyped => {
            let detail = format!(
                "{} became {}.",
                kind(&column.baseline),
                kind(&column.candidate)
            );
            lines.push(line("Retyped", "high", detail));
        }
        ColumnStatus::Added => {
            lines.push(line(
                "Added",
                "low",
                format!("It has the type {}.", kind(&column.candidate)),
            ));
        }
        ColumnStatus::Removed => {
            lines.push(line(
                "Removed",
                "high",
                format!("It had the type {}.", kind(&column.baseline)),
            ));
        }
    }
    if let Some(psi) = column.psi {
        let detail = format!("The population stability index is {}.", fixed(psi, 3));
        match column.drift {
            Some(Drift::Major) => lines.push(line("Major drift", "high", detail)),
            Some(Drift::Moderate) => lines.push(line("Moderate drift", "medium", detail)),
            Some(Drift::None) | None => {}
        }
    }
    if let (Some(before), Some(after)) = (column.baseline, column.candidate)
        && (after.missing_share - before.missing_share).abs() >= missing_from.max(f64::EPSILON)
    {
        let detail = format!(
            "{} of the cells are missing, before {}.",
            missing(&after),
            missing(&before)
        );
        lines.push(line("Missing values", "medium", detail));
    }
    lines
}

fn missing(side: &ColumnSide) -> String {
    percent(side.missing, side.count.saturating_add(side.missing))
}

fn drift(report: &Comparison) -> Vec<Block> {
    let mut columns: Vec<(f64, &ColumnChange)> = report
        .columns
        .iter()
        .filter_map(|column| Some((column.psi?, column)))
        .collect();
    columns.sort_by(|a, b| b.0.total_cmp(&a.0));
    columns.truncate(BARS);
    let largest = columns.first().map_or(0.0, |(psi, _)| *psi);
    // Small indices make short bars: a full bar is at least a major drift.
    let full = largest.max(0.25);
    let rows: Vec<_> = columns
        .iter()
        .map(|(psi, column)| Bar {
            label: column.name.clone(),
            share: psi / full,
            figure: fixed(*psi, 3),
        })
        .collect();
    let alt = format!(
        "Population stability index of the {} columns that drifted most",
        rows.len()
    );
    bars("Population stability index", ["Column", "PSI"], &alt, &rows)
        .map(|chart| Block::Charts {
            charts: vec![chart],
        })
        .into_iter()
        .collect()
}

fn columns(report: &Comparison, limits: Limits) -> Vec<Block> {
    let columns = [
        ("Column", "", false),
        ("Type", "", false),
        ("Change", "", false),
        ("Missing", "before", true),
        ("Missing", "after", true),
        ("PSI", "", true),
        ("JS", "distance", true),
        ("KS", "statistic", true),
        ("KS", "p-value", true),
    ];
    let columns = columns.map(|(title, note, figures)| TableColumn {
        note: note.to_owned(),
        ..TableColumn::new(title, figures)
    });
    let none = || NONE.to_owned();
    let rows = report.columns.iter().take(limits.summary).map(|column| {
        let about = if column.estimated { "≈ " } else { "" };
        let figure = |x: Option<f64>| x.map_or_else(none, |x| format!("{about}{}", fixed(x, 3)));
        let side = |side: &Option<ColumnSide>| side.as_ref().map_or_else(none, missing);
        let ks = column.kolmogorov_smirnov;
        vec![
            Text::new(&column.name, 30),
            Text::plain(types(column)),
            Text::plain(status(column)),
            Text::plain(side(&column.baseline)),
            Text::plain(side(&column.candidate)),
            Text::plain(figure(column.psi)),
            Text::plain(figure(column.jensen_shannon)),
            Text::plain(figure(ks.map(|ks| ks.statistic))),
            Text::plain(ks.map_or_else(none, |ks| format!("{about}{}", p_value(ks.p_value)))),
        ]
    });
    vec![Block::Table(Table::new(
        columns.into(),
        rows.collect(),
        "Every column, before and after",
    ))]
}

fn types(column: &ColumnChange) -> String {
    match (column.baseline, column.candidate) {
        (Some(before), Some(after)) if before.kind != after.kind => {
            format!("{} → {}", before.kind.as_str(), after.kind.as_str())
        }
        (side, other) => other
            .or(side)
            .map_or(NONE, |side| side.kind.as_str())
            .to_owned(),
    }
}

/// The status of the column, in a word or two.
pub(crate) fn status(column: &ColumnChange) -> &'static str {
    match (column.status, column.drift) {
        (ColumnStatus::Added, _) => "added",
        (ColumnStatus::Removed, _) => "removed",
        (ColumnStatus::Retyped, _) => "retyped",
        (ColumnStatus::Kept, Some(Drift::Major)) => "major drift",
        (ColumnStatus::Kept, Some(Drift::Moderate)) => "moderate drift",
        (ColumnStatus::Kept, _) => "kept",
    }
}

fn notes(report: &Comparison, limits: Limits) -> Vec<String> {
    let mut notes = Vec::new();
    let estimated = report.columns.iter().filter(|column| column.estimated);
    let error = estimated
        .clone()
        .filter_map(|column| column.error)
        .fold(0.0, f64::max);
    if estimated.count() > 0 {
        notes.push(format!(
            "Figures marked ≈ are from a sketch; the statistic of Kolmogorov and Smirnov is off by at most {}.",
            crate::number::brief(error)
        ));
    }
    if report.columns.len() > limits.summary && limits.summary > 0 {
        notes.push(format!(
            "The table has the first {} columns; the workbook has them all.",
            count(limits.summary as u64)
        ));
    }
    notes.push(format!(
        "A population stability index (PSI) from {} on is read as a moderate drift, from {} on \
         as a major one. The Jensen–Shannon (JS) distance is to base 2, from 0 (alike) to 1 (nothing \
         in common). The statistic of Kolmogorov and Smirnov (KS) is the largest distance between the \
         two distribution functions.",
        report.thresholds.moderate, report.thresholds.major
    ));
    notes
}
