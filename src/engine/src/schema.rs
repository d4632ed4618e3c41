//! What the cells of a dataset say about its columns.

use std::collections::HashMap;

use lastcall_domain::profile::Warning;

use crate::EngineError;
use crate::batch::{Batch, Notes, PLACES_NAMED};
use crate::cell::Kinds;
use crate::read::{Dataset, MAX_COLUMNS, Plan};

/// What is known about the columns after some of the data.
pub(crate) struct Findings {
    names: Vec<String>,
    kinds: Vec<Kinds>,
    varied: Vec<bool>,
    /// Where the columns are that were not planned.
    more: HashMap<String, usize>,
    pub(crate) rows: u64,
    /// All cells could be read as planned.
    pub(crate) fits: bool,
    notes: Notes,
}

impl Findings {
    /// From a first look at the data.
    pub(crate) fn new(dataset: &dyn Dataset) -> Self {
        let looks = dataset.first_look();
        Self {
            kinds: looks.iter().map(|look| look.kinds).collect(),
            varied: looks.iter().map(|look| look.varied).collect(),
            names: looks.into_iter().map(|look| look.name).collect(),
            more: HashMap::new(),
            rows: 0,
            fits: true,
            notes: Notes::default(),
        }
    }

    /// Nothing yet, but for the names and what the format says.
    pub(crate) fn nothing(dataset: &dyn Dataset, plan: &Plan) -> Self {
        Self {
            names: plan.names.clone(),
            varied: plan.varied.clone(),
            kinds: dataset
                .declared()
                .unwrap_or_else(|| vec![Kinds::ALL; plan.kinds.len()]),
            more: HashMap::new(),
            rows: 0,
            fits: true,
            notes: Notes::default(),
        }
    }

    /// Takes note of a batch.
    ///
    /// # Errors
    /// Where there are too many columns.
    pub(crate) fn add(&mut self, batch: &Batch) -> Result<(), EngineError> {
        self.rows += batch.rows as u64;
        for (kinds, column) in self.kinds.iter_mut().zip(&batch.columns) {
            *kinds = kinds.and(column.kinds);
            self.fits &= column.fits;
        }
        for (name, kinds) in &batch.more {
            self.fits = false;
            match self.more.get(name) {
                Some(&at) => self.kinds[at] = self.kinds[at].and(*kinds),
                None => {
                    self.more.insert(name.clone(), self.names.len());
                    self.names.push(name.clone());
                    self.kinds.push(*kinds);
                    self.varied.push(true);
                }
            }
        }
        if self.names.len() > MAX_COLUMNS {
            return Err(EngineError::TooManyColumns {
                limit: MAX_COLUMNS as u64,
            });
        }
        let notes = &batch.notes;
        self.notes.ragged += notes.ragged;
        self.notes.ragged_first.extend(&notes.ragged_first);
        self.notes.ragged_first.truncate(PLACES_NAMED);
        self.notes.replaced += notes.replaced;
        self.notes.replaced_first.extend(&notes.replaced_first);
        self.notes.replaced_first.truncate(PLACES_NAMED);
        self.notes.beyond_ascii |= notes.beyond_ascii;
        Ok(())
    }

    /// Whether the text is no UTF-8: some of it is not, and none of it is but for plain ASCII.
    pub(crate) fn is_latin(&self) -> bool {
        self.notes.replaced > 0 && !self.notes.beyond_ascii
    }

    /// How many columns there are.
    pub(crate) fn width(&self) -> usize {
        self.names.len()
    }

    /// The columns as they should be read.
    pub(crate) fn plan(&self) -> Plan {
        Plan {
            names: self.names.clone(),
            kinds: self.kinds.iter().map(|kinds| kinds.resolve()).collect(),
            varied: self.varied.clone(),
        }
    }

    /// What the reader had to put up with.
    ///
    /// # Errors
    /// Where it is so much that the data cannot be what it claims to be: more than a tenth of the
    /// rows, and more than 100, are not as wide as the header.
    pub(crate) fn warnings(&self, width: usize) -> Result<Vec<Warning>, EngineError> {
        let mut warnings = Vec::new();
        let notes = &self.notes;
        if notes.ragged > 100 && notes.ragged * 10 > self.rows {
            let first = notes.ragged_first.first();
            return Err(EngineError::Malformed {
                format: "CSV",
                line: first.map(|(line, _)| *line),
                column: first.map(|(_, cells)| (*cells.min(&width) + 1) as u64),
                detail: format!(
                    "{} of {} rows do not have the {width} cells of the header, this one first",
                    notes.ragged, self.rows
                ),
            });
        }
        if notes.ragged > 0 {
            let places = notes.ragged_first.iter();
            let places = places.map(|(line, cells)| format!("{line} ({cells} cells)"));
            warnings.push(Warning {
                code: "ragged_rows".into(),
                detail: format!(
                    "rows without the {width} cells of the header, filled up or cut: on line {}",
                    list(places, notes.ragged)
                ),
                count: notes.ragged,
            });
        }
        if notes.replaced > 0 {
            let places = notes.replaced_first.iter().map(u64::to_string);
            warnings.push(Warning {
                code: "replaced_characters".into(),
                detail: format!(
                    "what is no Unicode text was replaced: on line {}",
                    list(places, notes.replaced)
                ),
                count: notes.replaced,
            });
        }
        Ok(warnings)
    }
}

fn list(places: impl Iterator<Item = String>, all: u64) -> String {
    let named: Vec<String> = places.collect();
    let more = if all > named.len() as u64 {
        ", …"
    } else {
        ""
    };
    format!("{}{more}", named.join(", "))
}
