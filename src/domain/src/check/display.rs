//! Checks in words.

use std::fmt;

use serde_json::Value;

use super::{Bound, ColumnMatch, Form, Rule, ValueType};
use crate::ShownDuration;

/// How many values of a set are named.
const NAMED: usize = 10;

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column => f.write_str("the dataset has the column"),
            Self::Columns(columns) => columns.fmt(f),
            Self::Type(kind) => kind.fmt(f),
            Self::NotNull => f.write_str("no missing value"),
            Self::NotMissing(values) => write!(f, "none of {}", List(values)),
            Self::Unique => f.write_str("no value twice"),
            Self::Range { min, max } => range(f, min.as_ref(), max.as_ref()),
            Self::Set(values) => write!(f, "one of {}", List(values)),
            Self::Pattern(pattern) => write!(f, "matches {pattern}"),
            Self::Length { min, max } => match (min, max) {
                (Some(min), Some(max)) if min == max => write!(f, "{min} characters"),
                (Some(min), Some(max)) => write!(f, "{min} to {max} characters"),
                (Some(min), None) => write!(f, "at least {min} characters"),
                (None, Some(max)) => write!(f, "at most {max} characters"),
                (None, None) => f.write_str("any number of characters"),
            },
            Self::MultipleOf(step) => write!(f, "a multiple of {step}"),
            Self::ForeignKey { dataset, columns } => {
                let columns = columns.join(", ");
                match dataset {
                    Some(dataset) => write!(f, "a value of {dataset} ({columns})"),
                    None => write!(f, "a value of {columns}"),
                }
            }
            Self::Freshness(age) => {
                write!(f, "the newest value is at most {} old", ShownDuration(*age))
            }
            Self::RowCount => f.write_str("an accepted number of rows"),
            Self::Sql { value: false, .. } => f.write_str("the query answers with no row"),
            Self::Sql { value: true, .. } => f.write_str("the query answers with a value"),
        }
    }
}

fn range(f: &mut fmt::Formatter<'_>, min: Option<&Bound>, max: Option<&Bound>) -> fmt::Result {
    let sign = |exclusive, strict, or_equal| if exclusive { strict } else { or_equal };
    if let Some(min) = min {
        write!(f, "{} {}", sign(min.exclusive, ">", "≥"), Shown(&min.value))?;
    }
    if let Some(max) = max {
        let and = if min.is_some() { " and " } else { "" };
        let sign = sign(max.exclusive, "<", "≤");
        write!(f, "{and}{sign} {}", Shown(&max.value))?;
    }
    Ok(())
}

/// A value without the quotes of JSON.
struct Shown<'a>(&'a Value);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::String(text) => f.write_str(text),
            other => other.fmt(f),
        }
    }
}

struct List<'a>(&'a [Value]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, value) in self.0.iter().take(NAMED).enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            write!(f, "{comma}{value}")?;
        }
        match self.0.len().saturating_sub(NAMED) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

impl fmt::Display for ColumnMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exact => "the columns of the contract, in its order, and no others",
            Self::Equal => "the columns of the contract and no others",
            Self::Subset => "all columns of the contract",
            Self::Superset => "no columns but those of the contract",
            Self::Partial => "at least one column of the contract",
        })
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, format) = match self {
            Self::String => ("string", None),
            Self::Form(form) => (form.as_str(), None),
            Self::Integer => ("integer", None),
            Self::Number => ("number", None),
            Self::Boolean { .. } => ("boolean", None),
            Self::Date(format) => ("date", format.as_ref()),
            Self::Timestamp(format) => ("timestamp", format.as_ref()),
            Self::Time(format) => ("time", format.as_ref()),
            Self::Object => ("object", None),
            Self::Array => ("array", None),
        };
        match format {
            Some(format) => write!(f, "{name} ({format})"),
            None => f.write_str(name),
        }
    }
}

impl Form {
    fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Uri => "URI",
            Self::Uuid => "UUID",
            Self::Ipv4 => "IPv4 address",
            Self::Ipv6 => "IPv6 address",
            Self::Hostname => "host name",
            Self::Base64 => "base64",
            Self::Year => "year",
            Self::YearMonth => "year and month",
            Self::Duration => "duration",
            Self::Geopoint => "longitude, latitude",
        }
    }
}
