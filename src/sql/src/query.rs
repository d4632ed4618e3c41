//! A query: its text and the values of its placeholders.

use lastcall_domain::SqlParameter;

/// A query.
#[derive(Clone, Copy, Debug)]
pub struct SqlQuery<'a> {
    pub(crate) text: &'a str,
    pub(crate) parameters: &'a [SqlParameter],
}

impl<'a> SqlQuery<'a> {
    /// A query without placeholders.
    pub fn new(text: &'a str) -> Self {
        Self {
            text,
            parameters: &[],
        }
    }

    /// The query with the values of its placeholders, `$1` first. They never become text: each
    /// replaces its placeholder in the parsed query.
    #[must_use]
    pub fn with(self, parameters: &'a [SqlParameter]) -> Self {
        Self { parameters, ..self }
    }
}

impl<'a> From<&'a str> for SqlQuery<'a> {
    fn from(text: &'a str) -> Self {
        Self::new(text)
    }
}

impl<'a> From<&'a String> for SqlQuery<'a> {
    fn from(text: &'a String) -> Self {
        Self::new(text)
    }
}
