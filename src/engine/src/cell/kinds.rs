//! Type inference as set intersection.
//!
//! Every cell allows a set of readings; a column allows the intersection of its cells' sets.
//! Intersection is associative and commutative, so the type of a column depends on its cells
//! only: not on their order, on the chunks they came in or on the threads that read them.

use lastcall_domain::profile::ColumnType;

/// A set of readings other than text, which every cell allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kinds(u16);

impl Kinds {
    pub(crate) const TEXT: Self = Self(0);
    pub(crate) const BOOLEAN: Self = Self(1);
    pub(crate) const INTEGER: Self = Self(1 << 1);
    pub(crate) const FLOAT: Self = Self(1 << 2);
    /// An integer is also a float.
    pub(crate) const WHOLE: Self = Self(Self::INTEGER.0 | Self::FLOAT.0);
    /// Dates whose order of day and month is beyond doubt.
    pub(crate) const DATE: Self = Self(1 << 3);
    pub(crate) const DATE_DAY_FIRST: Self = Self(1 << 4);
    pub(crate) const DATE_MONTH_FIRST: Self = Self(1 << 5);
    pub(crate) const TIME: Self = Self(1 << 6);
    pub(crate) const TIME_DAY_FIRST: Self = Self(1 << 7);
    pub(crate) const TIME_MONTH_FIRST: Self = Self(1 << 8);
    pub(crate) const ALL: Self = Self((1 << 9) - 1);

    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(crate) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Nothing but text is left.
    pub(crate) const fn is_text(self) -> bool {
        self.0 == 0
    }

    /// The reading to use for a column whose cells allow this set. A column without a cell is
    /// text. Dates that could be day-first as well as month-first stay text: guessing would be
    /// wrong for half of the world.
    pub(crate) fn resolve(self) -> Kind {
        if self == Self::ALL {
            return Kind::Text;
        }
        let either = |day_first, month_first| match (self.has(day_first), self.has(month_first)) {
            (true, false) => Some(DateOrder::Day),
            (false, true) => Some(DateOrder::Month),
            _ => None,
        };
        if self.has(Self::INTEGER) {
            Kind::Integer
        } else if self.has(Self::FLOAT) {
            Kind::Float
        } else if self.has(Self::BOOLEAN) {
            Kind::Boolean
        } else if self.has(Self::DATE) {
            Kind::Date(DateOrder::Year)
        } else if let Some(order) = either(Self::DATE_DAY_FIRST, Self::DATE_MONTH_FIRST) {
            Kind::Date(order)
        } else if self.has(Self::TIME) {
            Kind::Timestamp(DateOrder::Year)
        } else if let Some(order) = either(Self::TIME_DAY_FIRST, Self::TIME_MONTH_FIRST) {
            Kind::Timestamp(order)
        } else {
            Kind::Text
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

/// How the cells of a column are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Boolean,
    Integer,
    Float,
    Date(DateOrder),
    Timestamp(DateOrder),
    Text,
}

impl Kind {
    pub(crate) fn column_type(self) -> ColumnType {
        match self {
            Self::Boolean => ColumnType::Boolean,
            Self::Integer => ColumnType::Integer,
            Self::Float => ColumnType::Float,
            Self::Date(_) => ColumnType::Date,
            Self::Timestamp(_) => ColumnType::Timestamp,
            Self::Text => ColumnType::String,
        }
    }

    pub(crate) fn is_numeric(self) -> bool {
        matches!(self, Self::Integer | Self::Float)
    }
}
