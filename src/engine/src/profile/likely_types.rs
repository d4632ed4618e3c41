//! Alerts about text columns that look like another type.

use lastcall_domain::profile::{Alert, AlertCode, Column};
use lastcall_domain::{Format, ReadOptions};

use super::shapes::LikelyTypes;
use crate::wording::counted;

/// The share of values from which on a text column is likely of another type.
const LIKELY: f64 = 0.9;

/// What is said where no option of the format makes the texts another type.
const TEXT_IN_FILE: &str = ", but are text in the file.";

/// The alerts of a text column.
pub(super) fn of_texts(column: &Column, likely: &LikelyTypes, format: Format) -> Vec<Alert> {
    let mut found = Vec::new();
    if column.text.is_none() {
        return found;
    }
    let mut raise = |code, value: f64, threshold: Option<f64>, detail: String| {
        found.push(Alert {
            column: None,
            code,
            value: Some(value),
            threshold,
            detail,
        });
    };
    let percent = |share: f64| format!("{:.1}%", 100.0 * share);
    let has = |option: &str| ReadOptions::of_format(format).contains(&option);
    if let Some((yes, no, share)) = &likely.boolean {
        let detail = format!(
            "{} of the values are “{yes}” or “{no}”, in any case.",
            percent(*share)
        );
        raise(AlertCode::LikelyBoolean, *share, Some(0.95), detail);
    } else if likely.dates >= LIKELY && likely.dates >= likely.numbers {
        let remedy = if has("date_order") {
            "; the read option `date_order`, or `missing` for those that do not, makes them such."
        } else {
            TEXT_IN_FILE
        };
        let share = percent(likely.dates);
        let detail = format!("{share} of the values read as dates or points in time{remedy}");
        raise(AlertCode::LikelyDate, likely.dates, Some(LIKELY), detail);
    } else if likely.numbers >= LIKELY {
        let remedy = if !has("decimal") {
            TEXT_IN_FILE
        } else if likely.mixed_units {
            ", but not all in the same unit: the column stays text."
        } else {
            "; the read options `decimal` and `thousands`, or `missing` for those that do not, \
             make them such."
        };
        let share = percent(likely.numbers);
        let detail = format!("{share} of the values read as numbers{remedy}");
        raise(
            AlertCode::LikelyNumber,
            likely.numbers,
            Some(LIKELY),
            detail,
        );
    }
    if let Some((first, other, groups)) = &likely.similar {
        let more = match groups {
            1 => String::new(),
            groups => format!(", and {} more", counted(groups - 1, "such group")),
        };
        let cut = |text: &str| text.chars().take(60).collect::<String>();
        let detail = format!(
            "“{}” and “{}” differ by case or blanks only{more}.",
            cut(first),
            cut(other)
        );
        raise(AlertCode::SimilarValues, *groups as f64, None, detail);
    }
    found
}
