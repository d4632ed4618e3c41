//! Labels that callers set on their jobs, to find them again.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The most labels of a job.
pub const MAX_LABELS: usize = 16;
/// The longest name of a label, in characters.
pub const MAX_LABEL_NAME: usize = 63;
/// The longest value of a label, in characters.
pub const MAX_LABEL_VALUE: usize = 255;

/// Up to [`MAX_LABELS`] names with a value each. A name has letters and digits of ASCII, and `-`,
/// `_`, `.` and `/` behind the first; a value has no control characters, and may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(try_from = "BTreeMap<String, String>")]
pub struct Labels(BTreeMap<String, String>);

/// The labels are invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidLabels(String);

/// A filter for the labels of jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelFilter {
    /// The name of the label.
    pub name: String,
    /// Its value; `None` for any.
    pub value: Option<String>,
}

impl Labels {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them matches the filter.
    pub fn matches(&self, filter: &LabelFilter) -> bool {
        let found = self.0.get(&filter.name);
        found.is_some_and(|found| filter.value.as_ref().is_none_or(|value| value == found))
    }
}

impl TryFrom<BTreeMap<String, String>> for Labels {
    type Error = InvalidLabels;

    fn try_from(labels: BTreeMap<String, String>) -> Result<Self, InvalidLabels> {
        let count = labels.len();
        if count > MAX_LABELS {
            let detail = format!("{count} labels, and there may be {MAX_LABELS}");
            return Err(InvalidLabels(detail));
        }
        for (name, value) in &labels {
            check_name(name)?;
            if value.chars().count() > MAX_LABEL_VALUE || value.chars().any(char::is_control) {
                return Err(InvalidLabels(format!(
                    "the value of the label {name} has more than {MAX_LABEL_VALUE} characters, \
                     or control characters"
                )));
            }
        }
        Ok(Self(labels))
    }
}

impl FromStr for LabelFilter {
    type Err = InvalidLabels;

    /// Reads `name`, or `name:value`.
    fn from_str(text: &str) -> Result<Self, InvalidLabels> {
        let (name, value) = match text.split_once(':') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text, None),
        };
        check_name(name)?;
        Ok(Self {
            name: name.to_owned(),
            value,
        })
    }
}

fn check_name(name: &str) -> Result<(), InvalidLabels> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
    let begins = name
        .bytes()
        .next()
        .is_some_and(|first| first.is_ascii_alphanumeric());
    if begins && name.len() <= MAX_LABEL_NAME && name.bytes().all(is_part) {
        return Ok(());
    }
    Err(InvalidLabels(format!(
        "{name:?} is not the name of a label: 1 to {MAX_LABEL_NAME} letters and digits, and \
         - _ . / behind the first"
    )))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Result<Labels, InvalidLabels> {
        let pairs = pairs.iter();
        let pairs: BTreeMap<String, String> = pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        pairs.try_into()
    }

    #[test]
    fn names_and_values_are_bounded() {
        let longest = "n".repeat(MAX_LABEL_NAME);
        let long = "é".repeat(MAX_LABEL_VALUE);
        assert!(labels(&[("a", ""), ("team/x.y-z_1", "Q3: 日本"), (&longest, &long)]).is_ok());
        let (longer, too_long) = (format!("{longest}n"), format!("{long}é"));
        for (name, value) in [
            ("", "x"),
            (".a", "x"),
            ("a b", "x"),
            ("a:b", "x"),
            ("\"a", "x"),
            ("é", "x"),
            (&longer, "x"),
            ("a", &too_long),
            ("a", "x\ny"),
            ("a", "\0"),
        ] {
            assert!(labels(&[(name, value)]).is_err(), "{name:?} {value:?}");
        }
        let names: Vec<String> = (0..=MAX_LABELS).map(|n| n.to_string()).collect();
        let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x")).collect();
        assert!(labels(&many[1..]).is_ok());
        assert!(labels(&many).is_err());
    }

    #[test]
    fn a_filter_wants_a_name_or_a_value_as_well() {
        let labels = labels(&[("team", "blue:sky"), ("empty", "")]).unwrap();
        for (text, expected) in [
            ("team", true),
            ("team:blue:sky", true),
            ("team:blue", false),
            ("team:", false),
            ("empty", true),
            ("empty:", true),
            ("other", false),
        ] {
            assert_eq!(labels.matches(&text.parse().unwrap()), expected, "{text}");
        }
        for text in ["", ":x", "a b:c"] {
            assert!(text.parse::<LabelFilter>().is_err(), "{text}");
        }
    }
}
