//! The alerts of a profile, grouped by code, the most important first.

use std::cmp::Reverse;
use std::collections::HashMap;

use lastcall_domain::profile::{Alert, AlertCode, Profile};

use super::{AlertGroup, AlertItem, AlertLine, Block, Text};
use crate::limits::Limits;
use crate::number;
use crate::text::shorten;

/// How many alerts of a kind are listed.
const ITEMS: usize = 50;
/// The levels, most important first.
const LEVELS: [&str; 3] = ["high", "medium", "low"];

/// The title of an alert, and its level.
pub(super) fn alert_title(code: AlertCode) -> (&'static str, &'static str) {
    match code {
        AlertCode::Constant => ("Constant", "medium"),
        AlertCode::Missing => ("Missing values", "high"),
        AlertCode::HighCardinality => ("High cardinality", "low"),
        AlertCode::Unique => ("Unique", "low"),
        AlertCode::Imbalanced => ("Imbalanced", "medium"),
        AlertCode::Skewed => ("Skewed", "low"),
        AlertCode::Zeros => ("Many zeros", "medium"),
        AlertCode::HighCorrelation => ("High correlation", "medium"),
        AlertCode::Duplicates => ("Duplicate rows", "high"),
        AlertCode::MixedTypes => ("Mixed types", "high"),
        AlertCode::Infinite => ("Infinite values", "high"),
        AlertCode::LikelyNumber => ("Likely numbers", "high"),
        AlertCode::LikelyDate => ("Likely dates", "high"),
        AlertCode::LikelyBoolean => ("Likely booleans", "medium"),
        AlertCode::SimilarValues => ("Similar values", "high"),
        AlertCode::KeyCandidate => ("Key candidate", "low"),
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

/// The weight of a level, so that columns can be sorted by their alerts.
pub(super) fn weight(level: &str) -> u64 {
    match rank(level) {
        0 => 100,
        1 => 10,
        _ => 1,
    }
}

fn rank(level: &str) -> usize {
    let place = LEVELS.iter().position(|known| *known == level);
    place.unwrap_or(LEVELS.len())
}

/// The alerts, grouped by kind.
pub(super) fn alerts(profile: &Profile, limits: Limits) -> Vec<Block> {
    if profile.alerts.is_empty() {
        return vec![Block::Text {
            text: "Nothing stands out in this dataset.".to_owned(),
        }];
    }
    let cards = profile.columns.iter().take(limits.cards);
    let cards: HashMap<&str, usize> = cards
        .zip(1..)
        .map(|(column, number)| (column.name.as_str(), number))
        .collect();
    let mut groups: Vec<(usize, AlertGroup)> = Vec::new();
    for alert in &profile.alerts {
        let (title, level) = alert_title(alert.code);
        let place = groups.iter().position(|(_, group)| group.title == title);
        let place = place.unwrap_or_else(|| {
            let group = AlertGroup {
                title,
                level,
                count: String::new(),
                items: Vec::new(),
                more: 0,
            };
            groups.push((0, group));
            groups.len() - 1
        });
        let (all, group) = &mut groups[place];
        *all += 1;
        if group.items.len() < ITEMS {
            group.items.push(item(alert, &cards));
        } else {
            group.more += 1;
        }
    }
    for (all, group) in &mut groups {
        if group.items.iter().any(|item| !item.column.short.is_empty()) {
            group.count = number::of(*all as u64, "column");
        }
    }
    groups.sort_by_key(|(all, group)| (rank(group.level), Reverse(*all)));
    vec![Block::AlertGroups {
        groups: groups.into_iter().map(|(_, group)| group).collect(),
    }]
}

fn item(alert: &Alert, cards: &HashMap<&str, usize>) -> AlertItem {
    let column = alert.column.as_deref().unwrap_or_default();
    AlertItem {
        column: Text::new(column, 40),
        link: cards.get(column).copied().unwrap_or(0),
        detail: shorten(&alert.detail, 300),
    }
}
