//! Option types other than strings and numbers.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::text::one_char;

/// The word for a mark that is switched off, which the empty text is as well.
const OFF: &str = "none";

/// A mark that can be switched off: one character, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Mark {
    /// There is no such mark.
    Off,
    /// This character is it.
    Char(char),
}

impl TryFrom<String> for Mark {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == OFF {
            return Ok(Self::Off);
        }
        one_char(&text).map(|mark| mark.map_or(Self::Off, Self::Char))
    }
}

impl From<Mark> for String {
    fn from(mark: Mark) -> Self {
        match mark {
            Mark::Off => Self::new(),
            Mark::Char(c) => c.into(),
        }
    }
}

/// The order of the fields in dates of digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum DateOrder {
    /// `31/01/2012`.
    Dmy,
    /// `01/31/2012`.
    Mdy,
    /// `2012-01-31`.
    Ymd,
}

impl DateOrder {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dmy => "dmy",
            Self::Mdy => "mdy",
            Self::Ymd => "ymd",
        }
    }
}

impl fmt::Display for DateOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
