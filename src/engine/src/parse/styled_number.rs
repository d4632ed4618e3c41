//! Numbers as people write them: `1.234,50 €`, `(12)`, `12-`, `3 %`.
//!
//! A unit and the sign stand around the digits and marks of a [`Style`].

#[cfg(test)]
mod tests;

use super::kinds::TypeSet;
use super::number;
use super::style::{Marks, Style, folded};
use super::unit::{PERCENT, UNIT_NAMES};

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
    let mut in_parentheses = false;
    let mut trailing = false;
    // Sign, parentheses and unit come in any order: `-$5`, `$-5`, `5 €-`, `$(5)`.
    loop {
        if !in_parentheses
            && let Some(inner) = rest.strip_prefix('(')
            && let Some(inner) = inner.strip_suffix(')')
        {
            in_parentheses = true;
            rest = trim(inner);
        } else if let Some(after) = rest.strip_prefix(['-', '\u{2212}']) {
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
