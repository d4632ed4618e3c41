//! The verdict for the whole dataset.

use lastcall_domain::compare::{ColumnChange, ColumnStatus, Drift, DriftThresholds, Side, Verdict};

pub(super) fn verdict(
    before: &Side,
    after: &Side,
    columns: &[ColumnChange],
    thresholds: &DriftThresholds,
) -> Verdict {
    let named = |wanted: &dyn Fn(&ColumnChange) -> bool| -> Vec<String> {
        let columns = columns.iter().filter(|column| wanted(column));
        columns.map(|column| column.name.clone()).collect()
    };
    let status = |status| named(&|column| column.status == status);
    let drift = |drift| named(&|column| column.drift == Some(drift));
    let mut verdict = Verdict {
        drift: Drift::None,
        rows_change: change(before.rows, after.rows),
        missing_cells_change: change(before.missing_cells, after.missing_cells),
        added: status(ColumnStatus::Added),
        removed: status(ColumnStatus::Removed),
        retyped: status(ColumnStatus::Retyped),
        moderate: drift(Drift::Moderate),
        major: drift(Drift::Major),
        missing: named(&|column| {
            let change = column.missing_change.unwrap_or(0.0).abs();
            change > 0.0 && change >= thresholds.missing
        }),
    };
    let any = |lists: [&Vec<String>; 3]| lists.iter().any(|list| !list.is_empty());
    if any([&verdict.removed, &verdict.retyped, &verdict.major]) {
        verdict.drift = Drift::Major;
    } else if any([&verdict.added, &verdict.moderate, &verdict.missing]) {
        verdict.drift = Drift::Moderate;
    }
    verdict
}

fn change(before: u64, after: u64) -> i64 {
    let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    signed(after) - signed(before)
}
