//! Type inference as set intersection.
//!
//! Every cell allows a set of readings; a column allows the intersection of its cells' sets.
//! Intersection is associative and commutative, so the type of a column depends on its cells
//! only: not on their order, on the chunks they came in or on the threads that read them.
//!
//! A reading of a number is a style (which marks stand where), a unit and what signs mean. What
//! has to be known of *some* cell is kept as what holds of *all*: a column in which some cell has
//! a minus is one whose cells do not all do without.

mod dates;

use lastcall_domain::DateOrder as GivenOrder;
use lastcall_domain::profile::ColumnType;

use super::style::Style;

/// A set of readings other than text, which every cell allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TypeSet(u64);

/// How many styles there are.
const STYLES: u32 = Style::ALL.len() as u32;
/// The first bit of whole numbers, one for each style; then of all numbers; then of units.
const WHOLE_BITS: u32 = 16;
const NUMBER_BITS: u32 = WHOLE_BITS + STYLES;
const SIGN_BITS: u32 = NUMBER_BITS + STYLES;
const UNIT_BITS: u32 = SIGN_BITS + 8;
/// How many units there are, no unit included.
pub(super) const UNITS: u32 = 64 - UNIT_BITS;

/// Dates and points in time in some order, by the digits of their years.
const LONG_YEARS: u64 = bits(1, 6);
const SHORT_YEARS: u64 = bits(7, 3);
const DATE_ORDERS: u64 = LONG_YEARS | SHORT_YEARS;

const fn bits(first: u32, count: u32) -> u64 {
    ((1 << count) - 1) << first
}

impl TypeSet {
    pub(crate) const TEXT: Self = Self(0);
    pub(crate) const BOOLEAN: Self = Self(1);
    /// Dates whose order of day and month is beyond doubt.
    pub(crate) const DATE: Self = Self(1 << 1);
    pub(crate) const DATE_DAY_FIRST: Self = Self(1 << 2);
    pub(crate) const DATE_MONTH_FIRST: Self = Self(1 << 3);
    pub(crate) const TIME: Self = Self(1 << 4);
    pub(crate) const TIME_DAY_FIRST: Self = Self(1 << 5);
    pub(crate) const TIME_MONTH_FIRST: Self = Self(1 << 6);
    /// Points in time whose years may have two digits, in each order.
    pub(crate) const SHORT_DAY_FIRST: Self = Self(1 << 7);
    pub(crate) const SHORT_MONTH_FIRST: Self = Self(1 << 8);
    pub(crate) const SHORT_YEAR_FIRST: Self = Self(1 << 9);
    /// What holds of all of these: they are dates; they are read without an option; they are read
    /// without one even if the year comes first. Without an order, these bits mean nothing.
    pub(crate) const SHORT_DATE: Self = Self(1 << 10);
    pub(crate) const CREDIBLE: Self = Self(1 << 11);
    pub(crate) const CREDIBLE_YEAR_FIRST: Self = Self(1 << 12);

    /// Whole numbers of up to 38 digits, and decimals of as many, where the format has them.
    pub(crate) const LARGE: Self = Self(1 << 13);
    pub(crate) const DECIMAL: Self = Self(1 << 14);

    /// Whole numbers as programs write them.
    pub(crate) const INTEGER: Self = Self(1 << WHOLE_BITS);
    /// No plus before a whole number, no minus anywhere.
    pub(crate) const NO_PLUS: Self = Self(1 << SIGN_BITS);
    pub(crate) const NO_MINUS: Self = Self(1 << (SIGN_BITS + 1));
    /// No cell, or every cell, is negative by parentheses or by a minus at its end.
    pub(crate) const NO_ODD_SIGN: Self = Self(1 << (SIGN_BITS + 2));
    pub(crate) const ALL_PARENTHESES: Self = Self(1 << (SIGN_BITS + 3));
    pub(crate) const ALL_TRAILING: Self = Self(1 << (SIGN_BITS + 4));
    /// No cell has a decimal mark or one between thousands.
    pub(crate) const NO_MARKS: Self = Self(1 << (SIGN_BITS + 5));
    /// No cell has a mark between thousands.
    pub(crate) const NO_GROUPS: Self = Self(1 << (SIGN_BITS + 6));
    /// Every cell is whole groups of three digits with blanks between them, as codes are.
    pub(crate) const ALL_THREES: Self = Self(1 << (SIGN_BITS + 7));
    pub(crate) const NO_UNIT: Self = Self(1 << UNIT_BITS);
    const USUAL: Self = Self(
        Self::NO_PLUS.0
            | Self::NO_MINUS.0
            | Self::NO_ODD_SIGN.0
            | Self::NO_GROUPS.0
            | Self::NO_UNIT.0,
    );

