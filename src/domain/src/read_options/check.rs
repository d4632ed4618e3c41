//! Validation of read options, on their own and for a format.

use super::{Mark, ReadOptions, encoding};
use crate::{Format, InvalidOption};

/// The most missing values, and the most columns, that a request may name.
const MAX_NAMED: usize = 1_000;

impl ReadOptions {
    /// Checks the options for a dataset of this format.
    ///
    /// # Errors
    /// The first invalid option.
    pub fn check_for(&self, format: Format) -> Result<(), InvalidOption> {
        self.check_for_any(&[format])
    }

    /// Checks the options for datasets of these formats: each option must apply to one of them.
    ///
    /// # Errors
    /// The first invalid option.
    pub fn check_for_any(&self, formats: &[Format]) -> Result<(), InvalidOption> {
        let known: Vec<&str> = formats
            .iter()
            .flat_map(|format| Self::of_format(*format))
            .copied()
            .collect();
        let Some(option) = self.given().find(|option| !known.contains(option)) else {
            return self.check();
        };
        let known = formats.iter().map(|format| {
            let known = Self::of_format(*format).join(", ");
            format!("{format} does not have it; it has {known}")
        });
        let detail: Vec<String> = known.collect();
        Err(InvalidOption::new(option, detail.join("; ")))
    }

    /// Checks the options.
    ///
    /// # Errors
    /// The first invalid option.
    pub fn check(&self) -> Result<(), InvalidOption> {
        let count = |list: &Option<Vec<String>>| list.as_ref().map_or(0, Vec::len);
        for (option, list) in [("missing", &self.missing), ("columns", &self.columns)] {
            if count(list) > MAX_NAMED {
                let detail = format!("more than {MAX_NAMED} values");
                return Err(InvalidOption::new(option, detail));
            }
        }
        if self.columns.as_ref().is_some_and(Vec::is_empty) {
            return Err(InvalidOption::new("columns", "it names no column"));
        }
        self.check_marks()?;
        self.check_numbers()?;
        match &self.encoding {
            Some(label) if encoding(label).is_none() => Err(InvalidOption::new(
                "encoding",
                format!("{label:?} is no encoding that is known"),
            )),
            _ => Ok(()),
        }
    }

    fn check_marks(&self) -> Result<(), InvalidOption> {
        let quote = self.quote.unwrap_or(Mark::Char('"'));
        let marks = [
            ("quote", char_of(quote)),
            ("delimiter", self.delimiter),
            ("escape", self.escape.and_then(char_of)),
            ("comment", self.comment),
        ];
        for (at, (option, mark)) in marks.into_iter().enumerate() {
            let Some(mark) = mark else { continue };
            if !mark.is_ascii() || "\n\r\0".contains(mark) {
                let wanted = "one ASCII character other than a line end is wanted";
                return Err(InvalidOption::new(option, wanted));
            }
            let before = marks[..at].iter().find(|(_, other)| *other == Some(mark));
            // A quote that escapes itself means doubled quotes.
            if let Some((other, _)) = before
                && (*other, option) != ("quote", "escape")
            {
                return Err(InvalidOption::new(option, format!("it is the {other}")));
            }
        }
        Ok(())
    }

    fn check_numbers(&self) -> Result<(), InvalidOption> {
        let decimal = self.decimal_mark();
        if !matches!(decimal, '.' | ',') {
            let detail = format!("{decimal:?} is neither . nor ,");
            return Err(InvalidOption::new("decimal", detail));
        }
        match self.thousands {
            Some(mark) if mark.is_alphanumeric() || "+-\"\n\r\0".contains(mark) => Err(
                InvalidOption::new("thousands", format!("{mark:?} cannot stand between digits")),
            ),
            Some(mark) if mark == decimal => {
                Err(InvalidOption::new("thousands", "it is the decimal mark"))
            }
            _ => Ok(()),
        }
    }
}

fn char_of(mark: Mark) -> Option<char> {
    match mark {
        Mark::Off => None,
        Mark::Char(c) => Some(c),
    }
}
