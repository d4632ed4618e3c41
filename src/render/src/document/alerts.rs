//! The alerts of a profile, those that matter most first.

use lastcall_domain::profile::{Alert, AlertCode};

use super::{AlertLine, Block, Text};
use crate::number::count;
use crate::text::shorten;

/// Alerts that are listed.
const ALERTS: usize = 200;

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

/// One alert as a line.
pub(super) fn line(alert: &Alert) -> AlertLine {
    let (title, level) = alert_title(alert.code);
    AlertLine {
        column: Text::new(alert.column.as_deref().unwrap_or("dataset"), 40),
        title,
        level,
        detail: shorten(&alert.detail, 300),
    }
}

/// The list, and a note where some are left out.
pub(super) fn alerts(alerts: &[Alert], notes: &mut Vec<String>) -> Vec<Block> {
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
