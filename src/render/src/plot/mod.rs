//! The chart of a query result before it has a format: its columns as numbers against one `x`.
//! HTML and PDF draw it, the workbook has a native chart, Markdown has a summary.

mod collect;
mod columns;
mod scale;

use lastcall_domain::ChartType;
use lastcall_domain::profile::{Number, digits_within};

pub(crate) use collect::plot;
#[cfg(test)]
pub(crate) use scale::parse_timestamp;

use crate::number::{self, count, of};
use crate::text::shorten;

/// The width of a name in a caption or a legend, in columns of text.
const NAME: usize = 40;

/// The data of a chart.
#[derive(Debug)]
pub(crate) struct Plot {
    /// The kind of chart.
    pub(crate) kind: ChartType,
    /// The title above it.
    pub(crate) title: String,
    /// The name of the horizontal axis.
    pub(crate) x_name: String,
    /// The positions of the rows on it.
    pub(crate) x: Positions,
    /// The columns, with a value for each row.
    pub(crate) series: Vec<Series>,
    /// Notes on what is left out, a sentence each.
    pub(crate) notes: Vec<String>,
}

/// The positions of rows on the horizontal axis.
#[derive(Debug, PartialEq)]
pub(crate) enum Positions {
    /// In row order, with these names.
    Categories(Vec<String>),
    /// Numbers, ascending except in a scatter chart.
    Numbers(Vec<f64>),
    /// Timestamps in seconds since 1970, ascending except in a scatter chart.
    Times {
        /// The positions.
        at: Vec<f64>,
        /// Whether all of them are dates.
        days: bool,
    },
}

/// A column of the chart.
#[derive(Debug)]
pub(crate) struct Series {
    /// Its name.
    pub(crate) name: String,
    /// Its values; `None` is a gap.
    pub(crate) values: Vec<Option<f64>>,
    /// How many significant digits tell them apart.
    digits: usize,
}

impl Positions {
    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Categories(names) => names.len(),
            Self::Numbers(at) | Self::Times { at, .. } => at.len(),
        }
    }

    /// The name of a row.
    pub(crate) fn label(&self, row: usize) -> String {
        match self {
            Self::Categories(names) => names.get(row).cloned().unwrap_or_default(),
            Self::Numbers(at) => at
                .get(row)
                .map_or_else(String::new, |x| number::number(Number::Float(*x))),
            Self::Times { at, days } => at
                .get(row)
                .map_or_else(String::new, |at| scale::written(*at, *days)),
        }
    }

    /// The positions on the scale; `None` for categories.
    pub(crate) fn places(&self) -> Option<&[f64]> {
        match self {
            Self::Categories(_) => None,
            Self::Numbers(at) | Self::Times { at, .. } => Some(at),
        }
    }
}

impl Series {
    /// A column with these values.
    pub(crate) fn new(name: String, values: Vec<Option<f64>>) -> Self {
        let mut series = Self {
            name,
            values,
            digits: 0,
        };
        let (min, max, _) = series.range().unwrap_or_default();
        series.digits = digits_within(min.abs().max(max.abs()), max - min);
        series
    }

    /// A value with the digits that tell it from the others.
    pub(crate) fn figure(&self, value: f64) -> String {
        number::figure_of(value, self.digits)
    }

    /// The value of a row; a dash for a gap.
    pub(crate) fn written(&self, row: usize) -> String {
        let value = self.values.get(row).copied().flatten();
        value.map_or_else(|| number::NONE.to_owned(), |x| self.figure(x))
    }

    /// Its name in a legend.
    pub(crate) fn label(&self) -> String {
        shorten(&self.name, NAME)
    }

    /// The minimum, the maximum and the number of values.
    fn range(&self) -> Option<(f64, f64, usize)> {
        let values = self.values.iter().flatten();
        values.fold(None, |range, &x| match range {
            None => Some((x, x, 1)),
            Some((min, max, n)) => Some((x.min(min), x.max(max), n + 1)),
        })
    }
}

impl Plot {
    /// Whether there is anything to draw.
    pub(crate) fn is_empty(&self) -> bool {
        self.series.iter().all(|series| series.range().is_none())
    }

    /// The minimum and the maximum of all columns.
    pub(crate) fn range(&self) -> Option<(f64, f64)> {
        let ranges = self.series.iter().filter_map(Series::range);
        ranges
            .map(|(min, max, _)| (min, max))
            .reduce(|(a, b), (c, d)| (a.min(c), b.max(d)))
    }

    /// The text alternative.
    pub(crate) fn alt(&self) -> String {
        let kind = match self.kind {
            ChartType::Bar => "Bar",
            ChartType::Line => "Line",
            ChartType::Scatter => "Scatter",
        };
        let names: Vec<_> = self.series.iter().map(Series::label).collect();
        let mut text = format!(
            "{kind} chart of {} by {}: {}",
            names.join(", "),
            shorten(&self.x_name, NAME),
            of(self.x.len() as u64, "row"),
        );
        if let Some((first, last)) = self.ends() {
            text.push_str(&format!(" from {first} to {last}"));
        }
        for (name, summary) in self.summaries() {
            text.push_str(&format!("; {name}: {summary}"));
        }
        text
    }

    /// The name and a summary of each column.
    pub(crate) fn summaries(&self) -> Vec<(String, String)> {
        let summary = |series: &Series| match series.range() {
            None => "no values".to_owned(),
            Some((min, max, n)) => {
                let gaps = self.x.len() - n;
                let gaps = match gaps {
                    0 => String::new(),
                    gaps => format!(", {} missing", count(gaps as u64)),
                };
                let range = format!("{} to {}", series.figure(min), series.figure(max));
                format!("{range}{gaps}")
            }
        };
        let series = self.series.iter();
        series
            .map(|series| (series.label(), summary(series)))
            .collect()
    }

    /// The ends of the horizontal axis.
    pub(crate) fn ends(&self) -> Option<(String, String)> {
        let (places, last) = (self.x.places(), self.x.len().checked_sub(1)?);
        let (first, last) = match places {
            None => (0, last),
            Some(at) => {
                let by = |a: &usize, b: &usize| at[*a].total_cmp(&at[*b]);
                ((0..at.len()).min_by(by)?, (0..at.len()).max_by(by)?)
            }
        };
        let label = |row| shorten(&self.x.label(row), NAME);
        Some((label(first), label(last)))
    }
}
