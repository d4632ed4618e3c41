//! Detects the delimiter from the first records.

use super::judge::{RECORDS, Score, Text};
use crate::read::csv::cells::Cells;
use crate::read::csv::dialect::Dialect;

/// In order of preference if nothing else decides.
const CANDIDATES: [u8; 7] = [b',', b';', b'\t', b'|', b'^', b'~', 0x1f];
/// Characters that also occur in words: they have to split every record.
const RARE: [u8; 3] = [b'^', b'~', 0x1f];

impl Text<'_> {
    /// The delimiter with which the most of the first records have the same width; if there are
    /// several, the one with the most cells. A comma if none gives a second column.
    pub(super) fn delimiter(self, dialect: Dialect) -> u8 {
        let mut best = (Score::default(), b',');
        for delimiter in CANDIDATES {
            if Some(delimiter) == dialect.comment {
                continue;
            }
            let score = self.judge(
                &Dialect {
                    delimiter,
                    ..dialect
                },
                RECORDS,
            );
            if score > best.0 && (score.is_clean() || !RARE.contains(&delimiter)) {
                best = (score, delimiter);
            }
        }
        let found = match best {
            (score, b',') if score.share() == 100 => self.between_decimals(dialect),
            (score, b',') if score.width > 1 => self.behind_decimals(dialect),
            (score, _) if score.width < 2 => self.between_numbers(dialect),
            _ => None,
        };
        found.unwrap_or(best.1)
    }

    /// A delimiter that does not occur, if every comma is a mark of the only number of its line,
    /// below a column name.
    fn behind_decimals(self, dialect: Dialect) -> Option<u8> {
        let comma = Dialect {
            delimiter: b',',
            ..dialect
        };
        let mut records = self.records(&comma, RECORDS);
        let name = records.next()?.trim_ascii();
        let numbers: Option<Vec<SingleNumber>> = records.map(SingleNumber::of).collect();
        let numbers = numbers?;
        // Several words may be a title above two columns of integers, unless these look like cents.
        let named = !name.contains(&b' ') || numbers.iter().all(|number| number.decimals == 2);
        let one = !name.contains(&b',') && named && numbers.iter().any(|number| number.commas > 0);
        let mut others = CANDIDATES.into_iter().filter(|mark| *mark != b',');
        others.find(|mark| one && !self.text.contains(mark))
    }

    /// A blank, if there are at least three columns between blanks, two of them numeric.
    fn between_numbers(self, dialect: Dialect) -> Option<u8> {
        let blank = Dialect {
            delimiter: b' ',
            ..dialect
        };
        let score = self.judge(&blank, RECORDS);
        if !score.is_clean() || score.width < 3 || score.records < 2 {
            return None;
        }
        let mut numbers = vec![true; score.width];
        for record in self.records(&blank, RECORDS).skip(1) {
            let record = record.strip_suffix(b"\n").unwrap_or(record);
            for (is_number, cell) in numbers.iter_mut().zip(Cells::cut_record(record, blank)) {
                let text = std::str::from_utf8(&cell).unwrap_or_default();
                *is_number &= text.trim().parse::<f64>().is_ok();
            }
        }
        let count = numbers.into_iter().filter(|is_number| *is_number).count();
        (count >= 2).then_some(b' ')
    }

    /// The delimiter of a text in which every comma is between two digits of a number.
    fn between_decimals(self, dialect: Dialect) -> Option<u8> {
        let mut others = CANDIDATES.into_iter().filter(|other| *other != b',');
        others.find(|&delimiter| {
            let other = Dialect {
                delimiter,
                ..dialect
            };
            let decimal = |cell: &Vec<u8>| {
                let mut parts = cell.split(|byte| *byte == b',');
                let number = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
                let first = parts.next().unwrap_or_default();
                let first = first.strip_prefix(b"-").unwrap_or(first);
                let Some(fraction) = parts.next() else {
                    return true;
                };
                number(first) && number(fraction) && parts.next().is_none()
            };
            self.judge(&other, RECORDS).is_clean()
                && self.records(&other, RECORDS).all(|record| {
                    let record = record.strip_suffix(b"\n").unwrap_or(record);
                    Cells::cut_record(record, other).iter().all(decimal)
                })
        })
    }
}

/// The only number of its line.
struct SingleNumber {
    commas: usize,
    /// Digits after the last comma.
    decimals: usize,
}

impl SingleNumber {
    /// `None` unless the line is a number: digits, marks between them, and at most a sign and a
    /// unit.
    fn of(record: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(record).ok()?.trim();
        let is_unit = |c: char| !c.is_ascii_digit() && !matches!(c, ',' | '.' | '\'');
        let text = text.trim_matches(is_unit);
        let marks = |c: char| {
            c.is_ascii_digit() || matches!(c, ',' | '.' | '\'' | ' ' | '\u{a0}' | '\u{202f}')
        };
        let begins = text.starts_with(|c: char| c.is_ascii_digit());
        let ends = text.ends_with(|c: char| c.is_ascii_digit());
        if !begins || !ends || !text.chars().all(marks) {
            return None;
        }
        let commas = text.matches(',').count();
        let behind = text.rsplit(',').next().unwrap_or_default();
        let mut groups = text.split(',').skip(1);
        // Several commas separate thousands; a single one may be the decimal mark.
        let fits =
            commas < 2 || groups.all(|group| group.split('.').next().map(str::len) == Some(3));
        fits.then_some(Self {
            commas,
            decimals: if commas == 0 { 0 } else { behind.len() },
        })
    }
}
