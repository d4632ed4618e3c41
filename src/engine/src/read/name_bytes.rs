//! The bound on the names of columns, which is that of every format: results repeat them many
//! times, in patterns of missing values, in alerts, in the sample.

use crate::EngineError;

/// The most bytes of one name.
const MAX_NAME: usize = 64 << 10;
/// The most bytes of all names together.
const MAX_NAMES: usize = 2 << 20;

/// The bytes of the names so far.
#[derive(Clone, Copy, Default)]
pub(crate) struct NameBytes(usize);

impl NameBytes {
    /// Those of names that are already known.
    pub(crate) fn of(names: &[String]) -> Self {
        Self(names.iter().map(String::len).sum())
    }

    /// Adds a name.
    ///
    /// # Errors
    /// If it is too long, or all of them are.
    pub(crate) fn add(&mut self, name: &[u8]) -> Result<(), EngineError> {
        self.0 += name.len();
        let (place, limit) = if name.len() > MAX_NAME {
            ("the name of a column", MAX_NAME)
        } else if self.0 > MAX_NAMES {
            ("the text of all column names", MAX_NAMES)
        } else {
            return Ok(());
        };
        Err(EngineError::CellTooLarge {
            place: place.into(),
            limit: limit as u64,
        })
    }
}
