//! The requested chart of a report on a query's result.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::InvalidOption;

/// The most columns plotted against `x`.
pub const MAX_SERIES: usize = 8;
/// The longest title of a chart, in characters.
pub const MAX_CHART_TITLE: usize = 200;
/// The longest name of a column that a chart may name, in characters.
pub const MAX_CHART_COLUMN: usize = 1_000;

/// How a chart draws its columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ChartType {
    /// A bar for each row, beside each other for several columns.
    Bar,
    /// A line through the rows, in the order of `x`.
    Line,
    /// A point for each row.
    Scatter,
}

impl ChartType {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bar => "bar",
            Self::Line => "line",
            Self::Scatter => "scatter",
        }
    }
}

/// A chart of columns of a query's result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, expecting = "an object that describes a chart")]
pub struct ChartSpec {
    /// How it is drawn.
    #[serde(rename = "type")]
    pub kind: ChartType,
    /// The column of the horizontal axis. Numbers, dates and timestamps are placed on a scale,
    /// anything else in the order of the rows; a scatter chart requires a scale.
    #[cfg_attr(feature = "schema", schema(example = "month", max_length = 1000))]
    pub x: String,
    /// The columns that are drawn, of numbers each.
    #[cfg_attr(
        feature = "schema",
        schema(example = json!(["revenue"]), min_items = 1, max_items = 8)
    )]
    pub y: Vec<String>,
    /// The title; by default the names of the columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 200))]
    pub title: Option<String>,
}

impl ChartSpec {
    /// Checks the chart, independently of the result.
    ///
    /// # Errors
    /// The first invalid option.
    pub fn check(&self) -> Result<(), InvalidOption> {
        let invalid = |option: &'static str, detail: String| {
            Err(InvalidOption::new(Cow::Borrowed(option), detail))
        };
        if self.y.is_empty() || self.y.len() > MAX_SERIES {
            let detail = format!("it names 1 to {MAX_SERIES} columns, not {}", self.y.len());
            return invalid("chart.y", detail);
        }
        if let Some(name) = (1..self.y.len()).find_map(|i| {
            let name = &self.y[i];
            self.y[..i].contains(name).then_some(name)
        }) {
            return invalid("chart.y", format!("it names {name:?} twice"));
        }
        let names = [("chart.x", &self.x)];
        for (option, name) in names
            .into_iter()
            .chain(self.y.iter().map(|y| ("chart.y", y)))
        {
            if name.chars().count() > MAX_CHART_COLUMN {
                let detail = format!("a name has at most {MAX_CHART_COLUMN} characters");
                return invalid(option, detail);
            }
        }
        match &self.title {
            Some(title) if title.trim().is_empty() => {
                invalid("chart.title", "it is empty".to_owned())
            }
            Some(title) if title.chars().count() > MAX_CHART_TITLE => {
                let detail = format!("it has more than {MAX_CHART_TITLE} characters");
                invalid("chart.title", detail)
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn charts_that_make_no_sense_are_named() {
        for (spec, named) in [
            (r#"{"type":"bar","x":"a","y":[]}"#, "chart.y"),
            (r#"{"type":"bar","x":"a","y":["b","b"]}"#, "chart.y"),
            (
                r#"{"type":"bar","x":"a","y":["1","2","3","4","5","6","7","8","9"]}"#,
                "chart.y",
            ),
            (
                r#"{"type":"bar","x":"a","y":["b"],"title":" "}"#,
                "chart.title",
            ),
        ] {
            let spec: ChartSpec = serde_json::from_str(spec).unwrap();
            assert_eq!(spec.check().unwrap_err().option, named);
        }
        let long = ChartSpec {
            kind: ChartType::Line,
            x: "x".repeat(MAX_CHART_COLUMN + 1),
            y: vec!["b".to_owned()],
            title: None,
        };
        assert_eq!(long.check().unwrap_err().option, "chart.x");
        let fine: ChartSpec =
            serde_json::from_str(r#"{"type":"scatter","x":"a","y":["b","a"]}"#).unwrap();
        assert_eq!(fine.check(), Ok(()));
    }

    #[test]
    fn a_chart_has_no_other_member() {
        for spec in [
            r#"{"type":"pie","x":"a","y":["b"]}"#,
            r#"{"type":"bar","x":"a","y":["b"],"colour":"red"}"#,
            r#"{"type":"bar","y":["b"]}"#,
        ] {
            assert!(serde_json::from_str::<ChartSpec>(spec).is_err(), "{spec}");
        }
    }
}
