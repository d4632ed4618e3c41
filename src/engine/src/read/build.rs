//! Builds typed columns from text cells.

use std::borrow::Cow;
use std::sync::Arc;

use crate::batch::{ChunkText, ColumnBatch, Missing, Texts, Values};
use crate::parse::{CellRules, Field, Float, Kind, ParsedDateTime, TypeSet};

/// A cell in the form of its format.
pub(crate) trait Cell {
    fn is_missing(&self, rules: &CellRules) -> bool;
    fn integer(&self, rules: &CellRules) -> Option<i64>;
    /// A fast path for integers without a plus; `None` if the fast path does not apply.
    #[inline(always)]
    fn usual_integer(&self) -> Option<i64> {
        None
    }
    /// A number, and whether it may have more digits than a double holds.
    fn float(&self, rules: &CellRules) -> Option<Float>;
    fn boolean(&self) -> Option<bool>;
    fn datetime(&self) -> Option<ParsedDateTime>;
    /// The types other than text that the cell allows.
    fn classify(&self, rules: &CellRules) -> TypeSet;
    /// The same without numbers with unexpected marks.
    fn typed(&self, rules: &CellRules) -> TypeSet {
        self.classify(rules)
    }
    /// Whether the cell is obviously a word.
    fn is_word(&self) -> bool;
    /// Whether the cell has another type than text in the file.
    #[inline(always)]
    fn is_native(&self) -> bool {
        false
    }
    fn text(&self) -> &[u8];
}

/// A cell of a format with text only.
impl Cell for Field<'_> {
    #[inline]
    fn is_missing(&self, rules: &CellRules) -> bool {
        rules.is_missing(self.text())
    }

    #[inline(always)]
    fn integer(&self, rules: &CellRules) -> Option<i64> {
        rules.integer(*self)
    }

    #[inline(always)]
    fn usual_integer(&self) -> Option<i64> {
        CellRules::usual_integer(*self)
    }

    #[inline]
    fn float(&self, rules: &CellRules) -> Option<Float> {
        rules.float(*self)
    }

    #[inline]
    fn boolean(&self) -> Option<bool> {
        CellRules::boolean(*self)
    }

    #[inline]
    fn datetime(&self) -> Option<ParsedDateTime> {
        CellRules::moment(Field::text(*self))
    }

    fn classify(&self, rules: &CellRules) -> TypeSet {
        rules.classify(*self)
    }

    fn typed(&self, rules: &CellRules) -> TypeSet {
        rules.typed(*self)
    }

    #[inline]
    fn is_word(&self) -> bool {
        Field::text(*self)
            .first()
            .is_none_or(u8::is_ascii_alphabetic)
    }

    #[inline]
    fn text(&self) -> &[u8] {
        Field::text(*self)
    }
}

/// A cell of such a format that may be quoted.
impl Cell for Cow<'_, [u8]> {
    fn is_missing(&self, rules: &CellRules) -> bool {
        Field::from(self.as_ref()).is_missing(rules)
    }

    fn integer(&self, rules: &CellRules) -> Option<i64> {
        Field::from(self.as_ref()).integer(rules)
    }

    fn float(&self, rules: &CellRules) -> Option<Float> {
        Field::from(self.as_ref()).float(rules)
    }

    fn boolean(&self) -> Option<bool> {
        Field::from(self.as_ref()).boolean()
    }

    fn datetime(&self) -> Option<ParsedDateTime> {
        Field::from(self.as_ref()).datetime()
    }

    fn usual_integer(&self) -> Option<i64> {
        Field::from(self.as_ref()).usual_integer()
    }

    fn classify(&self, rules: &CellRules) -> TypeSet {
        Field::from(self.as_ref()).classify(rules)
    }

    fn typed(&self, rules: &CellRules) -> TypeSet {
        Field::from(self.as_ref()).typed(rules)
    }

    fn is_word(&self) -> bool {
        Field::from(self.as_ref()).is_word()
    }

    fn text(&self) -> &[u8] {
        self
    }
}