    /// A whole number without a sign or with a minus, which is a number in every style.
    pub(crate) const WHOLE: Self = Self(
        bits(WHOLE_BITS, STYLES) | bits(NUMBER_BITS, STYLES) | Self::USUAL.0 | Self::NO_MARKS.0,
    );
    /// A number with a decimal point, which is one in every style that has it.
    pub(crate) const FLOAT: Self = Self(
        Self::USUAL.0
            | Self::number(Style::Plain, false).0
            | Self::number(Style::Point, false).0
            | Self::number(Style::PointBlank, false).0
            | Self::number(Style::PointApostrophe, false).0,
    );
    pub(crate) const ALL: Self = Self(u64::MAX);

    /// A number in a style; a whole one is a float as well.
    pub(super) const fn number(style: Style, whole: bool) -> Self {
        let at = style as u32;
        Self(1 << (NUMBER_BITS + at) | (whole as u64) << (WHOLE_BITS + at))
    }

    /// Numbers with this unit; 0 is none.
    pub(super) const fn unit(unit: u32) -> Self {
        Self(1 << (UNIT_BITS + unit))
    }

    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(crate) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(crate) const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub(crate) const fn has_any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Nothing but text is left.
    pub(crate) const fn is_text(self) -> bool {
        let readings = Self::BOOLEAN.0 | DATE_ORDERS | bits(NUMBER_BITS, STYLES);
        self.0 & readings == 0
    }

    /// Whether a single cell reads as something that programs write: a plain number, a boolean, a
    /// date or a point in time.
    pub(crate) const fn is_typed(self) -> bool {
        let typed = Self::BOOLEAN.0 | LONG_YEARS | 1 << NUMBER_BITS;
        self.0 & typed != 0 || self.has_any(Self(SHORT_YEARS)) && self.has(Self::CREDIBLE)
    }

    /// Whether a cell reads as a number in some style.
    pub(crate) const fn is_number(self) -> bool {
        self.0 & bits(NUMBER_BITS, STYLES) != 0
    }

    /// Whether a cell reads as a date or a point in time in some order.
    pub(crate) const fn is_date(self) -> bool {
        self.0 & DATE_ORDERS != 0
    }

    /// Whether more of the cells may tell what kind of numbers these are: whole ones, or with a
    /// point between thousands.
    pub(crate) const fn is_open(self) -> bool {
        let open = Self::INTEGER.0 | Self::number(Style::Comma, false).0;
        self.0 & open != 0
    }

    /// The units that all cells allow; one at most but in a column without cells.
    pub(crate) fn units(self) -> impl Iterator<Item = u32> {
        (0..UNITS).filter(move |&unit| self.has(Self::unit(unit)))
    }

    /// The reading to use for a column whose cells allow this set. A column without a cell is
    /// text. What could be read in two ways stays text, unless `hints` decide: guessing would be
    /// wrong for half of the world.
    pub(crate) fn resolve(self, hints: &Hints) -> Reading {
        if self == Self::ALL {
            return Reading::TEXT;
        }
        if self.has(Self::LARGE) {
            return Reading::of(Kind::Large);
        }
        if self.has(Self::DECIMAL) {
            return Reading::of(Kind::Decimal);
        }
        if let Some(number) = self.resolve_number(hints) {
            return number;
        }
        if self.has(Self::BOOLEAN) {
            return Reading::of(Kind::Boolean);
        }
        self.resolve_date(hints)
    }

