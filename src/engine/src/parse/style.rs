//! Numbers as people write them: `1.234,50 €`, `(12)`, `12-`, `3 %`.
//!
//! A style says which mark stands before the fraction and which between thousands; a unit and
//! the sign stand around that. What programs write is the plain style and read elsewhere.

use super::kinds::{TypeSet, UNITS};
use super::number;

/// Which marks a number has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Style {
    /// `1234.5`, without anything around it.
    #[default]
    Plain,
    /// `1,234.5`
    Point,
    /// `1 234.5`
    PointBlank,
    /// `1’234.5`
    PointApostrophe,
    /// `1.234,5`
    Comma,
    /// `1 234,5`
    CommaBlank,
    /// `1’234,5`
    CommaApostrophe,
}

impl Style {
    pub(crate) const ALL: [Self; 7] = [
        Self::Plain,
        Self::Point,
        Self::PointBlank,
        Self::PointApostrophe,
        Self::Comma,
        Self::CommaBlank,
        Self::CommaApostrophe,
    ];
    pub(super) const POINTS: [Self; 3] = [Self::Point, Self::PointBlank, Self::PointApostrophe];
    pub(super) const COMMAS: [Self; 3] = [Self::Comma, Self::CommaBlank, Self::CommaApostrophe];

    pub(crate) fn decimal(self) -> char {
        if Self::COMMAS.contains(&self) {
            ','
        } else {
            '.'
        }
    }

    pub(super) fn marks(self) -> Marks {
        let thousands = match self {
            Self::Plain => None,
            Self::Point => Some(','),
            Self::Comma => Some('.'),
            Self::PointBlank | Self::CommaBlank => Some(' '),
            Self::PointApostrophe | Self::CommaApostrophe => Some('\''),
        };
        Marks {
            decimal: self.decimal(),
            thousands,
        }
    }
}

/// The marks of a style, or those that an option gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Marks {
    pub(super) decimal: char,
    /// Blanks of all widths are one mark, and so are both apostrophes.
    pub(super) thousands: Option<char>,
}

impl Marks {
    pub(super) fn new(decimal: char, thousands: Option<char>) -> Self {
        Self {
            decimal,
            thousands: thousands.map(folded),
        }
    }
}

/// Blanks of any width as one character, and both apostrophes as another.
fn folded(c: char) -> char {
    match c {
        '\u{a0}' | '\u{202f}' | '\u{2009}' | '\u{2007}' => ' ',
        '\u{2019}' => '\'',
        other => other,
    }
}

/// Units, by how they are written before or behind a number. The place is the unit's number; two
/// ways to write one currency are two units, as they may be two currencies.
const UNIT_NAMES: [&str; UNITS as usize - 1] = [
    "%", "$", "€", "£", "¥", "₹", "₽", "₩", "₺", "₴", "₪", "฿", "₫", "₦", "R$", "kr", "Kč", "zł",
    "Ft", "CHF", "USD", "EUR", "GBP", "JPY", "CNY",
];

/// How a unit is called in a warning.
pub(crate) fn unit_name(unit: u32) -> Option<&'static str> {
    let at = usize::try_from(unit).ok()?.checked_sub(1)?;
    UNIT_NAMES.get(at).copied()
}

/// The unit of percentages.
pub(crate) const PERCENT: u32 = 1;

/// The longest number that is looked at, in bytes.
const LONGEST: usize = 48;
/// The most groups of digits in a number.
const GROUPS: usize = 10;

/// A number without its sign and unit.
struct Bare<'a> {
    /// Digits with marks between them.
    digits: &'a str,
    /// `E+05`.
    exponent: &'a str,
    negative: bool,
    /// What is known of its sign and unit.
    kinds: TypeSet,
}

