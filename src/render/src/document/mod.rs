//! A report before it has a format: sections of blocks, every text sanitised, every number
//! formatted. HTML, PDF and Markdown are written from the same document.

mod alerts;
mod check;
mod column;
mod compare;
mod compare_charts;
mod compare_values;
mod correlation;
mod correlations;
mod estimates;
mod generic;
mod grid;
mod matrix;
mod profile;
mod provenance;
mod summary;
mod table;
mod values;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use crate::chart::Chart;
use crate::input::Origin;
use crate::number::count;
use crate::text::shorten;

pub(crate) use check::check;
pub(crate) use compare::{compare, status};
pub(crate) use correlation::correlation;
pub(crate) use generic::generic;
pub(crate) use grid::{Table, TableColumn, Text};
pub(crate) use profile::profile;
pub(crate) use table::table;

/// The generator of the reports, with its version.
pub(crate) const GENERATOR: &str = concat!("Lastcall ", env!("CARGO_PKG_VERSION"));

/// A whole report.
#[derive(Debug, Serialize)]
pub(crate) struct Document {
    /// The dataset's name, or the caller's title.
    pub title: Text,
    /// The kind of report: `Data profile`.
    pub kind: String,
    /// A line under the title.
    pub subtitle: String,
    /// The creation time, `2026-01-31 12:00 UTC`.
    pub created: String,
    /// The same, unformatted.
    #[serde(skip)]
    pub created_at: DateTime<Utc>,
    /// The creation time by RFC 3339.
    pub created_rfc3339: String,
    /// The generator, with its version.
    pub generator: String,
    /// The provenance of the data and the report.
    pub provenance: Vec<Fact>,
    /// Whether pages are landscape.
    pub landscape: bool,
    /// The parts, in order.
    pub sections: Vec<Section>,
    /// Notes on accuracy and on what is left out.
    pub notes: Vec<String>,
}

impl Document {
    /// Adds the provenance.
    pub(crate) fn comes_from(&mut self, origin: Origin<'_>) {
        for dataset in origin.datasets {
            let name = match origin.datasets {
                [_] => String::new(),
                _ => shorten(&dataset.name, 120),
            };
            let facts = [
                ("SHA-256", Some(&dataset.sha256)),
                ("Read options", dataset.read.as_ref()),
            ];
            for (label, text) in facts {
                let fact = |text: &String| Fact::new(label, shorten(text, 400)).with(name.as_str());
                self.provenance.extend(text.map(fact));
            }
        }
        let texts = [("Session", origin.session), ("Job", origin.job)];
        for (label, text) in texts {
            let fact = text.map(|text| Fact::new(label, shorten(text, 400)));
            self.provenance.extend(fact);
        }
        let created = Fact {
            cell: Some(Cell::Time(self.created_at)),
            ..Fact::new("Created", self.created.as_str())
        };
        let by = Fact::new("Created by", self.generator.as_str());
        self.provenance.extend([created, by]);
    }
}

/// A part of the report with a heading.
#[derive(Debug, Serialize)]
pub(crate) struct Section {
    /// The anchor: a unique ASCII name that does not come from the data.
    pub id: String,
    /// The heading.
    pub title: String,
    /// Its contents.
    pub blocks: Vec<Block>,
}

/// A piece of a section.
#[derive(Debug, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub(crate) enum Block {
    /// Large figures in a row.
    Tiles {
        /// The figures.
        tiles: Vec<Fact>,
    },
    /// The most important findings.
    Alerts {
        /// One line each.
        alerts: Vec<AlertLine>,
    },
    /// The most important findings, by kind.
    AlertGroups {
        /// One kind each.
        groups: Vec<AlertGroup>,
    },
    /// A sentence.
    Text {
        /// The sentence.
        text: String,
    },
    /// Preformatted text in a fixed-width font.
    Code {
        /// The text.
        text: String,
    },
    /// A table.
    Table(Table),
    /// A chart of the full width.
    Chart(Chart),
    /// Charts next to each other.
    Charts {
        /// The charts.
        charts: Vec<Chart>,
    },
    /// The card of one column.
    Card(Card),
}

