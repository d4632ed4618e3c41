//! Raises the alerts of a profile, by the thresholds of the request.

use lastcall_domain::Thresholds;
use lastcall_domain::profile::{
    Alert, AlertCode, Column, ColumnType, Correlations, DatasetSummary,
};

use super::likely_types;
use super::shapes::LikelyTypes;
use crate::wording::{count as written, counted, is, percent, value};

/// Counts of cells of a text column by type.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MixedTypeCounts {
    /// Cells that could be read as a number, a date or a boolean.
    pub(crate) typed: u64,
    /// Values of another type than text in the file.
    pub(crate) natives: u64,
    /// Cells of digits that are identifiers.
    pub(crate) identifiers: u64,
}

/// Up to so many values are few.
const FEW: u64 = 50;
/// How many correlated columns are named.
const NAMED: usize = 5;

/// All alerts: those of the dataset, then column by column.
pub(crate) fn alerts(
    dataset: &DatasetSummary,
    columns: &[Column],
    texts: &[(MixedTypeCounts, LikelyTypes)],
    correlations: &Correlations,
    thresholds: &Thresholds,
) -> Vec<Alert> {
    let mut alerts = Vec::new();
    if dataset.duplicate_rows > 0 {
        let about = about(dataset.duplicate_rows_estimated);
        let share = percent(dataset.duplicate_rows, dataset.rows);
        let repeats = match dataset.duplicate_rows {
            1 => "repeats",
            _ => "repeat",
        };
        alerts.push(Alert {
            column: None,
            code: AlertCode::Duplicates,
            value: Some(dataset.duplicate_rows as f64),
            threshold: None,
            detail: format!(
                "{about}{} ({share}) {repeats} an earlier row.",
                counted(dataset.duplicate_rows, "row")
            ),
        });
    }
    let key = columns.iter().position(|column| is_key(column, dataset));
    for (at, (column, (mixture, likely))) in columns.iter().zip(texts).enumerate() {
        let mut found = of_column(column, *mixture, dataset.rows, thresholds);
        found.extend(likely_types::of_texts(column, likely, dataset.format));
        if key == Some(at) {
            found.push(key_candidate(column));
        }
        let found = strongest(found, column, *mixture);
        alerts.extend(found.into_iter().map(|found| Alert {
            column: Some(column.name.clone()),
            ..found
        }));
        alerts.extend(correlated(
            &column.name,
            correlations,
            thresholds.high_correlation,
        ));
    }
    alerts
}

/// In fewer rows, values may be unique by chance.
const MIN_KEY_ROWS: u64 = 10;

/// Whether the values of a column identify the rows.
fn is_key(column: &Column, dataset: &DatasetSummary) -> bool {
    let names = matches!(column.kind, ColumnType::Integer | ColumnType::String);
    let unique = column.distinct == dataset.rows && !column.distinct_estimated;
    names && unique && column.missing == 0 && dataset.rows >= MIN_KEY_ROWS
}

fn key_candidate(column: &Column) -> Alert {
    Alert {
        column: None,
        code: AlertCode::KeyCandidate,
        value: Some(1.0),
        threshold: None,
        detail: format!(
            "Every one of {} has a value of its own: the first column that can be a key.",
            counted(column.count, "row")
        ),
    }
}

/// Drops alerts that another one implies.
fn strongest(found: Vec<Alert>, column: &Column, mixture: MixedTypeCounts) -> Vec<Alert> {
    use AlertCode::{
        Constant, HighCardinality, Imbalanced, LikelyBoolean, LikelyDate, LikelyNumber, MixedTypes,
        Unique, Zeros,
    };
    let has = |code: AlertCode| found.iter().any(|alert| alert.code == code);
    let zero = column.top.first().is_some_and(|top| top.value == 0);
    let likely = has(LikelyNumber) || has(LikelyDate) || has(LikelyBoolean);
    let dropped = [
        (Zeros, has(Constant)),
        (HighCardinality, has(Unique)),
        (Imbalanced, zero && has(Zeros)),
        // No other alert reports that the file has both texts and numbers.
        (MixedTypes, likely && mixture.natives == 0),
    ];
    let is_implied = |alert: &Alert| {
        let mut dropped = dropped.iter();
        dropped.any(|(code, implied)| *implied && *code == alert.code)
    };
    found
        .into_iter()
        .filter(|alert| !is_implied(alert))
        .collect()
}

