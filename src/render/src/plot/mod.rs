//! The chart of a query's answer before it has a format: its columns as numbers against one `x`.
//! The page and the PDF draw it, the workbook hands its numbers to a native chart, Markdown says
//! it in words.

mod collect;
mod columns;
mod scale;

use lastcall_domain::ChartType;

pub(crate) use collect::plot;
#[cfg(test)]
pub(crate) use scale::moment;

use crate::number::{self, count, of};
use crate::text::shorten;

/// Columns of text of a name in a caption or a legend.
const NAME: usize = 40;

/// What there is to draw.
#[derive(Debug)]
pub(crate) struct Plot {
    /// How.
    pub(crate) kind: ChartType,
    /// What stands above it.
    pub(crate) title: String,
    /// What the horizontal axis is called.
    pub(crate) x_name: String,
    /// Where each row stands on it.
    pub(crate) x: Positions,
    /// The columns that are drawn, with a value per row each.
    pub(crate) series: Vec<Series>,
    /// What is left out, one sentence each.
    pub(crate) notes: Vec<String>,
}

/// Where rows stand on the horizontal axis.
#[derive(Debug, PartialEq)]
pub(crate) enum Positions {
    /// In their order, under these names.
    Categories(Vec<String>),
    /// At numbers, which ascend but in a scatter chart.
    Numbers(Vec<f64>),
    /// At points in time, in seconds since 1970, which ascend likewise.
    Times {
        /// Where.
        at: Vec<f64>,
        /// Whether all of them are days.
        days: bool,
    },
}

/// A column that is drawn.
#[derive(Debug)]
pub(crate) struct Series {
    /// Its name.
    pub(crate) name: String,
    /// Its values; `None` is a gap.
    pub(crate) values: Vec<Option<f64>>,
}

impl Positions {
    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Categories(names) => names.len(),
            Self::Numbers(at) | Self::Times { at, .. } => at.len(),
        }
    }

    /// What a row is called.
    pub(crate) fn label(&self, row: usize) -> String {
        match self {
            Self::Categories(names) => names.get(row).cloned().unwrap_or_default(),
            Self::Numbers(at) => at.get(row).map_or_else(String::new, |x| number::figure(*x)),
            Self::Times { at, days } => at
                .get(row)
                .map_or_else(String::new, |at| scale::written(*at, *days)),
        }
    }

    /// The places on the scale; `None` where there is none.
    pub(crate) fn places(&self) -> Option<&[f64]> {
        match self {
            Self::Categories(_) => None,
            Self::Numbers(at) | Self::Times { at, .. } => Some(at),
        }
    }
}

impl Series {
    /// Its name as a legend shows it.
    pub(crate) fn label(&self) -> String {
        shorten(&self.name, NAME)
    }

    /// The least and the greatest value, and how many there are.
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

    /// The least and the greatest value of all columns.
    pub(crate) fn range(&self) -> Option<(f64, f64)> {
        let ranges = self.series.iter().filter_map(Series::range);
        ranges
            .map(|(min, max, _)| (min, max))
            .reduce(|(a, b), (c, d)| (a.min(c), b.max(d)))
    }

    /// The whole in a sentence, for those who do not see it.
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
        for (name, says) in self.says() {
            text.push_str(&format!("; {name}: {says}"));
        }
        text
    }

    /// What each column says, in words.
    pub(crate) fn says(&self) -> Vec<(String, String)> {
        let says = |series: &Series| match series.range() {
            None => "no values".to_owned(),
            Some((min, max, n)) => {
                let gaps = self.x.len() - n;
                let gaps = match gaps {
                    0 => String::new(),
                    gaps => format!(", {} missing", count(gaps as u64)),
                };
                let range = format!("{} to {}", number::figure(min), number::figure(max));
                format!("{range}{gaps}")
            }
        };
        let series = self.series.iter();
        series
            .map(|series| (series.label(), says(series)))
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