impl Block {
    /// A sentence.
    fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }
}

/// A figure with its name.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Fact {
    /// The name.
    pub label: String,
    /// The formatted figure.
    pub value: String,
    /// A note next to it, in small; may be empty.
    pub more: String,
    /// The figure for the cell of a workbook, unless it is text.
    #[serde(skip)]
    pub cell: Option<Cell>,
}

/// A figure that a workbook can calculate with.
#[derive(Clone, Debug)]
pub(crate) enum Cell {
    /// A count.
    Count(u64),
    /// A value of JSON.
    Value(Value),
    /// A time.
    Time(DateTime<Utc>),
}

impl Fact {
    /// A figure without a note.
    pub(crate) fn new(label: &str, value: impl Into<String>) -> Self {
        Self {
            label: label.to_owned(),
            value: value.into(),
            more: String::new(),
            cell: None,
        }
    }

    /// A count without a note.
    pub(crate) fn count(label: &str, n: u64) -> Self {
        Self {
            cell: Some(Cell::Count(n)),
            ..Self::new(label, count(n))
        }
    }

    /// Adds a note.
    pub(crate) fn with(mut self, more: impl Into<String>) -> Self {
        self.more = more.into();
        self
    }
}

/// One alert.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct AlertLine {
    /// The column, or a text for the whole dataset.
    pub column: Text,
    /// The title: `Missing values`.
    pub title: &'static str,
    /// `high`, `medium` or `low`.
    pub level: &'static str,
    /// One sentence.
    pub detail: String,
}

/// The alerts of one kind.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct AlertGroup {
    /// The title: `Missing values`.
    pub title: &'static str,
    /// `high`, `medium` or `low`.
    pub level: &'static str,
    /// How many there are: `3 columns`; empty if it is about the dataset.
    pub count: String,
    /// The first of them.
    pub items: Vec<AlertItem>,
    /// How many more there are.
    pub more: u64,
}

/// One alert of a group.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct AlertItem {
    /// The column; empty if it is about the dataset.
    pub column: Text,
    /// The number of the card that it links to, 0 for none.
    pub link: usize,
    /// One sentence.
    pub detail: String,
}

/// The card of one column of a dataset.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Card {
    /// Its position in the dataset, from 1: the anchor is `c` and this number.
    pub number: usize,
    /// Its name.
    pub name: Text,
    /// Its type.
    pub kind: &'static str,
    /// The formatted share of missing cells; empty if there are none.
    pub missing: String,
    /// The formatted number of distinct values.
    pub distinct: String,
    /// The sort keys of columns.
    pub order: Order,
    /// Its sparkline; may be empty.
    #[serde(skip)]
    pub spark: String,
    /// Whether it is expanded at first.
    pub open: bool,
    /// The titles of its alerts.
    pub tags: Vec<AlertLine>,
    /// Its statistics, in groups.
    pub groups: Vec<Vec<Fact>>,
    /// Its charts.
    pub charts: Vec<Chart>,
}

/// The sort keys of columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Order {
    /// Missing cells.
    pub missing: u64,
    /// Distinct values.
    pub distinct: u64,
    /// The total weight of its alerts.
    pub alerts: u64,
}

/// The frame of every report.
pub(crate) fn frame(title: &str, kind: &str, created_at: DateTime<Utc>) -> Document {
    Document {
        title: Text::new(title, 90),
        kind: kind.to_owned(),
        subtitle: String::new(),
        created: created_at.format("%Y-%m-%d %H:%M UTC").to_string(),
        created_at,
        created_rfc3339: created_at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        generator: GENERATOR.to_owned(),
        provenance: Vec::new(),
        landscape: false,
        sections: Vec::new(),
        notes: Vec::new(),
    }
}