/// Takes sign, parentheses and unit off a cell. `None` where nothing like a number is left.
fn bare(cell: &[u8]) -> Option<Bare<'_>> {
    let cell = cell.trim_ascii();
    if cell.is_empty() || cell.len() > LONGEST || !may_be_number(cell) {
        return None;
    }
    let mut rest = trim(std::str::from_utf8(cell).ok()?);
    let mut unit = 0;
    let mut signs: u32 = 0;
    let mut plus = false;
    let parentheses = rest
        .strip_prefix('(')
        .and_then(|inner| inner.strip_suffix(')'));
    if let Some(inner) = parentheses {
        rest = trim(inner);
    }
    let mut trailing = false;
    // Sign and unit come in any order: `-$5`, `$-5`, `5 €-`.
    loop {
        if let Some(after) = rest.strip_prefix(['-', '\u{2212}']) {
            signs += 1;
            rest = trim(after);
        } else if let Some(after) = rest.strip_prefix('+') {
            plus = true;
            signs += 1;
            rest = trim(after);
        } else if let Some(before) = rest.strip_suffix(['-', '\u{2212}']) {
            trailing = true;
            signs += 1;
            rest = trim(before);
        } else if unit == 0
            && let Some((found, without)) = take_unit(rest)
        {
            unit = found;
            rest = trim(without);
        } else {
            break;
        }
    }
    let in_parentheses = parentheses.is_some();
    if signs + u32::from(in_parentheses) > 1 {
        return None;
    }
    let negative = signs == 1 && !plus || in_parentheses;
    let mut kinds = TypeSet::unit(unit).or(TypeSet::NO_GROUPS);
    if !plus {
        kinds = kinds.or(TypeSet::NO_PLUS);
    }
    if !negative {
        kinds = kinds.or(TypeSet::NO_MINUS);
    }
    kinds = match (in_parentheses, trailing) {
        (true, _) if unit == 0 => kinds.or(TypeSet::ALL_PARENTHESES),
        (_, true) if unit == 0 => kinds.or(TypeSet::ALL_TRAILING),
        (false, false) => kinds.or(TypeSet::NO_ODD_SIGN),
        _ => kinds,
    };
    let end = rest.find(['e', 'E']).unwrap_or(rest.len());
    let (digits, exponent) = rest.split_at(end);
    let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let whole = is_digit(digits.chars().next()) && is_digit(digits.chars().next_back());
    (whole && (exponent.is_empty() || is_exponent(exponent))).then_some(Bare {
        digits,
        exponent,
        negative,
        kinds,
    })
}

/// Whether the first and the last byte are those of a number with what may stand around it.
fn may_be_number(cell: &[u8]) -> bool {
    let is_edge = |byte: u8| byte.is_ascii_digit() || byte >= 0x80 || byte.is_ascii_alphabetic();
    let (first, last) = (cell[0], cell[cell.len() - 1]);
    let begins = is_edge(first) || matches!(first, b'-' | b'+' | b'(' | b'$' | b'%');
    let ends = is_edge(last) || matches!(last, b'-' | b')' | b'$' | b'%');
    begins && ends && cell.iter().any(u8::is_ascii_digit)
}

fn trim(text: &str) -> &str {
    text.trim_matches(|c| folded(c) == ' ')
}

