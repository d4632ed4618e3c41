//! A comparison as a table for the terminal.

use comfy_table::Table;
use lastcall_domain::compare::{
    CategoryCount, ColumnChange, ColumnSide, ColumnStatus, Comparison, Drift, FigureChange,
};
use lastcall_domain::profile::Number;

use super::table::{Title, counted, cut, fitted, plain, short, short_to};

/// How many new and vanished values are named.
const NAMED: usize = 5;

/// The comparison as text.
pub(super) fn of(comparison: &Comparison) -> String {
    let (before, after) = (&comparison.baseline, &comparison.candidate);
    let verdict = &comparison.verdict;
    let mut text = format!(
        "{} and {}: {}\n{} ({:+}), {}, {} ({:+})\n\n",
        plain(&before.name),
        plain(&after.name),
        words(verdict.drift),
        counted(after.rows, "row"),
        verdict.rows_change,
        counted(after.columns, "column"),
        counted(after.missing_cells, "missing cell"),
        verdict.missing_cells_change,
    );
    text.push_str(&columns(&comparison.columns).to_string());
    for (names, what) in [
        (&verdict.removed, "removed"),
        (&verdict.added, "added"),
        (&verdict.retyped, "of another type"),
        (&verdict.major, "drifted far"),
        (&verdict.moderate, "drifted"),
        (&verdict.missing, "with another share of missing cells"),
    ] {
        if !names.is_empty() {
            text.push_str(&format!("\n! {what}: {}", plain(&names.join(", "))));
        }
    }
    for column in &comparison.columns {
        let Some(categories) = &column.categories else {
            continue;
        };
        for (values, count, what) in [
            (&categories.new, categories.new_count, "new"),
            (&categories.vanished, categories.vanished_count, "vanished"),
        ] {
            if !values.is_empty() {
                let listed = listed(values, count);
                text.push_str(&format!("\n! {}: {what}: {listed}", plain(&column.name)));
            }
        }
    }
    text
}

fn words(drift: Drift) -> &'static str {
    match drift {
        Drift::None => "no drift",
        Drift::Moderate => "moderate drift",
        Drift::Major => "major drift",
    }
}

fn listed(values: &[CategoryCount], count: Option<u64>) -> String {
    let shown = values.iter().take(NAMED);
    let shown: Vec<String> = shown
        .map(|value| {
            let count = value.baseline.max(value.candidate);
            format!("{} ({count})", cut(&plain(&value.value)))
        })
        .collect();
    let all = count.unwrap_or(values.len() as u64);
    let more = if all > shown.len() as u64 {
        ", …"
    } else {
        ""
    };
    format!("{}{more}", shown.join(", "))
}

const TITLES: [Title; 9] = [
    Title::text("column", 9),
    Title::text("type", 5),
    Title::text("change", 8),
    Title::text("missing", 6),
    Title::number("psi", 7),
    Title::number("js", 1),
    Title::number("ks p", 3),
    Title::number("χ² p", 2),
    Title::number("mean", 4),
];

fn columns(columns: &[ColumnChange]) -> Table {
    let rows: Vec<_> = columns.iter().map(row).collect();
    fitted(&TITLES, &rows)
}

fn row(column: &ColumnChange) -> [String; 9] {
    let number = |x: Option<f64>| x.map(short).unwrap_or_default();
    let share = |side: &Option<ColumnSide>| {
        let side = side.as_ref();
        side.map_or_else(
            || "–".to_owned(),
            |side| format!("{:.1} %", side.missing_share * 100.0),
        )
    };
    let about = if column.estimated { "~" } else { "" };
    [
        cut(&plain(&column.name)),
        types(column),
        change(column).to_owned(),
        format!("{} → {}", share(&column.baseline), share(&column.candidate)),
        format!("{about}{}", number(column.psi)),
        number(column.jensen_shannon),
        number(column.kolmogorov_smirnov.map(|test| test.p_value)),
        number(column.chi_squared.map(|test| test.p_value)),
        column.numbers.map_or_else(String::new, |numbers| {
            let mean = |x: Number| short_to(x.as_f64(), numbers.digits());
            let FigureChange {
                baseline,
                candidate,
                ..
            } = numbers.mean;
            format!("{} → {}", mean(baseline), mean(candidate))
        }),
    ]
}

fn types(column: &ColumnChange) -> String {
    match (column.baseline, column.candidate) {
        (Some(before), Some(after)) if before.kind != after.kind => {
            format!("{} → {}", before.kind.as_str(), after.kind.as_str())
        }
        (side, other) => {
            let side = other.or(side);
            side.map_or_else(String::new, |side| side.kind.as_str().to_owned())
        }
    }
}

fn change(column: &ColumnChange) -> &'static str {
    match (column.status, column.drift) {
        (ColumnStatus::Added, _) => "added",
        (ColumnStatus::Removed, _) => "removed",
        (ColumnStatus::Retyped, _) => "retyped",
        (ColumnStatus::Kept, Some(Drift::Major)) => "major drift",
        (ColumnStatus::Kept, Some(Drift::Moderate)) => "moderate drift",
        (ColumnStatus::Kept, _) => "",
    }
}
