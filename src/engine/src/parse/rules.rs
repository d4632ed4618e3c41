//! How the options of a request interpret a cell: missing, or a value.

use lastcall_domain::{DEFAULT_MISSING, ReadOptions};

use super::field::Field;
use super::kinds::{Hints, TypeSet};
use super::number::Float;
use super::style::{Marks, Style};
use super::styled_number;
use super::{number, time};
use crate::EngineError;

/// As [`Field::lower_case`] has them.
const TRUE: u64 = u64::from_le_bytes(*b"true\0\0\0\0");
const FALSE: u64 = u64::from_le_bytes(*b"false\0\0\0");

/// The rules by which cells are read, compiled from a request's options.
#[derive(Clone, Debug)]
pub(crate) struct CellRules {
    missing: Vec<Box<[u8]>>,
    empty_is_missing: bool,
    /// Bit n: some missing marker has n bytes (bit 63: or more).
    missing_lengths: u64,
    /// The first bytes of missing markers, 64 to a word.
    missing_starts: [u64; 4],
    /// Some missing marker reads as something else as well (`-999`), so that every cell has to
    /// be compared before it is read.
    missing_first: bool,
    /// The marks of numbers where they are not those of programs.
    marks: Option<Marks>,
    /// Other marks than these are looked for.
    detect: bool,
    hints: Hints,
    /// Of the hashes of texts and rows.
    seed: u64,
}