    fn resolve_number(self, hints: &Hints) -> Option<Reading> {
        self.units().next()?;
        let styles: Vec<Style> = Style::ALL
            .into_iter()
            .filter(|&style| self.has(Self::number(style, false)))
            .collect();
        let first = *styles.first()?;
        let has = |style| styles.contains(&style);
        let reading = |style: Style| {
            let whole = self.has(Self::number(style, true));
            let kind = if whole { Kind::Integer } else { Kind::Float };
            Some(Reading { kind, style })
        };
        let doubt = Some(Reading::TEXT);
        if first == Style::Plain {
            // A plus that no minus explains is part of a name: a telephone number.
            let named = self.has(Self::INTEGER.or(Self::NO_MINUS)) && !self.has(Self::NO_PLUS);
            // `12.500` among decimal commas.
            let grouped = has(Style::Comma) && !self.has(Self::NO_MARKS);
            let comma = hints.decimal_of_others == Some(b',');
            return match (named, grouped && comma) {
                (true, _) => None,
                (false, true) => doubt,
                (false, false) => reading(Style::Plain),
            };
        }
        // Where every number is in parentheses they say nothing of a sign.
        if self.has(Self::ALL_PARENTHESES) || self.has(Self::ALL_TRAILING) {
            return None;
        }
        if self.has(Self::ALL_THREES) {
            return doubt;
        }
        let comma = Style::COMMAS.into_iter().find(|&style| has(style));
        let point = Style::POINTS.into_iter().find(|&style| has(style));
        match (point, comma) {
            (Some(point), Some(_)) if self.has(Self::NO_MARKS) => reading(point),
            (Some(_), Some(comma)) if hints.decimal_of_others == Some(b',') => {
                // `1,234` is a fraction there; `$1.234` may be either.
                if has(Style::PointBlank) {
                    doubt
                } else {
                    reading(comma)
                }
            }
            // A point is a decimal mark where nothing says otherwise; an apostrophe never is one.
            (Some(point), Some(_)) if has(Style::PointBlank) || has(Style::PointApostrophe) => {
                reading(point)
            }
            (Some(point), Some(_)) if hints.decimal_of_others == Some(b'.') => reading(point),
            (Some(_), Some(_)) => doubt,
            (Some(style), None) | (None, Some(style)) => reading(style),
            (None, None) => reading(first),
        }
    }

    /// Whether the column is of numbers that could be read in several styles.
    pub(crate) fn is_ambiguous_number(self, hints: &Hints) -> bool {
        self != Self::ALL
            && self
                .resolve_number(hints)
                .is_some_and(|read| read.kind == Kind::Text)
    }

    /// The decimal mark that the column is certain of: `,` or `.`.
    pub(crate) fn decimal(self) -> Option<u8> {
        let any = |styles: [Style; 3]| {
            let mut styles = styles.into_iter();
            styles.any(|style| self.has(Self::number(style, false)))
        };
        if self == Self::ALL || self.has(Self::NO_MARKS) || self.units().next().is_none() {
            return None;
        }
        match (any(Style::POINTS), any(Style::COMMAS)) {
            (true, false) => Some(b'.'),
            (false, true) => Some(b','),
            _ => None,
        }
    }
}

/// What decides where the cells of a column leave doubt.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hints {
    /// The order of dates that was given.
    pub(crate) date_order: Option<DateOrder>,
    /// The decimal mark that columns are certain of, where they agree.
    pub(crate) decimal_of_others: Option<u8>,
}

/// How the cells of a column are read: what they are, and which marks their numbers have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) kind: Kind,
    pub(crate) style: Style,
}

impl Reading {
    const TEXT: Self = Self::of(Kind::Text);

    const fn of(kind: Kind) -> Self {
        Self {
            kind,
            style: Style::Plain,
        }
    }
}

/// Which field of a date comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DateOrder {
    /// `2012-01-31`, or with the month's name.
    Year,
    /// `31/01/2012`.
    Day,
    /// `01/31/2012`.
    Month,
}

impl From<GivenOrder> for DateOrder {
    fn from(order: GivenOrder) -> Self {
        match order {
            GivenOrder::Dmy => Self::Day,
            GivenOrder::Mdy => Self::Month,
            GivenOrder::Ymd => Self::Year,
        }
    }
}

impl From<DateOrder> for GivenOrder {
    fn from(order: DateOrder) -> Self {
        match order {
            DateOrder::Day => Self::Dmy,
            DateOrder::Month => Self::Mdy,
            DateOrder::Year => Self::Ymd,
        }
    }
}

/// How the cells of a column are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Boolean,
    Integer,
    /// Whole numbers of up to 38 digits.
    Large,
    /// Numbers of as many, some of them behind the point.
    Decimal,
    Float,
    Date(DateOrder),
    Timestamp(DateOrder),
    Text,
}

impl Kind {
    pub(crate) fn column_type(self) -> ColumnType {
        match self {
            Self::Boolean => ColumnType::Boolean,
            Self::Integer | Self::Large => ColumnType::Integer,
            Self::Float | Self::Decimal => ColumnType::Float,
            Self::Date(_) => ColumnType::Date,
            Self::Timestamp(_) => ColumnType::Timestamp,
            Self::Text => ColumnType::String,
        }
    }

    pub(crate) fn is_numeric(self) -> bool {
        matches!(
            self,
            Self::Integer | Self::Large | Self::Decimal | Self::Float
        )
    }
}