fn is_exponent(text: &str) -> bool {
    let digits = text[1..].strip_prefix(['+', '-']).unwrap_or(&text[1..]);
    (1..=3).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// The unit at either end, and the rest. Letters stand apart from digits.
fn take_unit(text: &str) -> Option<(u32, &str)> {
    (1..).zip(UNIT_NAMES).find_map(|(unit, name)| {
        let letter = |c: char| c.is_alphabetic();
        let apart = |c: Option<char>| c.is_some_and(|c| folded(c) == ' ');
        let before = text.strip_prefix(name).filter(|rest| {
            unit != PERCENT && (!name.ends_with(letter) || apart(rest.chars().next()))
        });
        let behind = || {
            text.strip_suffix(name)
                .filter(|rest| !name.starts_with(letter) || apart(rest.chars().next_back()))
        };
        before.or_else(behind).map(|rest| (unit, rest))
    })
}

/// Digits between marks.
struct Groups {
    /// How many digits each has.
    lengths: [usize; GROUPS],
    /// The mark before each but the first.
    marks: [char; GROUPS],
    count: usize,
    leading_zero: bool,
    /// All are 255 at most: an address of the Internet has four of them.
    bytes: bool,
}

impl Groups {
    fn of(digits: &str) -> Option<Self> {
        let mut groups = Self {
            lengths: [0; GROUPS],
            marks: [' '; GROUPS],
            count: 1,
            leading_zero: false,
            bytes: true,
        };
        let mut value = 0u32;
        for c in digits.chars() {
            if let Some(digit) = c.to_digit(10) {
                let length = &mut groups.lengths[groups.count - 1];
                *length += 1;
                value = value.saturating_mul(10).saturating_add(digit);
                groups.bytes &= value <= 255;
                continue;
            }
            if groups.count == GROUPS || groups.lengths[groups.count - 1] == 0 || c.is_alphabetic()
            {
                return None;
            }
            groups.marks[groups.count] = folded(c);
            groups.count += 1;
            value = 0;
        }
        groups.leading_zero = digits.starts_with('0') && groups.lengths[0] > 1;
        Some(groups)
    }

    /// Whether these are the groups of a number with such marks; whether it is a whole one, and
    /// whether it has a mark between thousands.
    fn fit(&self, marks: Marks, zero: bool) -> Option<(bool, bool)> {
        let fraction = self.count > 1 && self.marks[self.count - 1] == marks.decimal;
        let whole = self.count - usize::from(fraction);
        let grouped = whole > 1;
        let between = self.marks[1..whole]
            .iter()
            .all(|mark| Some(*mark) == marks.thousands);
        let threes = self.lengths[1..whole].iter().all(|&length| length == 3);
        let first = !grouped || (self.lengths[0] <= 3 && !zero);
        let address = self.count == 4 && whole == 4 && self.bytes && marks.thousands == Some('.');
        let fits = between && threes && first && !self.leading_zero && !address;
        fits.then_some((!fraction, grouped))
    }
}

/// Every reading of a cell as a number in some style but the plain one.
pub(super) fn classify(cell: &[u8]) -> TypeSet {
    let read = || {
        let bare = bare(cell)?;
        let groups = Groups::of(bare.digits)?;
        let zero = bare.digits.starts_with('0');
        let mut kinds = TypeSet::TEXT;
        let mut grouped_all = true;
        for style in Style::ALL.into_iter().skip(1) {
            let Some((whole, grouped)) = groups.fit(style.marks(), zero) else {
                continue;
            };
            let whole = whole && bare.exponent.is_empty();
            if whole && integer(&bare, style.marks()).is_none() {
                continue;
            }
            grouped_all &= grouped;
            kinds = kinds.or(TypeSet::number(style, whole));
        }
        if kinds.is_text() {
            return None;
        }
        let mut around = bare.kinds;
        if grouped_all {
            around = around.without(TypeSet::NO_GROUPS);
        }
        if groups.count == 1 {
            around = around.or(TypeSet::NO_MARKS);
        }
        let lengths = &groups.lengths[..groups.count];
        let blanks = groups.count > 1 && bare.digits.contains(' ');
        if blanks && lengths.iter().all(|&length| length == 3) && bare.kinds.has(TypeSet::NO_UNIT) {
            around = around.or(TypeSet::ALL_THREES);
        }
        Some(kinds.or(around))
    };
    read().unwrap_or(TypeSet::TEXT)
}

/// Reads a whole number with such marks.
pub(super) fn read_integer(cell: &[u8], marks: Marks) -> Option<i64> {
    let bare = bare(cell)?;
    let (whole, _) = Groups::of(bare.digits)?.fit(marks, bare.digits.starts_with('0'))?;
    if !whole || !bare.exponent.is_empty() {
        return None;
    }
    integer(&bare, marks)
}

fn integer(bare: &Bare<'_>, marks: Marks) -> Option<i64> {
    number::integer(plain(bare, marks, &mut [0; LONGEST + 1])?)
}

/// Reads a number with such marks.
pub(super) fn read_float(cell: &[u8], marks: Marks) -> Option<f64> {
    let bare = bare(cell)?;
    Groups::of(bare.digits)?.fit(marks, bare.digits.starts_with('0'))?;
    number::float(plain(&bare, marks, &mut [0; LONGEST + 1])?)
}

/// What reads as a number with such marks may be read as, as far as sign and unit tell.
pub(super) fn around(cell: &[u8]) -> Option<TypeSet> {
    bare(cell).map(|bare| bare.kinds)
}

/// The number as programs write it.
fn plain<'b>(bare: &Bare<'_>, marks: Marks, buffer: &'b mut [u8; LONGEST + 1]) -> Option<&'b [u8]> {
    let mut length = 0;
    let mut push = |byte: u8| {
        buffer[length] = byte;
        length += 1;
    };
    if bare.negative {
        push(b'-');
    }
    for c in bare.digits.chars() {
        if c.is_ascii_digit() {
            push(u8::try_from(c).ok()?);
        } else if c == marks.decimal {
            push(b'.');
        }
    }
    for byte in bare.exponent.bytes() {
        push(byte);
    }
    Some(&buffer[..length])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::kinds::{Hints, Kind, Reading};
    use super::super::number;
    use super::*;

    /// As a column of such cells is read.
    fn column(cells: &[&str], decimal_of_others: Option<u8>) -> Reading {
        let kinds = cells.iter().fold(TypeSet::ALL, |kinds, cell| {
            let cell = cell.as_bytes();
            kinds.and(match (number::integer(cell), number::float(cell)) {
                (Some(n), _) if n < 0 => TypeSet::WHOLE.without(TypeSet::NO_MINUS),
                (Some(_), _) if cell[0] == b'+' => TypeSet::WHOLE.without(TypeSet::NO_PLUS),
                (Some(_), _) => TypeSet::WHOLE,
                (None, Some(_)) => TypeSet::FLOAT.or(number_grouped(cell)),
                (None, None) => classify(cell),
            })
        });
        kinds.resolve(&Hints {
            decimal_of_others,
            ..Hints::default()
        })
    }

    fn number_grouped(cell: &[u8]) -> TypeSet {
        let comma = TypeSet::number(Style::Comma, true);
        if classify(cell).has(comma) {
            comma
        } else {
            TypeSet::TEXT
        }
    }

    #[test]
    fn a_column_is_read_in_the_only_style_that_all_its_cells_allow() {
        use Style::{Comma, CommaApostrophe, CommaBlank, Plain, Point, PointApostrophe};
        let (whole, float) = (Kind::Integer, Kind::Float);
        for (cells, kind, style) in [
            (&["3,5", "12,25", "7"][..], float, Comma),
            (&["1.234,50", "99,90"], float, Comma),
            (&["1.234.567", "12"], whole, Comma),
            (&["1 234,50", "9,5"], float, CommaBlank),
            (&["1\u{a0}234,5", "1\u{202f}234,5"], float, CommaBlank),
            (&["1’234,5", "1'234'567,5"], float, CommaApostrophe),
            (&["1’234.50", "12"], float, PointApostrophe),
            (&["1,234.50", "1,234"], float, Point),
            (&["1,234,567", "12,345"], whole, Point),
            (&["0,125", "0,250"], float, Comma),
            (&["1234,567"], float, Comma),
            (&["1 234", "12 345"], whole, Style::PointBlank),
            (&["12%", "3 %"], whole, Point),
            (&["12.5%", "3.25%"], float, Point),
            (&["12,5 %", "3 %"], float, Comma),
            (&["$1,234.50", "$-3", "-$4"], float, Point),
            (&["1.234,50 €", "9,99 €"], float, Comma),
            (&["100 zł", "20 zł"], whole, Point),
            (&["(5)", "3", "12"], whole, Point),
            (&["($5.25)", "$3"], float, Point),
            (&["5-", "3", "1,5-"], float, Comma),
            (&["\u{2212}5", "3"], whole, Point),
            (&["1,5E+03", "2,5"], float, Comma),
            (&["12.500", "3.750"], float, Plain),
            (&["+3", "-2"], whole, Plain),
        ] {
            assert_eq!(column(cells, None), Reading { kind, style }, "{cells:?}");
        }
    }

    #[test]
    fn what_leaves_doubt_stays_text() {
        for cells in [
            &["1,234", "12,345"][..],
            &["123 456", "654 321"],
            &["(1)", "(2)"],
            &["1-", "2-"],
            &["12%", "3"],
            &["$1", "€2"],
            &["1,5", "1.5"],
            &["1,5,3", "2,5"],
            &["12.34.56"],
            &["007,5"],
            &["10.100.200.100", "192.168.100.200"],
            &["555-1234"],
            &["1,23,456"],
            &["12,", "3"],
            &["5 apples"],
            &["5kr"],
            &["--5"],
            &["(-5)", "3"],
            &["+4930123456", "+14155550101"],
            &["99.999.999.999.999.999.999"],
        ] {
            assert_eq!(column(cells, None).kind, Kind::Text, "{cells:?}");
        }
    }

    #[test]
    fn other_columns_tell_which_mark_is_the_decimal_one() {
        let read = |cells: &[&str], decimal| {
            let read = column(cells, Some(decimal));
            (read.kind, read.style)
        };
        assert_eq!(read(&["1,234"], b'.'), (Kind::Integer, Style::Point));
        assert_eq!(read(&["1,234"], b','), (Kind::Float, Style::Comma));
        assert_eq!(read(&["12.500"], b',').0, Kind::Text);
        assert_eq!(read(&["12.500"], b'.'), (Kind::Float, Style::Plain));
        assert_eq!(read(&["12.5"], b','), (Kind::Float, Style::Plain));
    }

    #[test]
    fn numbers_have_their_value_in_the_style_of_their_column() {
        for (cell, style, value) in [
            ("1.234,50 €", Style::Comma, 1234.5),
            ("12.500", Style::Comma, 12_500.0),
            ("12.500", Style::Point, 12.5),
            ("1\u{202f}234,5", Style::CommaBlank, 1234.5),
            ("(1,234.5)", Style::Point, -1234.5),
            ("12,5-", Style::Comma, -12.5),
            ("-12,5 %", Style::Comma, -12.5),
            ("1,5E+03", Style::Comma, 1500.0),
        ] {
            assert_eq!(
                read_float(cell.as_bytes(), style.marks()),
                Some(value),
                "{cell}"
            );
        }
        let other = Marks::new(',', Some('_'));
        assert_eq!(read_float(b"1_234,5", other), Some(1234.5));
        assert_eq!(read_integer(b"1_234_567", other), Some(1_234_567));
        assert_eq!(
            read_integer(b"-1.234.567", Style::Comma.marks()),
            Some(-1_234_567)
        );
        assert_eq!(read_float(b"1.5", other), None);
    }
}
