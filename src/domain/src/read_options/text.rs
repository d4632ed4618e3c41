//! Options from text: request parameters and command-line flags.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::{DateOrder, Mark, ReadOptions};
use crate::{Format, InvalidOption};

impl ReadOptions {
    /// The options in the parameters of a request for a dataset of this format. A list (`missing`,
    /// `columns`) may be given as several parameters, or separated by commas; a value with a comma
    /// must be in double quotes. An empty `quote` or `escape` means off.
    ///
    /// # Errors
    /// The first option that does not exist, does not apply to the format, is given twice or is
    /// invalid.
    pub fn from_query<'a>(
        format: Format,
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, InvalidOption> {
        let mut options = Self::default();
        for (name, value) in pairs {
            options.set(name, value)?;
        }
        options.check_for(format)?;
        Ok(options)
    }

    /// Sets an option from text; lists grow.
    ///
    /// # Errors
    /// If the option does not exist, was already set or cannot have this value.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), InvalidOption> {
        let Some(&option) = Self::NAMES.iter().find(|known| **known == name) else {
            return Err(InvalidOption::new(
                name.to_owned(),
                format!(
                    "there is no such option; there are {}",
                    Self::NAMES.join(", ")
                ),
            ));
        };
        let is_list = matches!(option, "missing" | "columns");
        if !is_list && self.given().any(|given| given == option) {
            return Err(InvalidOption::new(option, "it is given twice"));
        }
        let invalid = |detail: String| InvalidOption::new(option, detail);
        let text = || Some(value.to_owned()).filter(|value| !value.is_empty());
        match option {
            "header" => self.header = Some(boolean(value).map_err(invalid)?),
            "delimiter" => self.delimiter = delimiter(value).map_err(invalid)?,
            "quote" => self.quote = Some(mark(value).map_err(invalid)?),
            "escape" => self.escape = Some(mark(value).map_err(invalid)?),
            "comment" => self.comment = one_char(value).map_err(invalid)?,
            "skip_rows" => {
                let count = value.parse();
                let count = count.map_err(|_| invalid(format!("{value:?} is no number of rows")));
                self.skip_rows = Some(count?);
            }
            "decimal" => self.decimal = one_char(value).map_err(invalid)?,
            "thousands" => self.thousands = one_char(value).map_err(invalid)?,
            "encoding" => self.encoding = text(),
            "date_order" => self.date_order = Some(date_order(value).map_err(invalid)?),
            "sheet" => self.sheet = text(),
            "missing" => self.missing.get_or_insert_default().extend(list(value)),
            _ => self.columns.get_or_insert_default().extend(list(value)),
        }
        Ok(())
    }
}

/// The only character of a text; `None` if it is empty.
pub(super) fn one_char(text: &str) -> Result<Option<char>, String> {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (first, None) => Ok(first),
        _ => Err(format!("{text:?} is more than one character")),
    }
}

fn mark(text: &str) -> Result<Mark, String> {
    Mark::try_from(text.to_owned())
}

/// A delimiter in JSON, written as in a query.
pub(super) fn delimiter_in_json<'de, D: Deserializer<'de>>(
    json: D,
) -> Result<Option<char>, D::Error> {
    let text = Option::<String>::deserialize(json)?;
    let given = text.map(|text| delimiter(&text)).transpose();
    Ok(given.map_err(D::Error::custom)?.flatten())
}

fn delimiter(text: &str) -> Result<Option<char>, String> {
    match text {
        "\\t" | "tab" => Ok(Some('\t')),
        _ => one_char(text),
    }
}

fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(format!("{text:?} is neither true nor false")),
    }
}

fn date_order(text: &str) -> Result<DateOrder, String> {
    match text {
        "dmy" => Ok(DateOrder::Dmy),
        "mdy" => Ok(DateOrder::Mdy),
        "ymd" => Ok(DateOrder::Ymd),
        _ => Err(format!("{text:?} is not dmy, mdy or ymd")),
    }
}

/// Values between commas; one that begins with a double quote ends with one, and may hold commas.
fn list(text: &str) -> Vec<String> {
    let mut values = Vec::new();
    let mut rest = text;
    loop {
        let quoted = rest.strip_prefix('"').and_then(unquote);
        let (value, after) = quoted.unwrap_or_else(|| match rest.split_once(',') {
            Some((value, after)) => (value.to_owned(), Some(after)),
            None => (rest.to_owned(), None),
        });
        values.push(value);
        match after {
            Some(after) => rest = after,
            None => return values,
        }
    }
}

/// The text up to the closing quote, and what follows the comma after it; `None` without a closing
/// quote.
fn unquote(text: &str) -> Option<(String, Option<&str>)> {
    let mut value = String::new();
    let mut rest = text;
    loop {
        let (part, after) = rest.split_once('"')?;
        value.push_str(part);
        match after.strip_prefix('"') {
            Some(after) => {
                value.push('"');
                rest = after;
            }
            None if after.is_empty() => return Some((value, None)),
            None => return after.strip_prefix(',').map(|after| (value, Some(after))),
        }
    }
}
