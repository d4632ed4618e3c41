//! From cells of text to a typed column.

use std::borrow::Cow;

use crate::batch::{ColumnBatch, Missing, Texts, Values};
use crate::cell::{CellRules, Kind, Kinds};

/// The text of a cell; `None` where the row has no such cell.
pub(crate) type Cell<'a> = Option<Cow<'a, [u8]>>;

/// Reads the cells of one column as `kind`. A cell that is of another kind marks the column as
/// not fitting and counts as missing; the caller reads everything again with the right kind.
pub(crate) fn build_column<'a>(
    kind: Kind,
    cells: impl Iterator<Item = Cell<'a>>,
    rows: usize,
    rules: &CellRules,
) -> ColumnBatch {
    let mut builder = Builder {
        rules,
        missing: Missing::default(),
        kinds: Kinds::ALL,
        fits: true,
        typed: 0,
        identifiers: 0,
    };
    let values = match kind {
        Kind::Integer => builder.integers(cells, rows),
        Kind::Float => builder.floats(cells, rows),
        Kind::Text => builder.texts(cells, rows),
        _ => builder.others(kind, cells, rows),
    };
    ColumnBatch {
        values,
        missing: builder.missing,
        kinds: builder.kinds,
        fits: builder.fits,
        typed: builder.typed,
        identifiers: builder.identifiers,
    }
}

struct Builder<'r> {
    rules: &'r CellRules,
    missing: Missing,
    kinds: Kinds,
    fits: bool,
    typed: u64,
    identifiers: u64,
}

impl Builder<'_> {
    fn integers<'a>(&mut self, cells: impl Iterator<Item = Cell<'a>>, rows: usize) -> Values {
        let mut values = Vec::with_capacity(rows);
        let missing_first = self.rules.missing_first();
        for cell in cells {
            let value = match &cell {
                None => None,
                Some(cell) if missing_first && self.rules.is_missing(cell) => None,
                Some(cell) => {
                    let read = self.rules.integer(cell);
                    if read.is_some() {
                        self.kinds = self.kinds.and(Kinds::WHOLE);
                    } else {
                        self.odd(cell);
                    }
                    read
                }
            };
            self.missing.push(value.is_none());
            values.push(value.unwrap_or_default());
        }
        Values::Integers(values)
    }

    fn floats<'a>(&mut self, cells: impl Iterator<Item = Cell<'a>>, rows: usize) -> Values {
        let mut values = Vec::with_capacity(rows);
        let missing_first = self.rules.missing_first();
        for cell in cells {
            let value = match &cell {
                None => f64::NAN,
                Some(cell) if missing_first && self.rules.is_missing(cell) => f64::NAN,
                Some(cell) => self.float(cell),
            };
            self.missing.push(value.is_nan());
            values.push(value);
        }
        Values::Floats(values)
    }

    fn float(&mut self, cell: &[u8]) -> f64 {
        match self.rules.float(cell) {
            Some(value) => {
                // Whether all are whole numbers is looked at only until one is not.
                if self.kinds != Kinds::FLOAT {
                    // `NaN` is among the missing markers by default: no float then.
                    if value.is_nan() && self.rules.is_missing(cell) {
                        return value;
                    }
                    let whole = self.rules.integer(cell).is_some();
                    let allowed = if whole { Kinds::WHOLE } else { Kinds::FLOAT };
                    self.kinds = self.kinds.and(allowed);
                }
                value
            }
            None => {
                self.odd(cell);
                f64::NAN
            }
        }
    }

    fn texts<'a>(&mut self, cells: impl Iterator<Item = Cell<'a>>, rows: usize) -> Values {
        let mut texts = Texts::with_capacity(rows);
        for cell in cells {
            let cell = cell.filter(|cell| !self.rules.is_missing(cell));
            self.missing.push(cell.is_none());
            if let Some(cell) = cell {
                self.classify(&cell);
                texts.push(&cell);
            } else {
                texts.push_missing();
            }
        }
        Values::Text(texts)
    }

    /// Keeps track of what a column of text might be, and of numbers and dates among words.
    #[inline]
    fn classify(&mut self, cell: &[u8]) {
        let worded = cell.first().is_none_or(u8::is_ascii_alphabetic);
        if self.kinds.is_text() && worded {
            return;
        }
        let kinds = self.rules.classify(cell);
        if !kinds.is_text() {
            self.typed += 1;
        } else if CellRules::is_identifier(cell) {
            self.identifiers += 1;
        }
        self.kinds = self.kinds.and(kinds);
    }

    /// Booleans, dates and points in time.
    fn others<'a>(
        &mut self,
        kind: Kind,
        cells: impl Iterator<Item = Cell<'a>>,
        rows: usize,
    ) -> Values {
        let mut values = Vec::with_capacity(rows);
        for cell in cells {
            let cell = cell.filter(|cell| !self.rules.is_missing(cell));
            let value = cell.and_then(|cell| {
                let read = read_as(kind, &cell);
                if let Some((value, kinds)) = read {
                    self.kinds = self.kinds.and(kinds);
                    return Some(value);
                }
                self.odd(&cell);
                None
            });
            self.missing.push(value.is_none());
            values.push(value.unwrap_or_default());
        }
        Values::Integers(values)
    }

    /// A cell that could not be read as the kind of its column.
    #[cold]
    fn odd(&mut self, cell: &[u8]) {
        if !self.rules.is_missing(cell) {
            self.fits = false;
            self.kinds = self.kinds.and(self.rules.classify(cell));
        }
    }
}

/// Reads a boolean, a date or a point in time, and tells what else it may be.
fn read_as(kind: Kind, cell: &[u8]) -> Option<(i64, Kinds)> {
    match kind {
        Kind::Boolean => Some((i64::from(CellRules::boolean(cell)?), Kinds::BOOLEAN)),
        Kind::Date(order) => {
            let moment = CellRules::moment(cell)?;
            Some((moment.days(order)?, moment.kinds))
        }
        Kind::Timestamp(order) => {
            let moment = CellRules::moment(cell)?;
            Some((moment.micros(order)?, moment.kinds))
        }
        _ => None,
    }
}
