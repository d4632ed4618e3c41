//! A profile as a table for the terminal.

use comfy_table::{CellAlignment, ContentArrangement, Table, TableComponent, presets};
use lastcall_domain::profile::{Column, Profile};

/// The widest top value, in characters, before it is cut.
const WIDEST_VALUE: usize = 24;

/// The profile as text.
pub(super) fn of(profile: &Profile) -> String {
    let dataset = &profile.dataset;
    let mut text = format!(
        "{}: {} rows × {} columns, {} missing cells, {} duplicate rows\n\n",
        plain(&dataset.name),
        dataset.rows,
        dataset.columns,
        dataset.missing_cells,
        dataset.duplicate_rows
    );
    text.push_str(&columns(&profile.columns).to_string());
    for alert in &profile.alerts {
        let column = alert.column.as_deref().unwrap_or("(dataset)");
        text.push_str(&format!(
            "\n! {}: {}: {}",
            plain(column),
            alert.code.as_str(),
            plain(&alert.detail)
        ));
    }
    for warning in &profile.warnings {
        text.push_str(&format!("\n! {}: {}", warning.code, plain(&warning.detail)));
    }
    text
}

/// A table with a line under its header and no others.
pub(super) fn plain_table() -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::UTF8_HORIZONTAL_ONLY)
        .remove_style(TableComponent::HorizontalLines)
        .remove_style(TableComponent::MiddleIntersections)
        .remove_style(TableComponent::LeftBorderIntersections)
        .remove_style(TableComponent::RightBorderIntersections)
        .set_content_arrangement(ContentArrangement::Dynamic);
    table
}

fn columns(columns: &[Column]) -> Table {
    let mut table = plain_table();
    table.set_header([
        "column", "type", "count", "missing", "distinct", "mean", "std", "min", "median", "max",
        "top",
    ]);
    for column in columns {
        table.add_row(row(column));
    }
    for at in 2..10 {
        if let Some(column) = table.column_mut(at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn row(column: &Column) -> [String; 11] {
    let [mean, std, min, median, max] = figures(column);
    let top = column.top.first().map_or_else(String::new, |top| {
        let value = match &top.value {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        format!("{} ({})", cut(&plain(&value)), top.count)
    });
    let estimated = if column.distinct_estimated { "~" } else { "" };
    [
        plain(&column.name),
        column.kind.as_str().to_owned(),
        column.count.to_string(),
        column.missing.to_string(),
        format!("{estimated}{}", column.distinct),
        mean,
        std,
        min,
        median,
        max,
        top,
    ]
}

fn figures(column: &Column) -> [String; 5] {
    if let Some(numeric) = &column.numeric {
        let number = |n: Option<f64>| n.map(short).unwrap_or_default();
        return [
            number(numeric.mean),
            number(numeric.std),
            number(numeric.min.map(|n| n.as_f64())),
            number(numeric.quantiles.p50.map(|n| n.as_f64())),
            number(numeric.max.map(|n| n.as_f64())),
        ];
    }
    let (min, max) = column.temporal.as_ref().map_or((None, None), |temporal| {
        (temporal.min.clone(), temporal.max.clone())
    });
    let none = String::new;
    [
        none(),
        none(),
        min.unwrap_or_default(),
        none(),
        max.unwrap_or_default(),
    ]
}

/// Six significant digits, and no more zeros than needed.
pub(super) fn short(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    let magnitude = number.abs().log10().floor();
    if !(-5.0..15.0).contains(&magnitude) {
        return format!("{number:.5e}");
    }
    let decimals = (5.0 - magnitude).clamp(0.0, 10.0) as usize;
    let text = format!("{number:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// The text without what would steer the terminal: it comes from whoever made the data.
pub(super) fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

pub(super) fn cut(text: &str) -> String {
    if text.chars().count() <= WIDEST_VALUE {
        return text.to_owned();
    }
    text.chars().take(WIDEST_VALUE - 1).chain(['…']).collect()
}
