//! The checks of a data contract as a table for the terminal.

use comfy_table::{CellAlignment, Table};
use lastcall_domain::check::{CheckReport, CheckResult, CheckStatus};

use super::table::{cut, plain, plain_table};

/// The report as text.
pub(super) fn of(report: &CheckReport) -> String {
    let totals = report.totals;
    let mut text = format!(
        "{}: {} rows, {} of {} checks passed",
        plain(&report.dataset),
        report.rows,
        totals.passed,
        totals.checks,
    );
    for (count, what) in [
        (totals.failed, "failed"),
        (totals.errors, "could not be made"),
    ] {
        if count > 0 {
            text.push_str(&format!(", {count} {what}"));
        }
    }
    text.push_str("\n\n");
    text.push_str(&checks(&report.checks).to_string());
    let wrong = report
        .checks
        .iter()
        .filter(|c| c.status != CheckStatus::Passed);
    for check in wrong {
        text.push_str(&failure(check));
    }
    for warning in &report.warnings {
        let place = match warning.path.as_str() {
            "" => String::new(),
            path => format!("{}: ", plain(path)),
        };
        text.push_str(&format!("\n! {place}{}", plain(&warning.detail)));
    }
    for warning in &report.read.warnings {
        text.push_str(&format!("\n! {}: {}", warning.code, plain(&warning.detail)));
    }
    text
}

fn checks(checks: &[CheckResult]) -> Table {
    let mut table = plain_table();
    table.set_header(["check", "columns", "expected", "result", "failing rows"]);
    for check in checks {
        table.add_row([
            plain(check.name.as_deref().unwrap_or(&check.check)),
            plain(&check.columns.join(", ")),
            plain(&check.expected),
            check.status.as_str().to_owned(),
            check
                .failed_rows
                .map_or_else(String::new, |n| n.to_string()),
        ]);
    }
    if let Some(column) = table.column_mut(4) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// A failed check, with the rows that it shows.
fn failure(check: &CheckResult) -> String {
    let about = match check.columns.is_empty() {
        true => plain(&check.check),
        false => format!("{} {}", plain(&check.columns.join(", ")), check.check),
    };
    let found = check.detail.as_deref().unwrap_or("does not hold");
    let code = check
        .error
        .as_ref()
        .map_or_else(String::new, |code| format!(" ({code})"));
    let mut text = format!("\n\n{about}: {}{code}", plain(found));
    for row in &check.examples {
        let number = row.row.map_or_else(String::new, |n| format!("row {n}: "));
        let values = row.values.iter().map(|(name, value)| {
            let value = match value {
                serde_json::Value::String(text) => text.clone(),
                serde_json::Value::Null => "missing".to_owned(),
                other => other.to_string(),
            };
            format!("{} = {}", plain(name), cut(&plain(&value)))
        });
        let values = values.collect::<Vec<_>>().join(", ");
        text.push_str(&format!("\n  {number}{values}"));
    }
    text
}
