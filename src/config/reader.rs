//! Takes typed values out of the sources and gathers every fault on the way.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Value;

use super::sources::{Found, Sources};
use super::units::{parse_duration, parse_size, show_duration, show_size};
use super::{Fault, Faults};

/// The closest key is suggested from this likeness (0 to 1, Jaro-Winkler) on.
const LIKE_ENOUGH: f64 = 0.8;

/// Hands out values by key. A value that breaks its rule is a fault, and its default is
/// handed out instead so that the reading goes on to the next fault.
pub(super) struct Reader {
    sources: Sources,
    known: Vec<String>,
    faults: Vec<Fault>,
}

impl Reader {
    pub(super) fn new(sources: Sources) -> Self {
        Self {
            sources,
            known: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// Notes that the key's value breaks `rule`.
    pub(super) fn fault(&mut self, key: &str, rule: &str) {
        let found = self.sources.values.get(key);
        self.faults.push(Fault {
            key: label(key, found),
            value: found.map(|found| show(key, &found.value)),
            rule: format!("must be {rule}"),
        });
    }

    pub(super) fn duration(
        &mut self,
        key: &str,
        default: Duration,
        range: RangeInclusive<Duration>,
    ) -> Duration {
        self.parsed(key, default, |value| {
            let duration = parse_duration(as_text(value).unwrap_or_default())?;
            in_range(duration, &range, |d| show_duration(*d))
        })
    }

    pub(super) fn size(&mut self, key: &str, default: u64, range: RangeInclusive<u64>) -> u64 {
        self.parsed(key, default, |value| {
            let size = parse_size(as_text(value).unwrap_or_default())?;
            in_range(size, &range, |n| show_size(*n))
        })
    }

    pub(super) fn count<N>(&mut self, key: &str, default: N, range: RangeInclusive<N>) -> N
    where
        N: Copy + PartialOrd + std::fmt::Display + std::str::FromStr,
    {
        self.parsed(key, default, |value| {
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
        self.parsed(key, default, |value| match value {
            Value::Boolean(flag) => Ok(*flag),
            Value::String(text) if text == "true" => Ok(true),
            Value::String(text) if text == "false" => Ok(false),
            _ => Err("true or false".to_owned()),
        })
    }

    pub(super) fn address(&mut self, key: &str, default: SocketAddr) -> SocketAddr {
        self.parsed(key, default, |value| {
            as_text(value)
                .and_then(|text| text.replace("localhost", "127.0.0.1").parse().ok())
                .ok_or_else(|| "an IP address and a port, such as \"127.0.0.1:8080\"".to_owned())
        })
    }

    /// One of a few words; the first is the default.
    pub(super) fn choice(&mut self, key: &str, words: &[&'static str]) -> &'static str {
        let default = words.first().copied().unwrap_or_default();
        self.parsed(key, default, |value| {
            let text = as_text(value).unwrap_or_default();
            words
                .iter()
                .copied()
                .find(|word| *word == text)
                .ok_or_else(|| format!("one of {}", words.join(", ")))
        })
    }

    pub(super) fn url(&mut self, key: &str, default: &str, schemes: &[&str]) -> String {
        self.parsed(key, default.to_owned(), |value| {
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

    /// A text that is not empty, if it was given.
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        self.parsed(key, None, |value| match as_text(value) {
            Some(text) if !text.is_empty() => Ok(Some(text.to_owned())),
            _ => Err("a text".to_owned()),
        })
    }

    /// A value of a shape of its own.
    pub(super) fn parsed<T>(
        &mut self,
        key: &str,
        default: T,
        parse: impl FnOnce(&Value) -> Result<T, String>,
    ) -> T {
        self.known.push(key.to_owned());
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

    /// Ends the reading: whatever was given and never asked for is a fault too.
    pub(super) fn finish(mut self) -> Result<(), Faults> {
        for (key, found) in &self.sources.values {
            if !self.known.contains(key) {
                self.faults.push(Fault {
                    key: label(key, Some(found)),
                    value: None,
                    rule: unknown(key, &self.known),
                });
            }
        }
        if self.faults.is_empty() {
            Ok(())
        } else {
            Err(Faults(self.faults))
        }
    }
}

fn as_text(value: &Value) -> Option<&str> {
    value.as_str().map(str::trim)
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

fn label(key: &str, found: Option<&Found>) -> String {
    match found.and_then(|found| found.variable.as_ref()) {
        Some(variable) => format!("{key} (from {variable})"),
        None => key.to_owned(),
    }
}

/// A value for a fault's text: never one that may be a secret.
fn show(key: &str, value: &Value) -> String {
    if key == "store.url" || key.starts_with("auth.keys") {
        "(not shown)".to_owned()
    } else {
        value.to_string()
    }
}

fn unknown(key: &str, known: &[String]) -> String {
    let closest = known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(key, candidate), candidate))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match closest {
        Some((likeness, candidate)) if likeness >= LIKE_ENOUGH => {
            format!("unknown key; did you mean {candidate}?")
        }
        _ => "unknown key".to_owned(),
    }
}
