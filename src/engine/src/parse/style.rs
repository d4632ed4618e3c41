//! Number styles: the decimal mark and the thousands separator. Programs write the plain style.

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
pub(super) fn folded(c: char) -> char {
    match c {
        '\u{a0}' | '\u{202f}' | '\u{2009}' | '\u{2007}' => ' ',
        '\u{2019}' => '\'',
        other => other,
    }
}