fn of_column(
    column: &Column,
    mixture: MixedTypeCounts,
    rows: u64,
    thresholds: &Thresholds,
) -> Vec<Alert> {
    let mut found = Vec::new();
    let mut raise = |code, value: f64, threshold, detail| {
        found.push(Alert {
            column: None,
            code,
            value: Some(value),
            threshold,
            detail,
        });
    };
    let count = column.count;
    if column.missing > 0 && reaches(column.missing, rows, thresholds.missing) {
        let share = percent(column.missing, rows);
        raise(
            AlertCode::Missing,
            share_of(column.missing, rows),
            Some(thresholds.missing),
            format!(
                "{} ({share}) {} missing.",
                counted(column.missing, "cell"),
                is(column.missing)
            ),
        );
    }
    if count > 0 && column.distinct == 1 {
        raise(
            AlertCode::Constant,
            1.0,
            None,
            match column.top.first() {
                Some(top) => format!("Every value is {}.", value(&top.value)),
                None => "All values are the same.".into(),
            },
        );
    }
    let unique = column.distinct == count
        && !column.distinct_estimated
        && column.kind != ColumnType::Boolean;
    if count > 1 && unique {
        raise(
            AlertCode::Unique,
            column.distinct as f64,
            None,
            format!("All {} are different.", counted(count, "value")),
        );
    }
    if column.kind == ColumnType::String && column.distinct >= thresholds.high_cardinality {
        let about = about(column.distinct_estimated);
        let texts = counted(column.distinct, "different text");
        raise(
            AlertCode::HighCardinality,
            column.distinct as f64,
            Some(thresholds.high_cardinality as f64),
            format!("{about}{texts}."),
        );
    }
    if (2..=FEW).contains(&column.distinct)
        && let Some(top) = column.top.first()
        && reaches(top.count, count, thresholds.imbalanced)
    {
        let share = percent(top.count, count);
        raise(
            AlertCode::Imbalanced,
            share_of(top.count, count),
            Some(thresholds.imbalanced),
            format!("{share} of the values are {}.", value(&top.value)),
        );
    }
    if let Some(numeric) = &column.numeric {
        if let Some(skewness) = numeric.skewness.filter(|s| s.abs() >= thresholds.skewed) {
            raise(
                AlertCode::Skewed,
                skewness,
                Some(thresholds.skewed),
                format!("The skewness is {skewness:.2}."),
            );
        }
        if numeric.zeros > 0 && reaches(numeric.zeros, count, thresholds.zeros) {
            let share = percent(numeric.zeros, count);
            raise(
                AlertCode::Zeros,
                share_of(numeric.zeros, count),
                Some(thresholds.zeros),
                format!(
                    "{} ({share}) {} zero.",
                    counted(numeric.zeros, "value"),
                    is(numeric.zeros)
                ),
            );
        }
        if numeric.infinities > 0 {
            raise(
                AlertCode::Infinite,
                numeric.infinities as f64,
                None,
                format!(
                    "{} {} infinite.",
                    counted(numeric.infinities, "value"),
                    is(numeric.infinities)
                ),
            );
        }
    }
    let words = count.saturating_sub(mixture.typed + mixture.identifiers);
    let natives = mixture.natives;
    if natives > 0 && natives < count && reaches(natives, count, thresholds.mixed_types) {
        let share = percent(natives, count);
        raise(
            AlertCode::MixedTypes,
            share_of(natives, count),
            Some(thresholds.mixed_types),
            format!(
                "{} of {} values ({share}) {} not strings in the file; with {} among them the column is \
                 text, and those that read alike count as one value.",
                written(natives),
                written(count),
                is(natives),
                counted(count - natives, "text")
            ),
        );
    } else if words > 0
        && mixture.typed > 0
        && reaches(mixture.typed, count, thresholds.mixed_types)
    {
        let share = percent(mixture.typed, count);
        raise(
            AlertCode::MixedTypes,
            share_of(mixture.typed, count),
            Some(thresholds.mixed_types),
            format!(
                "{} of {} values ({share}) read as numbers, dates or booleans; with {} among \
                 them the column is text.",
                written(mixture.typed),
                written(count),
                counted(words, "other")
            ),
        );
    }
    found
}

/// The highly correlated columns further to the right.
fn correlated(name: &str, correlations: &Correlations, threshold: f64) -> Option<Alert> {
    let i = correlations
        .columns
        .iter()
        .position(|column| column == name)?;
    let mut partners = Vec::new();
    let mut strongest: f64 = 0.0;
    for (j, other) in correlations.columns.iter().enumerate().skip(i + 1) {
        let at = |matrix: &[Vec<Option<f64>>]| matrix[i][j].filter(|r| r.abs() >= threshold);
        if let Some(r) = at(&correlations.pearson) {
            strongest = stronger(strongest, r);
            partners.push(format!("{other} (Pearson {r:.3})"));
        } else if let Some(rho) = at(&correlations.spearman) {
            strongest = stronger(strongest, rho);
            partners.push(format!("{other} (Spearman {rho:.3})"));
        }
    }
    if partners.is_empty() {
        return None;
    }
    let more = partners.len().saturating_sub(NAMED);
    partners.truncate(NAMED);
    let tail = if more > 0 {
        format!(" and {}", counted(more as u64, "other column"))
    } else {
        String::new()
    };
    Some(Alert {
        column: Some(name.to_owned()),
        code: AlertCode::HighCorrelation,
        value: Some(strongest),
        threshold: Some(threshold),
        detail: format!("Highly correlated with {}{tail}.", partners.join(", ")),
    })
}

/// The coefficient with the larger magnitude.
fn stronger(a: f64, b: f64) -> f64 {
    if b.abs() > a.abs() { b } else { a }
}

fn share_of(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

fn reaches(part: u64, whole: u64, threshold: f64) -> bool {
    whole > 0 && share_of(part, whole) >= threshold
}

/// The prefix of an estimate.
fn about(estimated: bool) -> &'static str {
    if estimated { "About " } else { "" }
}
