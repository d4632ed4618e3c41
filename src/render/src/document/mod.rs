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

use crate::chart::Chart;
use crate::input::Origin;

pub(crate) use check::check;
pub(crate) use compare::{compare, status};
pub(crate) use correlation::correlation;
pub(crate) use generic::generic;
pub(crate) use grid::{Table, TableColumn, Text};
pub(crate) use profile::profile;
pub(crate) use table::table;

/// What makes the reports, with its version.
pub(crate) const GENERATOR: &str = concat!("Lastcall ", env!("CARGO_PKG_VERSION"));

/// A whole report.
#[derive(Debug, Serialize)]
pub(crate) struct Document {
    /// What it is about: the dataset's name, or what the caller named it.
    pub title: Text,
    /// What it is: `Data profile`.
    pub kind: String,
    /// A line under the title.
    pub subtitle: String,
    /// When it was made, `2026-01-31 12:00 UTC`.
    pub created: String,
    /// The same for machines, RFC 3339.
    pub created_rfc3339: String,
    /// What made it, with its version.
    pub generator: String,
    /// Of what, from where and how it was made.
    pub provenance: Vec<Fact>,
    /// Whether pages are to be wider than high.
    pub landscape: bool,
    /// The parts, in order.
    pub sections: Vec<Section>,
    /// What a reader must know about the figures.
    pub notes: Vec<String>,
}

impl Document {
    /// Adds where it comes from, and when and by what it was made.
    pub(crate) fn comes_from(&mut self, origin: Origin<'_>) {
        let facts = [
            ("SHA-256", origin.sha256),
            ("Session", origin.session),
            ("Job", origin.job),
            ("Created", Some(self.created.as_str())),
            ("Created by", Some(self.generator.as_str())),
        ];
        let facts = facts.map(|(label, value)| value.map(|value| Fact::new(label, value)));
        self.provenance.extend(facts.into_iter().flatten());
    }
}

/// A part of the report with a heading.
#[derive(Debug, Serialize)]
pub(crate) struct Section {
    /// The anchor within the page: an ASCII name that the program chose, another for each.
    pub id: String,
    /// The heading.
    pub title: String,
    /// What is in it.
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
    /// What to look at first.
    Alerts {
        /// One line each.
        alerts: Vec<AlertLine>,
    },
    /// What to look at first, by kind.
    AlertGroups {
        /// One kind each.
        groups: Vec<AlertGroup>,
    },
    /// A sentence.
    Text {
        /// The sentence.
        text: String,
    },
    /// Text to be set as it is, in a fixed-width face.
    Code {
        /// The text.
        text: String,
    },
    /// A table.
    Table(Table),
    /// A chart over the whole width.
    Chart(Chart),
    /// Charts that stand beside each other where there is room.
    Charts {
        /// The charts.
        charts: Vec<Chart>,
    },
    /// All about one column.
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
    /// The figure, as it is shown.
    pub value: String,
    /// What stands beside it, in small; may be empty.
    pub more: String,
}

impl Fact {
    /// A figure with nothing beside it.
    pub(crate) fn new(label: &str, value: impl Into<String>) -> Self {
        Self {
            label: label.to_owned(),
            value: value.into(),
            more: String::new(),
        }
    }

    /// The same with something beside it.
    pub(crate) fn with(mut self, more: impl Into<String>) -> Self {
        self.more = more.into();
        self
    }
}

/// One alert.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct AlertLine {
    /// The column, or what stands for the whole dataset.
    pub column: Text,
    /// What it is, for people: `Missing values`.
    pub title: &'static str,
    /// `high`, `medium` or `low`.
    pub level: &'static str,
    /// One sentence.
    pub detail: String,
}

/// The alerts of one kind.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct AlertGroup {
    /// What they are, for people: `Missing values`.
    pub title: &'static str,
    /// `high`, `medium` or `low`.
    pub level: &'static str,
    /// How many there are: `3 columns`; empty where it is the dataset's.
    pub count: String,
    /// The first of them.
    pub items: Vec<AlertItem>,
    /// How many there are beyond those.
    pub more: u64,
}

/// One alert of a group.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct AlertItem {
    /// The column; empty where it is the dataset's.
    pub column: Text,
    /// The number of the card that it leads to, 0 for none.
    pub link: usize,
    /// One sentence.
    pub detail: String,
}

/// All about one column of a dataset.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Card {
    /// Its place in the dataset, from 1: the anchor is `c` and this number.
    pub number: usize,
    /// Its name.
    pub name: Text,
    /// Its type.
    pub kind: &'static str,
    /// The share of its cells that are missing, as it is shown; empty where there is none.
    pub missing: String,
    /// How many values differ, as it is shown.
    pub distinct: String,
    /// The figures that columns are sorted by.
    pub order: Order,
    /// Its distribution as small as a word; may be empty.
    #[serde(skip)]
    pub spark: String,
    /// Whether it is shown whole before somebody asks for it.
    pub open: bool,
    /// The titles of its alerts.
    pub tags: Vec<AlertLine>,
    /// Its figures, in groups.
    pub groups: Vec<Vec<Fact>>,
    /// Its charts.
    pub charts: Vec<Chart>,
}

/// The figures that columns are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Order {
    /// Missing cells.
    pub missing: u64,
    /// Different values.
    pub distinct: u64,
    /// How much its alerts matter together.
    pub alerts: u64,
}

/// The frame of every report.
pub(crate) fn frame(title: &str, kind: &str, created_at: DateTime<Utc>) -> Document {
    Document {
        title: Text::new(title, 90),
        kind: kind.to_owned(),
        subtitle: String::new(),
        created: created_at.format("%Y-%m-%d %H:%M UTC").to_string(),
        created_rfc3339: created_at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        generator: GENERATOR.to_owned(),
        provenance: Vec::new(),
        landscape: false,
        sections: Vec::new(),
        notes: Vec::new(),
    }
}
