//! Reads typed values from the sources and collects every fault.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Value;

use super::sources::{Found, Sources};
use super::units::{parse_duration, parse_size, show_duration, show_size};
use super::{Fault, Faults, shown};

/// From this similarity on (0 to 1, Jaro-Winkler), the closest key is suggested.
const MIN_SUGGESTED: f64 = 0.8;
/// From this similarity on, it is the same key misspelt, so the kind of its value is known.
const MIN_MISSPELT: f64 = 0.93;

/// Reads values by key. A value that breaks its rule is recorded as a fault, and its default is
/// returned instead, so that reading goes on to the next fault.
pub(super) struct Reader {
    sources: Sources,
    /// Every known key, and its default in the notation of the configuration.
    known: BTreeMap<String, String>,
    faulty: BTreeSet<String>,
    faults: Vec<Fault>,
}

impl Reader {
    pub(super) fn new(mut sources: Sources) -> Self {
        let (faulty, faults) = std::mem::take(&mut sources.faults).into_iter().unzip();
        Self {
            sources,
            known: BTreeMap::new(),
            faulty,
            faults,
        }
    }

    /// Records that the key's value, or its default if none was given, breaks `rule`.
    pub(super) fn fault(&mut self, key: &str, rule: &str) {
        let found = self.sources.values.get(key);
        let value = match found {
            Some(found) => Some(shown::value(key, &found.value)),
            None => self.known.get(key).cloned(),
        };
        self.faults.push(Fault {
            key: label(key, found),
            value,
            rule: format!("must be {rule}"),
        });
        self.faulty.insert(key.to_owned());
    }

    /// Records that a part of the key's value breaks `rule`.
    pub(super) fn fault_in(&mut self, key: &str, part: &str, value: Option<String>, rule: &str) {
        let found = self.sources.values.get(key);
        self.faults.push(Fault {
            key: label(&format!("{key}{part}"), found),
            value,
            rule: rule.to_owned(),
        });
        self.faulty.insert(key.to_owned());
    }

    /// Whether no fault of the key's own value is known: rules between keys are meaningless if a
    /// default replaces a wrong value.
    pub(super) fn is_sound(&self, key: &str) -> bool {
        !self.faulty.contains(key)
    }

    pub(super) fn duration(
        &mut self,
        key: &str,
        default: Duration,
        range: RangeInclusive<Duration>,
    ) -> Duration {
        let shown = format!("{:?}", show_duration(default));
        self.parsed(key, shown, default, |value| {
            let duration = parse_duration(as_text(value).unwrap_or_default())?;
            in_range(duration, &range, |d| show_duration(*d))
        })
    }

    pub(super) fn size(&mut self, key: &str, default: u64, range: RangeInclusive<u64>) -> u64 {
        let shown = format!("{:?}", show_size(default));
        self.parsed(key, shown, default, |value| {
            let size = parse_size(as_text(value).unwrap_or_default())?;
            in_range(size, &range, |n| show_size(*n))
        })
    }

    pub(super) fn count<N>(&mut self, key: &str, default: N, range: RangeInclusive<N>) -> N
    where
        N: Copy + PartialOrd + std::fmt::Display + std::str::FromStr,
    {
        self.parsed(key, default.to_string(), default, |value| {
            let text = match value {
                Value::Integer(n) => n.to_string(),
                Value::String(text) => text.trim().to_owned(),
                _ => String::new(),
            };
            let number = text
                .parse()
                .map_err(|_| format!("a whole number from {} to {}", range.start(), range.end()))?;
            in_range(number, &range, N::to_string)
        })
    }

    pub(super) fn flag(&mut self, key: &str, default: bool) -> bool {
        self.parsed(key, default.to_string(), default, |value| match value {
            Value::Boolean(flag) => Ok(*flag),
            Value::String(text) if text == "true" => Ok(true),
            Value::String(text) if text == "false" => Ok(false),
            _ => Err("true or false".to_owned()),
        })
    }

    pub(super) fn address(&mut self, key: &str, default: SocketAddr) -> SocketAddr {
        self.parsed(key, format!("\"{default}\""), default, parse_address)
    }

    /// An address, if one was given.
    pub(super) fn optional_address(&mut self, key: &str) -> Option<SocketAddr> {
        self.parsed(key, "\"\"".to_owned(), None, |value| {
            parse_address(value).map(Some)
        })
    }