/// Reads the cells of one column as `kind`. A cell of another kind clears `fits` and counts as
/// missing; the caller then reads everything again with the right kind.
///
/// Texts within the `chunk` are not copied.
pub(crate) fn build_column<C: Cell>(
    kind: Kind,
    cells: impl Iterator<Item = Option<C>>,
    rows: usize,
    rules: &CellRules,
    chunk: Option<&Arc<ChunkText>>,
) -> ColumnBatch {
    let mut builder = Builder {
        rules,
        chunk,
        missing: Missing::default(),
        kinds: TypeSet::ALL,
        fits: true,
        typed: 0,
        natives: 0,
        identifiers: 0,
        formulas: 0,
        too_long: 0,
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
        natives: builder.natives,
        identifiers: builder.identifiers,
        formulas: builder.formulas,
        out_of_range: 0,
        too_long: builder.too_long,
    }
}

struct Builder<'r> {
    rules: &'r CellRules,
    chunk: Option<&'r Arc<ChunkText>>,
    missing: Missing,
    kinds: TypeSet,
    fits: bool,
    typed: u64,
    natives: u64,
    identifiers: u64,
    formulas: u64,
    too_long: u64,
}

impl Builder<'_> {
    fn integers<C: Cell>(&mut self, cells: impl Iterator<Item = Option<C>>, rows: usize) -> Values {
        let mut values = vec![0; rows];
        let missing_first = self.rules.missing_first();
        let mut usual = false;
        for (row, (value, cell)) in values.iter_mut().zip(cells).enumerate() {
            let read = match &cell {
                None => None,
                Some(cell) if missing_first && cell.is_missing(self.rules) => None,
                Some(cell) => match cell.usual_integer() {
                    Some(read) => {
                        usual = true;
                        Some(read)
                    }
                    None => self.integer(cell),
                },
            };
            match read {
                Some(read) => *value = read,
                None => self.missing.mark(row),
            }
        }
        if usual {
            self.kinds = self.kinds.and(TypeSet::WHOLE);
            if values.iter().any(|&value| value < 0) {
                self.kinds = self.kinds.without(TypeSet::NO_MINUS);
            }
        }
        Values::Integers(values)
    }

    /// The slow path for integers.
    #[inline(never)]
    fn integer(&mut self, cell: &impl Cell) -> Option<i64> {
        let read = cell.integer(self.rules);
        if read.is_some() {
            self.kinds = self.kinds.and(cell.classify(self.rules));
        } else {
            self.odd(cell);
        }
        read
    }

    fn floats<C: Cell>(&mut self, cells: impl Iterator<Item = Option<C>>, rows: usize) -> Values {
        let mut values = vec![f64::NAN; rows];
        let missing_first = self.rules.missing_first();
        let marks = self.rules.has_marks();
        // The kind of number is only inspected while it is undecided.
        let mut open = self.kinds.is_open() | marks;
        let mut decided = false;
        for (row, (value, cell)) in values.iter_mut().zip(cells).enumerate() {
            let cell = cell.filter(|cell| !(missing_first && cell.is_missing(self.rules)));
            if let Some(cell) = cell {
                match cell.float(self.rules) {
                    Some((read, long)) => {
                        *value = read;
                        if long {
                            self.long(&cell);
                        }
                        if open {
                            self.narrow(&cell, read);
                            open = self.kinds.is_open() | marks;
                        } else {
                            decided = true;
                        }
                    }
                    None => self.odd(&cell),
                }
            }
            if value.is_nan() {
                self.missing.mark(row);
            }
        }
        if decided {
            self.kinds = self.kinds.and(TypeSet::FLOAT);
        }
        Values::Floats(values)
    }

    #[inline(never)]
    fn narrow(&mut self, cell: &impl Cell, value: f64) {
        // `NaN` is a missing marker by default, and then not a float.
        if !value.is_nan() || !cell.is_missing(self.rules) {
            self.kinds = self.kinds.and(cell.classify(self.rules));
        }
    }

    /// Counts a number whose last digits a double may not hold.
    #[inline(never)]
    fn long(&mut self, cell: &impl Cell) {
        let text = cell.text();
        let rounded = CellRules::is_too_long(text) || CellRules::is_rounded(text);
        self.too_long += u64::from(rounded);
    }

    fn texts<C: Cell>(&mut self, cells: impl Iterator<Item = Option<C>>, rows: usize) -> Values {
        let mut texts = Texts::new(self.chunk, rows, self.rules.seed());
        for (row, cell) in cells.enumerate() {
            let cell = cell.filter(|cell| !cell.is_missing(self.rules));
            if let Some(text) = cell.as_ref().and_then(|cell| formula(cell.text())) {
                self.kinds = TypeSet::TEXT;
                self.formulas += 1;
                if self.rules.is_missing(text) {
                    self.missing.mark(row);
                    texts.push_missing();
                } else {
                    texts.push(text);
                }
            } else if let Some(cell) = cell {
                self.classify(&cell);
                self.natives += u64::from(cell.is_native());
                texts.push(cell.text());
            } else {
                self.missing.mark(row);
                texts.push_missing();
            }
        }
        Values::Text(texts)
    }

    /// Tracks the possible types of a text column, and counts typed cells.
    #[inline]
    fn classify(&mut self, cell: &impl Cell) {
        // Of words, only booleans matter, so that most words are not parsed.
        let word = cell.is_word();
        let boolean = word && cell.boolean().is_some();
        let kinds = match (self.kinds.is_text(), word) {
            (true, true) => TypeSet::TEXT,
            (true, false) => cell.typed(self.rules),
            (false, _) => cell.classify(self.rules),
        };
        self.kinds = self.kinds.and(kinds);
        if boolean || (!word && kinds.is_typed()) {
            self.typed += 1;
        } else if !word {
            let too_long = CellRules::is_too_long(cell.text());
            let identifier = too_long || CellRules::is_identifier(cell.text());
            self.identifiers += u64::from(identifier);
            self.too_long += u64::from(too_long);
        }
    }

    /// Booleans, dates and timestamps.
    fn others<C: Cell>(
        &mut self,
        kind: Kind,
        cells: impl Iterator<Item = Option<C>>,
        rows: usize,
    ) -> Values {
        let mut values = vec![0; rows];
        for (row, (value, cell)) in values.iter_mut().zip(cells).enumerate() {
            let cell = cell.filter(|cell| !cell.is_missing(self.rules));
            let read = cell.and_then(|cell| {
                let read = read_as(kind, &cell);
                if let Some((value, kinds)) = read {
                    self.kinds = self.kinds.and(kinds);
                    return Some(value);
                }
                self.odd(&cell);
                None
            });
            match read {
                Some(read) => *value = read,
                None => self.missing.mark(row),
            }
        }
        Values::Integers(values)
    }

    /// Records a cell that could not be read as the kind of its column.
    #[cold]
    fn odd(&mut self, cell: &impl Cell) {
        if !cell.is_missing(self.rules) {
            self.fits = false;
            self.kinds = self.kinds.and(cell.classify(self.rules));
        }
    }
}

/// The text in `="00501"`, which prevents spreadsheets from converting it to a number.
#[inline]
fn formula(cell: &[u8]) -> Option<&[u8]> {
    match cell {
        [b'=', b'"', text @ .., b'"'] if !text.contains(&b'"') => Some(text),
        _ => None,
    }
}

/// Reads a boolean, a date or a timestamp; also returns the types that the cell allows.
fn read_as(kind: Kind, cell: &impl Cell) -> Option<(i64, TypeSet)> {
    match kind {
        Kind::Boolean => Some((i64::from(cell.boolean()?), TypeSet::BOOLEAN)),
        Kind::Date(order) => {
            let moment = cell.datetime()?;
            Some((moment.days(order)?, moment.kinds))
        }
        Kind::Timestamp(order) => {
            let moment = cell.datetime()?;
            Some((moment.micros(order)?, moment.kinds))
        }
        _ => None,
    }
}
