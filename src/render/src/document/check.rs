//! The document of a check.

use chrono::{DateTime, Utc};
use lastcall_domain::check::{CheckReport, CheckResult, CheckStatus, ContractFormat};
use serde_json::Value;

use super::{
    AlertLine, Block, Document, Fact, Section, Table, TableColumn, Text, frame, provenance,
};
use crate::limits::Limits;
use crate::number::{NONE, count};

/// How many failed checks are listed, and for how many failing rows are shown.
const LISTED: usize = 200;
const SHOWN: usize = 50;

/// Lays out the checks of a contract.
pub(crate) fn check(
    report: &CheckReport,
    title: Option<&str>,
    created_at: DateTime<Utc>,
    limits: Limits,
) -> Document {
    let mut document = frame(title.unwrap_or(&report.dataset), "Data checks", created_at);
    document.subtitle = match report.contract {
        ContractFormat::TableSchema => "By a Table Schema".to_owned(),
        ContractFormat::Odcs => "By an Open Data Contract Standard contract".to_owned(),
    };
    let mut section = |id: &str, title: &str, blocks: Vec<Block>| {
        if !blocks.is_empty() {
            let (id, title) = (id.to_owned(), title.to_owned());
            document.sections.push(Section { id, title, blocks });
        }
    };
    let tiles = tiles(report);
    section("overview", "Overview", vec![Block::Tiles { tiles }]);
    section("failures", "Failed checks", failures(report));
    section("checks", "Checks", vec![checks(report, limits)]);
    section("rows", "Failing rows", rows(report, limits));
    document.provenance = vec![provenance::dataset("Dataset", &report.dataset)];
    document
        .provenance
        .extend(provenance::reading(&report.read));
    document.notes = notes(report, limits);
    document
}

fn tiles(report: &CheckReport) -> Vec<Fact> {
    let totals = report.totals;
    let result = if report.passed { "passed" } else { "failed" };
    vec![
        Fact::new("Result", result),
        Fact::count("Checks", totals.checks),
        Fact::count("Passed", totals.passed),
        Fact::count("Failed", totals.failed),
        Fact::count("Errors", totals.errors),
        Fact::count("Rows", report.rows),
    ]
}

fn failures(report: &CheckReport) -> Vec<Block> {
    let failed = report
        .checks
        .iter()
        .filter(|c| c.status != CheckStatus::Passed);
    let lines: Vec<AlertLine> = failed.take(LISTED).map(line).collect();
    if lines.is_empty() {
        return vec![Block::text("Every check has passed.")];
    }
    vec![Block::Alerts { alerts: lines }]
}

fn line(check: &CheckResult) -> AlertLine {
    let (title, level) = match check.status {
        CheckStatus::Failed => ("Failed", "high"),
        CheckStatus::Error => ("Error", "medium"),
        CheckStatus::Passed => ("Passed", "low"),
    };
    let found = check.detail.as_deref().unwrap_or("failed");
    AlertLine {
        column: Text::new(&subject(check), 40),
        title,
        level,
        detail: crate::text::clean(&format!("{}: {found}", check.expected)).into_owned(),
    }
}

/// The subject of a check: its columns.
fn subject(check: &CheckResult) -> String {
    match (&check.name, check.columns.is_empty()) {
        (Some(name), _) => name.clone(),
        (None, false) => check.columns.join(", "),
        (None, true) => check.check.replace('_', " "),
    }
}

fn checks(report: &CheckReport, limits: Limits) -> Block {
    let columns = [
        ("Columns", false),
        ("Check", false),
        ("Expected", false),
        ("Result", false),
        ("Failing rows", true),
    ];
    let columns = columns.map(|(title, figures)| TableColumn::new(title, figures));
    let rows = report.checks.iter().take(limits.summary).map(|check| {
        let failed = check.failed_rows.map_or_else(|| NONE.to_owned(), count);
        vec![
            Text::new(&check.columns.join(", "), 30),
            Text::new(check.name.as_deref().unwrap_or(&check.check), 24),
            Text::new(&check.expected, 44),
            Text::plain(check.status.as_str()),
            Text::plain(failed),
        ]
    });
    Block::Table(Table::new(
        columns.into(),
        rows.collect(),
        "Every check and its result",
    ))
}

/// The failing rows of each check that has examples.
fn rows(report: &CheckReport, limits: Limits) -> Vec<Block> {
    let shown = report
        .checks
        .iter()
        .filter(|check| check.status != CheckStatus::Passed && !check.examples.is_empty());
    let mut blocks = Vec::new();
    for check in shown.take(SHOWN.min(limits.summary)) {
        let first = &check.examples[0];
        let names: Vec<&String> = first.values.keys().take(limits.columns.max(1)).collect();
        let mut columns = vec![TableColumn::new("Row", true)];
        columns.extend(names.iter().map(|name| TableColumn::new(name, false)));
        let rows = check.examples.iter().map(|row| {
            let number = row.row.map_or_else(|| NONE.to_owned(), count);
            let values = names.iter().map(|name| value(row.values.get(*name)));
            [Text::plain(number)].into_iter().chain(values).collect()
        });
        let caption = format!("{}: {}", subject(check), check.expected);
        let caption = Text::new(&caption, 120).short;
        let table = Table::new(columns, rows.collect(), &caption);
        match limits.line {
            Some(line) => blocks.extend(table.split(line)),
            None => blocks.push(Block::Table(table)),
        }
    }
    blocks
}

fn value(value: Option<&Value>) -> Text {
    match value {
        None | Some(Value::Null) => Text::plain("missing"),
        Some(Value::String(text)) => Text::new(text, 40),
        Some(other) => Text::new(&other.to_string(), 40),
    }
}

fn notes(report: &CheckReport, limits: Limits) -> Vec<String> {
    let warnings = report
        .warnings
        .iter()
        .map(|warning| match warning.path.as_str() {
            "" => warning.detail.clone(),
            path => format!("{path}: {}", warning.detail),
        });
    let mut notes: Vec<String> = warnings
        .map(|note| crate::text::clean(&note).into_owned())
        .collect();
    if report.checks.len() > limits.summary && limits.summary > 0 {
        notes.push(format!(
            "The table has the first {} checks; the workbook has them all.",
            count(limits.summary as u64)
        ));
    }
    notes.push("Rows are counted from 1, without the header.".to_owned());
    notes
}