    /// One of these words; the first is the default.
    pub(super) fn choice(&mut self, key: &str, words: &[&'static str]) -> &'static str {
        let default = words.first().copied().unwrap_or_default();
        self.parsed(key, format!("{default:?}"), default, |value| {
            let text = as_text(value).unwrap_or_default();
            words
                .iter()
                .copied()
                .find(|word| *word == text)
                .ok_or_else(|| format!("one of {}", words.join(", ")))
        })
    }

    pub(super) fn url(&mut self, key: &str, default: &str, schemes: &[&str]) -> String {
        self.parsed(key, format!("{default:?}"), default.to_owned(), |value| {
            let text = as_text(value).unwrap_or_default();
            match text.split_once("://") {
                Some((scheme, rest)) if schemes.contains(&scheme) && !rest.is_empty() => {
                    Ok(text.to_owned())
                }
                _ => Err(format!(
                    "a URL that begins with {}://",
                    schemes.join(":// or ")
                )),
            }
        })
    }

    /// A non-empty string, if it was given.
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        self.parsed(key, "\"\"".to_owned(), None, |value| match as_text(value) {
            Some(text) if !text.is_empty() => Ok(Some(text.to_owned())),
            _ => Err("a text".to_owned()),
        })
    }

    /// A value of its own type; `shown` is its default in the notation of the configuration.
    pub(super) fn parsed<T>(
        &mut self,
        key: &str,
        shown: String,
        default: T,
        parse: impl FnOnce(&Value) -> Result<T, String>,
    ) -> T {
        self.known.insert(key.to_owned(), shown);
        let Some(found) = self.sources.values.get(key) else {
            return default;
        };
        match parse(&found.value) {
            Ok(value) => value,
            Err(rule) => {
                self.fault(key, &rule);
                default
            }
        }
    }

    /// Ends the reading: values of unknown keys are faults, too.
    pub(super) fn finish(mut self) -> Result<(), Faults> {
        for (key, found) in &self.sources.values {
            if !self.known.contains_key(key) {
                let closest = closest(key, self.known.keys());
                let meant = closest.filter(|(likeness, _)| *likeness >= MIN_MISSPELT);
                self.faults.push(Fault {
                    key: label(key, Some(found)),
                    value: Some(shown::unknown(meant.map(|(_, known)| known), &found.value)),
                    rule: unknown(closest),
                });
            }
        }
        // The tables of the keys, and those around them.
        let mut tables: BTreeSet<String> = BTreeSet::new();
        for key in self.known.keys() {
            tables.extend(key.match_indices('.').map(|(at, _)| key[..at].to_owned()));
        }
        for table in &self.sources.empty_tables {
            let rule = if self.known.contains_key(table) {
                "must be a value, not a table".to_owned()
            } else if !tables.contains(table) {
                unknown(closest(table, tables.iter()))
            } else {
                continue;
            };
            self.faults.push(Fault {
                key: table.clone(),
                value: None,
                rule,
            });
        }
        if self.faults.is_empty() {
            Ok(())
        } else {
            Err(Faults(self.faults))
        }
    }
}

/// The rule for an unknown key.
fn unknown(closest: Option<(f64, &str)>) -> String {
    match closest {
        Some((_, known)) => format!("unknown key; did you mean {known}?"),
        None => "unknown key".to_owned(),
    }
}

fn as_text(value: &Value) -> Option<&str> {
    value.as_str().map(str::trim)
}

fn parse_address(value: &Value) -> Result<SocketAddr, String> {
    as_text(value)
        .and_then(|text| text.replace("localhost", "127.0.0.1").parse().ok())
        .ok_or_else(|| "an IP address and a port, such as \"127.0.0.1:8080\"".to_owned())
}

fn in_range<T: PartialOrd>(
    value: T,
    range: &RangeInclusive<T>,
    show: impl Fn(&T) -> String,
) -> Result<T, String> {
    if range.contains(&value) {
        Ok(value)
    } else {
        Err(format!(
            "from {} to {}",
            show(range.start()),
            show(range.end())
        ))
    }
}

/// The key, and where its value comes from if that is not the file.
fn label(key: &str, found: Option<&Found>) -> String {
    match found.map(|found| &found.variable) {
        Some(Some(variable)) => format!("{key} (from {variable})"),
        Some(None) => key.to_owned(),
        None => format!("{key} (the default)"),
    }
}

/// The known key most similar to this one, if there is one, and their similarity.
fn closest<'a>(key: &str, known: impl Iterator<Item = &'a String>) -> Option<(f64, &'a str)> {
    known
        .map(|candidate| (strsim::jaro_winkler(key, candidate), candidate.as_str()))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness >= MIN_SUGGESTED)
}
