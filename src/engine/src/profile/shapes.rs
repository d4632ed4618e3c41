//! Blanks, patterns and semantic types of texts, from the table of distinct texts, so that a
//! repeated text is inspected once.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;

use lastcall_domain::profile::{SemanticType, Text, TextPattern};
use serde::de::IgnoredAny;

use crate::parse::{CellRules, Field, TypeSet};
use crate::stats::text_counts::TextCounts;

/// How many distinct texts are inspected.
const MAX_INSPECTED: usize = 4_096;
/// How many patterns are named, and their maximum length.
const PATTERNS: usize = 5;
const MAX_PATTERN: usize = 40;
/// Longer texts have no pattern and no semantic type but JSON.
const MAX_LENGTH: usize = 2_048;
/// The share of values that counts as nearly all.
const NEARLY_ALL: f64 = 0.95;

/// Likely types of a text column, for alerts. Shares are of the values.
#[derive(Clone, Debug, Default)]
pub(crate) struct LikelyTypes {
    pub(crate) numbers: f64,
    /// Whether the numbers have different units, or some have none.
    pub(crate) mixed_units: bool,
    pub(crate) dates: f64,
    /// The two words of a boolean, and their share.
    pub(crate) boolean: Option<(String, String, f64)>,
    /// Two texts that differ by case or blanks only, and the number of such groups.
    pub(crate) similar: Option<(String, String, u64)>,
}

/// Pairs of words for yes and no, in lower case.
const PAIRS: [[&str; 2]; 12] = [
    ["yes", "no"],
    ["y", "n"],
    ["true", "false"],
    ["t", "f"],
    ["on", "off"],
    ["ja", "nein"],
    ["j", "n"],
    ["oui", "non"],
    ["si", "no"],
    ["sí", "no"],
    ["wahr", "falsch"],
    ["enabled", "disabled"],
];

/// Sums over the inspected texts, weighted by count.
#[derive(Default)]
struct Sums {
    total: u64,
    blank: u64,
    padded: u64,
    numbers: u64,
    /// What all numbers may be read as.
    common: Option<TypeSet>,
    dates: u64,
    semantic: [u64; SEMANTIC.len()],
    patterns: HashMap<String, u64>,
    /// The first text and another one for each text in lower case without surrounding blanks.
    folded: HashMap<String, (String, Option<String>, u64)>,
}

const SEMANTIC: [SemanticType; 5] = [
    SemanticType::Email,
    SemanticType::Url,
    SemanticType::Uuid,
    SemanticType::Ip,
    SemanticType::Json,
];

/// Adds patterns and semantic types to the statistics of a column with `count` values.
pub(super) fn describe(
    words: &TextCounts,
    count: u64,
    rules: &CellRules,
    text: &mut Text,
) -> LikelyTypes {
    let texts = words.some(MAX_INSPECTED);
    if texts.is_empty() {
        return LikelyTypes::default();
    }
    let sampled = !words.is_exact() || words.distinct_held() > MAX_INSPECTED;
    let mut sums = Sums::default();
    for (bytes, count) in &texts {
        sums.add(&String::from_utf8_lossy(bytes), *count, rules);
    }
    let scale = |part: u64| match sampled {
        true => (part as f64 / sums.total as f64 * count as f64).round() as u64,
        false => part,
    };
    text.values_sampled = sampled.then_some(texts.len() as u64);
    text.blank = scale(sums.blank);
    text.padded = scale(sums.padded);
    let share = |part: u64| part as f64 / sums.total as f64;
    let semantic = SEMANTIC.iter().zip(sums.semantic);
    text.semantic_type = semantic
        .filter(|(_, part)| share(*part) >= NEARLY_ALL)
        .map(|(found, _)| *found)
        .next();
    let mut patterns: Vec<(&String, &u64)> = sums.patterns.iter().collect();
    patterns.sort_unstable_by_key(|&(pattern, count)| (Reverse(*count), pattern));
    let patterns = patterns.into_iter().take(PATTERNS);
    text.patterns = patterns
        .map(|(pattern, count)| TextPattern {
            pattern: pattern.clone(),
            count: scale(*count),
        })
        .collect();
    LikelyTypes {
        numbers: share(sums.numbers),
        mixed_units: sums
            .common
            .is_some_and(|common| common.units().next().is_none()),
        dates: share(sums.dates),
        boolean: sums.boolean(),
        similar: sums.similar(),
    }
}

impl Sums {
    fn add(&mut self, text: &str, count: u64, rules: &CellRules) {
        self.total += count;
        let trimmed = text.trim();
        if trimmed.is_empty() {
            self.blank += if text.is_empty() { 0 } else { count };
            return;
        }
        if trimmed.len() < text.len() {
            self.padded += count;
        }
        if let Some(at) = semantic(trimmed) {
            self.semantic[at] += count;
        }
        if trimmed.len() > MAX_LENGTH {
            return;
        }
        *self.patterns.entry(pattern(trimmed)).or_insert(0) += count;
        let kinds = rules.classify(Field::from(trimmed.as_bytes()));
        // A plus begins a telephone number, and codes without a unit may contain blanks.
        let spaced = kinds.has(TypeSet::NO_UNIT) && trimmed.contains(char::is_whitespace);
        if kinds.is_number() && !spaced && !trimmed.starts_with('+') {
            self.numbers += count;
            let common = self.common.unwrap_or(TypeSet::ALL);
            self.common = Some(common.and(kinds));
        }
        self.dates += if kinds.is_date() { count } else { 0 };
        let folded = self.folded.entry(trimmed.to_lowercase());
        let (first, other, counted) = folded.or_insert_with(|| (text.to_owned(), None, 0));
        *counted += count;
        if first != text && other.is_none() {
            *other = Some(text.to_owned());
        }
    }