impl CellRules {
    /// The same with a seed for hashes.
    pub(crate) fn seeded(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    pub(crate) fn new(options: &ReadOptions) -> Result<Self, EngineError> {
        options.check()?;
        let missing: Vec<Box<[u8]>> = match &options.missing {
            Some(set) => set.iter().map(|m| m.as_bytes().into()).collect(),
            None => DEFAULT_MISSING
                .iter()
                .map(|m| m.as_bytes().into())
                .collect(),
        };
        let mut rules = Self {
            missing_lengths: missing.iter().fold(0, |bits, m| bits | length_bit(m)),
            missing_starts: starts(&missing),
            empty_is_missing: missing.iter().any(|marker| marker.is_empty()),
            missing,
            missing_first: false,
            marks: given_marks(options),
            detect: options.decimal.is_none() && options.thousands.is_none(),
            hints: Hints {
                date_order: options.date_order.map(Into::into),
                decimal_of_others: None,
            },
            seed: 0,
        };
        // `NaN` reads as a float, but is missing there as well.
        rules.missing_first = rules.missing.iter().any(|m| {
            !m.eq_ignore_ascii_case(b"nan") && !rules.classify(Field::from(&**m)).is_text()
        });
        Ok(rules)
    }

    #[inline]
    pub(crate) fn is_missing(&self, cell: &[u8]) -> bool {
        let Some(&first) = cell.first() else {
            return self.empty_is_missing;
        };
        // Most cells are of another length or begin otherwise. Both are looked at before the
        // branch: lengths are hard to foresee, what a column's cells look like is not.
        let length = self.missing_lengths & length_bit(cell) != 0;
        let start = self.missing_starts[usize::from(first / 64)] >> (first % 64) & 1 == 1;
        length & start && self.is_marker(cell)
    }

    #[inline(never)]
    fn is_marker(&self, cell: &[u8]) -> bool {
        self.missing.iter().any(|marker| **marker == *cell)
    }

    /// The same for a column whose numbers are of this style.
    pub(crate) fn styled(&self, style: Style) -> Self {
        Self {
            marks: Some(style.marks()),
            ..self.clone()
        }
    }

    /// What decides where the cells of a column leave doubt.
    pub(crate) fn hints(&self) -> Hints {
        self.hints
    }

    /// Whether cells must be compared with the missing markers before they are read.
    pub(crate) fn missing_first(&self) -> bool {
        self.missing_first
    }

    /// Whether numbers may have other marks than those of programs.
    pub(crate) fn has_marks(&self) -> bool {
        self.marks.is_some()
    }

    /// A whole number without any marks.
    pub(crate) fn plain_integer(cell: &[u8]) -> Option<i64> {
        number::integer(cell)
    }

    #[inline(always)]
    pub(crate) fn usual_integer(cell: Field<'_>) -> Option<i64> {
        number::usual_integer(cell)
    }

    #[inline(always)]
    pub(crate) fn integer(&self, cell: Field<'_>) -> Option<i64> {
        number::usual_integer(cell).or_else(|| self.any_integer(cell.text()))
    }

    #[cold]
    #[inline(never)]
    fn any_integer(&self, cell: &[u8]) -> Option<i64> {
        number::integer(cell.trim_ascii())
            .or_else(|| styled_number::read_integer(cell, self.marks?))
    }

    /// A number, and whether it may have more digits than a double holds.
    #[inline(always)]
    pub(crate) fn float(&self, cell: Field<'_>) -> Option<Float> {
        if self.has_point()
            && let Some(float) = number::usual_float(cell)
        {
            return Some(float);
        }
        let text = cell.text();
        let value = self.any_float(text)?;
        Some((value, number::may_be_rounded(text)))
    }

    #[cold]
    #[inline(never)]
    fn any_float(&self, cell: &[u8]) -> Option<f64> {
        self.plain_float(cell)
            .or_else(|| styled_number::read_float(cell, self.marks?))
    }

    /// Whether a point is a decimal mark.
    #[inline]
    fn has_point(&self) -> bool {
        self.marks.is_none_or(|marks| marks.decimal == '.')
    }

    /// A number without any marks but a decimal point. Where the decimal mark is another, `1.5` is
    /// none.
    fn plain_float(&self, cell: &[u8]) -> Option<f64> {
        let plain = self.has_point() || !cell.contains(&b'.');
        plain.then(|| number::float(cell.trim_ascii())).flatten()
    }

    /// Reads `true` and `false` in any case.
    #[inline]
    pub(crate) fn boolean(cell: Field<'_>) -> Option<bool> {
        if let Some(word) = cell.lower_case() {
            let (yes, no) = (word == TRUE, word == FALSE);
            if yes | no {
                return Some(yes);
            }
        }
        Self::any_boolean(cell.text())
    }

    #[inline(never)]
    fn any_boolean(cell: &[u8]) -> Option<bool> {
        if !matches!(
            cell,
            [b't' | b'T', b'r' | b'R', ..] | [b'f' | b'F', b'a' | b'A', ..] | [b' ', ..]
        ) {
            return None;
        }
        let cell = cell.trim_ascii();
        if cell.eq_ignore_ascii_case(b"true") {
            Some(true)
        } else if cell.eq_ignore_ascii_case(b"false") {
            Some(false)
        } else {
            None
        }
    }

    /// Reads a date or a point in time.
    #[inline]
    pub(crate) fn moment(cell: &[u8]) -> Option<time::ParsedDateTime> {
        time::moment(cell.trim_ascii())
    }

    /// Everything but text that the cell may be read as.
    pub(crate) fn classify(&self, cell: Field<'_>) -> TypeSet {
        let plain = self.typed(cell);
        if plain.is_text() && self.detect && !(cell.begins_with_digit() && cell.is_mixed()) {
            return styled_number::classify(cell.text());
        }
        plain
    }

    /// The same without numbers that have other marks than expected.
    pub(crate) fn typed(&self, cell: Field<'_>) -> TypeSet {
        if cell.begins_with_digit() && cell.is_mixed() {
            return TypeSet::TEXT;
        }
        let text = cell.text().trim_ascii();
        let Some(&first) = text.first() else {
            return TypeSet::TEXT;
        };
        let word = first.is_ascii_alphabetic() && !matches!(first, b'i' | b'I' | b'n' | b'N');
        if let Some(number) = self.number(text, word) {
            return number;
        }
        if Self::any_boolean(text).is_some() {
            TypeSet::BOOLEAN
        } else {
            time::moment(text).map_or(TypeSet::TEXT, |moment| moment.kinds)
        }
    }

    fn number(&self, cell: &[u8], word: bool) -> Option<TypeSet> {
        if number::integer(cell).is_some() {
            return Some(whole(cell));
        }
        // With marks that were given only what fits them is a number.
        let marks = self.marks.filter(|_| !self.detect);
        let Some(marks) = marks else {
            number::float(cell).filter(|_| !word)?;
            let grouped = self.detect && number::is_grouped(cell);
            let comma = TypeSet::number(Style::Comma, true);
            return Some(if grouped {
                TypeSet::FLOAT.or(comma)
            } else {
                TypeSet::FLOAT
            });
        };
        if !word && self.plain_float(cell).is_some() {
            return Some(TypeSet::FLOAT);
        }
        let around = styled_number::around(cell)?;
        if styled_number::read_integer(cell, marks).is_some() {
            return Some(around.or(TypeSet::number(Style::Plain, true)));
        }
        styled_number::read_float(cell, marks)?;
        Some(around.or(TypeSet::number(Style::Plain, false)))
    }

    /// A whole number beyond 64 bits.
    pub(crate) fn is_too_long(cell: &[u8]) -> bool {
        number::is_too_long(cell)
    }

    /// A number of more digits than a double tells apart.
    pub(crate) fn is_rounded(cell: &[u8]) -> bool {
        number::is_rounded(cell)
    }

    /// Digits that are an identifier, not a quantity.
    pub(crate) fn is_identifier(cell: &[u8]) -> bool {
        number::is_identifier(cell)
    }
}

/// What a whole number without marks may be, by its sign.
fn whole(cell: &[u8]) -> TypeSet {
    match cell.first() {
        Some(b'-') => TypeSet::WHOLE.without(TypeSet::NO_MINUS),
        Some(b'+') => TypeSet::WHOLE.without(TypeSet::NO_PLUS),
        _ => TypeSet::WHOLE,
    }
}

/// The marks that the options ask for, unless they are those of programs.
fn given_marks(options: &ReadOptions) -> Option<Marks> {
    let decimal = options.decimal_mark();
    let other = decimal != '.' || options.thousands.is_some();
    other.then(|| Marks::new(decimal, options.thousands))
}

fn starts(markers: &[Box<[u8]>]) -> [u64; 4] {
    let mut starts = [0; 4];
    for &byte in markers.iter().filter_map(|marker| marker.first()) {
        starts[usize::from(byte / 64)] |= 1 << (byte % 64);
    }
    starts
}

fn length_bit(cell: &[u8]) -> u64 {
    1 << cell.len().min(63)
}

/// An option that names one ASCII character, which was checked.
pub(crate) fn ascii(option: Option<char>) -> Option<u8> {
    option.and_then(|mark| u8::try_from(mark).ok())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
