//! Detects the delimiter from the first records.

use lastcall_domain::ReadOptions;

use super::header::has_row_names;
use super::judge::{RECORDS, Score, Text};
use crate::parse::CellRules;
use crate::read::csv::cells::Cells;
use crate::read::csv::dialect::Dialect;

/// In order of preference if nothing else decides.
const CANDIDATES: [u8; 7] = [b',', b';', b'\t', b'|', b'^', b'~', 0x1f];
/// Characters that also occur in words: they have to split every record.
const RARE: [u8; 3] = [b'^', b'~', 0x1f];

/// The candidates that have no other meaning.
fn candidates(dialect: Dialect) -> impl Iterator<Item = u8> {
    let taken = [dialect.comment, dialect.quote, dialect.escape];
    let free = move |mark: &u8| !taken.contains(&Some(*mark));
    CANDIDATES.into_iter().filter(free)
}

impl Text<'_> {
    /// The delimiter with which the most of the first records have the same width; if there are
    /// several, the one with the most cells. A comma if none gives a second column.
    pub(super) fn delimiter(self, dialect: Dialect) -> u8 {
        let first = candidates(dialect).next().unwrap_or(b',');
        let mut best = (Score::default(), first);
        for delimiter in candidates(dialect) {
            let score = self.judge(
                &Dialect {
                    delimiter,
                    ..dialect
                },
                RECORDS,
            );
            if score.rank() > best.0.rank() && (score.is_clean() || !RARE.contains(&delimiter)) {
                best = (score, delimiter);
            }
        }
        let found = match best {
            (score, b',') if score.width > 1 => {
                let numbers = match score.share() {
                    100 => self.between_decimals(dialect),
                    _ => self.behind_decimals(dialect),
                };
                numbers.or_else(|| self.around_decimals(dialect, score.width))
            }
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
        let mut others = candidates(dialect).filter(|mark| *mark != b',');
        others.find(|mark| one && !self.text.contains(mark))
    }

    /// The delimiter that cuts most records into at least `width` cells, as commas do, if the
    /// commas are decimal marks. Titles and totals may have a comma as well, and fewer cells than
    /// the rows: commas look more regular then.
    fn around_decimals(self, dialect: Dialect, width: usize) -> Option<u8> {
        let others = candidates(dialect).filter(|mark| *mark != b',' && !RARE.contains(mark));
        let fitting = others.filter_map(|delimiter| {
            let other = Dialect {
                delimiter,
                ..dialect
            };
            let score = self.judge(&other, RECORDS);
            let fits = score.rank().0 > 50
                && score.width >= width
                && self.has_decimal_commas(other, score.width);
            fits.then_some((score.rank(), delimiter))
        });
        let best = fitting.reduce(|best, next| if next.0 > best.0 { next } else { best });
        best.map(|(_, delimiter)| delimiter)
    }

    /// Whether most commas in the records of this width are decimal marks, and none is between
    /// names above them.
    fn has_decimal_commas(self, dialect: Dialect, width: usize) -> bool {
        let (mut decimals, mut others) = (0, 0);
        let (mut names, mut first) = (false, true);
        for record in self.records(&dialect, RECORDS) {
            let record = record.strip_suffix(b"\n").unwrap_or(record);
            let cells = Cells::cut_record(record, dialect);
            let commas = cells.iter().filter(|cell| cell.contains(&b',')).count();
            let marks = cells.iter().filter(|cell| is_decimal(cell)).count();
            if cells.len() != width {
                names |= cells.len() == 1 && commas > marks;
                continue;
            }
            if first && (commas > marks || names && marks > 0) {
                return false;
            }
            first = false;
            decimals += marks;
            others += commas - marks;
        }
        decimals > 0 && 2 * others <= decimals
    }

    /// A blank, if there are at least three columns between blanks, two of them numeric. The header
    /// may have one cell less than the rows, as R writes it above rows with names.
    fn between_numbers(self, dialect: Dialect) -> Option<u8> {
        let blank = Dialect {
            delimiter: b' ',
            ..dialect
        };
        let mut records = self.records(&blank, RECORDS).map(|record| {
            let record = record.strip_suffix(b"\n").unwrap_or(record);
            Cells::cut_record(record, blank)
        });
        let header = records.next()?;
        let rows: Vec<Vec<Vec<u8>>> = records.collect();
        let width = rows.first()?.len();
        // Otherwise the last cell of every row would have no column.
        let named = || {
            let rules = CellRules::new(&ReadOptions::default()).ok()?;
            let table: Vec<&[Vec<u8>]> = std::iter::once(&header)
                .chain(&rows)
                .map(Vec::as_slice)
                .collect();
            Some(rows.len() > 1 && has_row_names(&table, width, &rules))
        };
        let even = rows.iter().all(|row| row.len() == width)
            && (header.len() == width || named().unwrap_or(false));
        if !even || width < 3 || self.judge(&blank, RECORDS).faults > 0 {
            return None;
        }
        let is_number = |cell: &[u8]| {
            let text = std::str::from_utf8(cell).unwrap_or_default();
            text.trim().parse::<f64>().is_ok()
        };
        let numeric = (0..width).filter(|at| rows.iter().all(|row| is_number(&row[*at])));
        (numeric.count() >= 2).then_some(b' ')
    }

    /// The delimiter of a text in which every comma is between two digits of a number.
    fn between_decimals(self, dialect: Dialect) -> Option<u8> {
        let mut others = candidates(dialect).filter(|other| *other != b',');
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

/// Whether the only comma of a cell is a decimal mark: thousands precede it, digits and at most a
/// unit follow.
fn is_decimal(cell: &[u8]) -> bool {
    let mut parts = cell.split(|byte| *byte == b',');
    let (Some(before), Some(after), None) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let start = before.iter().position(u8::is_ascii_digit);
    let whole = &before[start.unwrap_or(before.len())..];
    let end = after.iter().position(|byte| !byte.is_ascii_digit());
    let (fraction, unit) = after.split_at(end.unwrap_or(after.len()));
    let is_mark = |byte: &u8| matches!(byte, b'.' | b'\'' | b' ') || !byte.is_ascii();
    whole.last().is_some_and(u8::is_ascii_digit)
        && whole
            .iter()
            .all(|byte| byte.is_ascii_digit() || is_mark(byte))
        && !fraction.is_empty()
        && !unit.iter().any(u8::is_ascii_digit)
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