    fn boolean(&self) -> Option<(String, String, f64)> {
        let count = |word: &str| self.folded.get(word).map_or(0, |(.., count)| *count);
        let pairs = PAIRS.iter().filter_map(|[yes, no]| {
            let (with, without) = (count(yes), count(no));
            let share = (with + without) as f64 / self.total as f64;
            (with > 0 && without > 0).then(|| ((*yes).to_owned(), (*no).to_owned(), share))
        });
        let mut pairs: Vec<_> = pairs.collect();
        pairs.sort_by(|a, b| b.2.total_cmp(&a.2));
        pairs.into_iter().find(|(.., share)| *share >= NEARLY_ALL)
    }

    fn similar(&self) -> Option<(String, String, u64)> {
        let groups = self.folded.values();
        let mut groups: Vec<(u64, &String, &String)> = groups
            .filter_map(|(first, other, count)| Some((*count, first, other.as_ref()?)))
            .collect();
        groups.sort_unstable_by_key(|&(count, first, _)| (Reverse(count), first));
        let (_, first, other) = groups.first()?;
        Some(((*first).clone(), (*other).clone(), groups.len() as u64))
    }
}

/// The text with runs of letters as `A`, of digits as `9` and of blanks as one blank.
fn pattern(text: &str) -> String {
    let mut pattern = String::new();
    let mut last = None;
    for character in text.chars() {
        let sign = match character {
            _ if character.is_alphabetic() => 'A',
            _ if character.is_numeric() => '9',
            _ if character.is_whitespace() => ' ',
            other => other,
        };
        let run = matches!(sign, 'A' | '9' | ' ') && last == Some(sign);
        last = Some(sign);
        if run {
            continue;
        }
        if pattern.chars().count() == MAX_PATTERN {
            pattern.push('…');
            break;
        }
        pattern.push(sign);
    }
    pattern
}

/// The semantic type of a text, as an index into [`SEMANTIC`].
fn semantic(text: &str) -> Option<usize> {
    let found = match text.as_bytes() {
        [b'{' | b'[', ..] => {
            serde_json::from_str::<IgnoredAny>(text).ok()?;
            SemanticType::Json
        }
        _ if text.len() > MAX_LENGTH => return None,
        _ if is_url(text) => SemanticType::Url,
        _ if is_email(text) => SemanticType::Email,
        _ if is_uuid(text) => SemanticType::Uuid,
        _ if text.contains(['.', ':']) && text.parse::<IpAddr>().is_ok() => SemanticType::Ip,
        _ => return None,
    };
    SEMANTIC.iter().position(|other| *other == found)
}

fn is_url(text: &str) -> bool {
    let rest = ["http://", "https://", "ftp://"]
        .into_iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    rest.is_some_and(|rest| {
        !rest.is_empty() && !rest.starts_with('/') && !rest.contains(char::is_whitespace)
    })
}

fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.split_once('@') else {
        return false;
    };
    let odd = |c: char| c.is_whitespace() || matches!(c, '@' | ',' | ';' | '<' | '>' | '"');
    let labels = |host: &str| host.split('.').all(|label| !label.is_empty());
    !name.is_empty()
        && host.contains('.')
        && labels(host)
        && !name.contains(odd)
        && !host.contains(odd)
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_and_semantic_types_of_texts() {
        for (text, shape) in [
            ("AB-123", "A-9"),
            ("+49 30 1234", "+9 9 9"),
            ("Straße 12a", "A 9A"),
            ("(x) [y]", "(A) [A]"),
        ] {
            assert_eq!(pattern(text), shape);
        }
        assert!(pattern(&"a-".repeat(100)).chars().count() <= MAX_PATTERN + 1);
        for (text, found) in [
            ("ada@example.org", Some(SemanticType::Email)),
            ("ada@example", None),
            ("a@b@example.org", None),
            ("https://example.org/a?b=c", Some(SemanticType::Url)),
            ("https://", None),
            (
                "123e4567-e89b-12d3-a456-426614174000",
                Some(SemanticType::Uuid),
            ),
            ("192.168.0.1", Some(SemanticType::Ip)),
            ("2001:db8::1", Some(SemanticType::Ip)),
            ("1.2.3", None),
            ("{\"a\": [1]}", Some(SemanticType::Json)),
            ("{a}", None),
        ] {
            assert_eq!(semantic(text).map(|at| SEMANTIC[at]), found, "{text}");
        }
    }
}
