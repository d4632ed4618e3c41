//! How a dataset is to be read.
//!
//! The options belong to the dataset: whatever looks at it sees the same columns. Everything that
//! is left out is found out from the data.

use std::fmt;

use encoding_rs::Encoding;
use serde::{Deserialize, Serialize};

use crate::{Format, InvalidOption};

/// The cells that are missing values unless a request says otherwise.
pub const DEFAULT_MISSING: [&str; 7] = ["", "NA", "N/A", "NaN", "null", "NULL", "None"];

/// Different missing values, and different columns, that a request may name.
const MAX_NAMED: usize = 1_000;

/// The word for a mark that is switched off, which the empty text is as well.
const OFF: &str = "none";

/// How to read a dataset. Everything left out is found out from the data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ReadOptions {
    /// Whether the first row names the columns. Without names they are `column_1`, `column_2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<bool>,
    /// The delimiter, one ASCII character.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// The quote, one ASCII character, or off: then every quote is a character of its cell.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
    pub quote: Option<Mark>,
    /// The character that takes the meaning from the next one, or off.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
    pub escape: Option<Mark>,
    /// Lines that begin with this ASCII character are comments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<char>,
    /// How many lines to leave out before the header. With it, no line is taken for a title or a
    /// footer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skip_rows: Option<u64>,
    /// The decimal mark, `.` or `,`. With it, numbers are read with the given marks only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimal: Option<char>,
    /// The mark between groups of three digits, any character that is no letter and no digit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thousands: Option<char>,
    /// The encoding, by any label of the WHATWG's Encoding Standard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// The cells that are missing values, in place of [`DEFAULT_MISSING`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<Vec<String>>,
    /// The order of day, month and year in dates of digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_order: Option<DateOrder>,
    /// The sheet of a workbook, by name; the first when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// The columns to keep, by name; in the order of the data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
}

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

impl ReadOptions {
    /// Every option.
    pub const NAMES: [&str; 13] = [
        "header",
        "delimiter",
        "quote",
        "escape",
        "comment",
        "skip_rows",
        "decimal",
        "thousands",
        "encoding",
        "missing",
        "date_order",
        "sheet",
        "columns",
    ];

    /// The options that a format has.
    pub fn of_format(format: Format) -> &'static [&'static str] {
        match format {
            Format::Csv | Format::Tsv => &[
                "header",
                "delimiter",
                "quote",
                "escape",
                "comment",
                "skip_rows",
                "decimal",
                "thousands",
                "encoding",
                "missing",
                "date_order",
                "columns",
            ],
            Format::Ndjson => &["encoding", "missing", "date_order", "columns"],
            Format::Json => &["missing", "date_order", "columns"],
            Format::Xlsx | Format::Ods => &["sheet", "missing", "date_order", "columns"],
            Format::Parquet | Format::Arrow => &["missing", "columns"],
        }
    }

    /// The options in the parameters of a request for a dataset of this format. A list
    /// (`missing`, `columns`) may be given as several parameters, or separated by commas; a value
    /// with a comma stands in double quotes. An empty `quote` or `escape` is off.
    ///
    /// # Errors
    /// Where an option does not exist, is not one of the format, is given twice or makes no
    /// sense; the first is named.
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
    /// Where the option does not exist, was set before or cannot have this value.
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

    /// These options, and for what they leave out those of `fallback`.
    #[must_use]
    pub fn or(self, fallback: &Self) -> Self {
        let other = fallback.clone();
        Self {
            header: self.header.or(other.header),
            delimiter: self.delimiter.or(other.delimiter),
            quote: self.quote.or(other.quote),
            escape: self.escape.or(other.escape),
            comment: self.comment.or(other.comment),
            skip_rows: self.skip_rows.or(other.skip_rows),
            decimal: self.decimal.or(other.decimal),
            thousands: self.thousands.or(other.thousands),
            encoding: self.encoding.or(other.encoding),
            missing: self.missing.or(other.missing),
            date_order: self.date_order.or(other.date_order),
            sheet: self.sheet.or(other.sheet),
            columns: self.columns.or(other.columns),
        }
    }

    /// Whether nothing is given.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The names of the options that are given.
    pub fn given(&self) -> impl Iterator<Item = &'static str> {
        let given = [
            self.header.is_some(),
            self.delimiter.is_some(),
            self.quote.is_some(),
            self.escape.is_some(),
            self.comment.is_some(),
            self.skip_rows.is_some(),
            self.decimal.is_some(),
            self.thousands.is_some(),
            self.encoding.is_some(),
            self.missing.is_some(),
            self.date_order.is_some(),
            self.sheet.is_some(),
            self.columns.is_some(),
        ];
        let names = Self::NAMES.into_iter().zip(given);
        names.filter(|(_, given)| *given).map(|(name, _)| name)
    }

    /// Whether the options make sense for a dataset of this format.
    ///
    /// # Errors
    /// Where one does not; the first is named.
    pub fn check_for(&self, format: Format) -> Result<(), InvalidOption> {
        let known = Self::of_format(format);
        match self.given().find(|option| !known.contains(option)) {
            Some(option) => Err(InvalidOption::new(
                option,
                format!("{format} does not have it; it has {}", known.join(", ")),
            )),
            None => self.check(),
        }
    }

    /// Whether the options make sense.
    ///
    /// # Errors
    /// Where one does not; the first is named.
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
            // A quote that escapes itself is what two quotes are.
            if let Some((other, _)) = before
                && (*other, option) != ("quote", "escape")
            {
                return Err(InvalidOption::new(option, format!("it is the {other}")));
            }
        }
        Ok(())
    }

    fn check_numbers(&self) -> Result<(), InvalidOption> {
        let decimal = self.decimal.unwrap_or('.');
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

/// The encoding that a label of the WHATWG names.
pub fn encoding(label: &str) -> Option<&'static Encoding> {
    Encoding::for_label_no_replacement(label.as_bytes())
}

fn char_of(mark: Mark) -> Option<char> {
    match mark {
        Mark::Off => None,
        Mark::Char(c) => Some(c),
    }
}

/// The only character of a text; `None` for none.
fn one_char(text: &str) -> Result<Option<char>, String> {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (first, None) => Ok(first),
        _ => Err(format!("{text:?} is more than one character")),
    }
}

fn mark(text: &str) -> Result<Mark, String> {
    Mark::try_from(text.to_owned())
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

/// The text up to the quote that closes it, and what follows the comma behind that; `None` where
/// it is not closed.
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn query(format: Format, text: &str) -> Result<ReadOptions, InvalidOption> {
        let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
        ReadOptions::from_query(format, pairs)
    }

    #[test]
    fn options_that_make_no_sense_are_named() {
        for (options, named) in [
            (r#"{"decimal": ";"}"#, "decimal"),
            (r#"{"thousands": "."}"#, "thousands"),
            (r#"{"thousands": "x"}"#, "thousands"),
            (r#"{"thousands": ",", "decimal": ","}"#, "thousands"),
            (r#"{"delimiter": "é"}"#, "delimiter"),
            (r#"{"comment": "\""}"#, "comment"),
            (r#"{"comment": ";", "delimiter": ";"}"#, "comment"),
            (r#"{"quote": ";", "delimiter": ";"}"#, "delimiter"),
            (r#"{"delimiter": "\""}"#, "delimiter"),
            (r#"{"escape": ",", "delimiter": ","}"#, "escape"),
            (r#"{"encoding": "klingon"}"#, "encoding"),
            (r#"{"columns": []}"#, "columns"),
        ] {
            let options: ReadOptions = serde_json::from_str(options).unwrap();
            assert_eq!(options.check().unwrap_err().option, named);
        }
        for options in [
            "{}",
            r##"{"decimal": ",", "thousands": ".", "delimiter": ";", "comment": "#"}"##,
            r#"{"thousands": "\u202f", "encoding": "windows-1251", "quote": ""}"#,
            r#"{"thousands": "’", "quote": "'", "escape": "\\", "date_order": "dmy"}"#,
            r#"{"quote": "none", "delimiter": "\"", "header": false, "skip_rows": 3}"#,
        ] {
            let options: ReadOptions = serde_json::from_str(options).unwrap();
            assert_eq!(options.check(), Ok(()), "{options:?}");
        }
        assert!(serde_json::from_str::<ReadOptions>(r#"{"sep": ";"}"#).is_err());
        assert!(serde_json::from_str::<ReadOptions>(r#"{"quote": "ab"}"#).is_err());
    }

    #[test]
    fn options_are_read_from_the_parameters_of_a_request() {
        let read = query(
            Format::Csv,
            "header=false&delimiter=\\t&quote=&decimal=,&thousands=\u{a0}&missing=-&missing=?,\"a,b\"&columns=x,y",
        );
        let expected = ReadOptions {
            header: Some(false),
            delimiter: Some('\t'),
            quote: Some(Mark::Off),
            decimal: Some(','),
            thousands: Some('\u{a0}'),
            missing: Some(vec!["-".into(), "?".into(), "a,b".into()]),
            columns: Some(vec!["x".into(), "y".into()]),
            ..ReadOptions::default()
        };
        assert_eq!(read, Ok(expected));
        assert_eq!(query(Format::Parquet, ""), Ok(ReadOptions::default()));
    }

    #[test]
    fn parameters_that_are_unknown_or_of_another_format_are_refused_by_name() {
        for (format, text, named) in [
            (Format::Csv, "headr=false", "headr"),
            (Format::Csv, "sheet=a", "sheet"),
            (Format::Parquet, "delimiter=;", "delimiter"),
            (Format::Ndjson, "quote=", "quote"),
            (Format::Csv, "header=yes", "header"),
            (Format::Csv, "skip_rows=-1", "skip_rows"),
            (Format::Csv, "date_order=iso", "date_order"),
            (Format::Csv, "delimiter=;;", "delimiter"),
            (Format::Csv, "header=true&header=false", "header"),
            (Format::Csv, "encoding=klingon", "encoding"),
        ] {
            assert_eq!(query(format, text).unwrap_err().option, named, "{text}");
        }
    }

    #[test]
    fn every_option_is_of_some_format_and_has_a_name() {
        let all = ReadOptions {
            header: Some(true),
            delimiter: Some(';'),
            quote: Some(Mark::Off),
            escape: Some(Mark::Off),
            comment: Some('#'),
            skip_rows: Some(1),
            decimal: Some(','),
            thousands: Some('.'),
            encoding: Some("utf-8".into()),
            missing: Some(Vec::new()),
            date_order: Some(DateOrder::Ymd),
            sheet: Some("a".into()),
            columns: Some(vec!["a".into()]),
        };
        let text = serde_json::to_value(&all).unwrap();
        let mut names: Vec<&str> = text
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let mut known = ReadOptions::NAMES.to_vec();
        names.sort_unstable();
        known.sort_unstable();
        assert_eq!(names, known);
        assert!(all.given().eq(ReadOptions::NAMES));
        for name in ReadOptions::NAMES {
            let has = |format: &Format| ReadOptions::of_format(*format).contains(&name);
            assert!(Format::ALL.iter().any(has), "{name}");
        }
        let back: ReadOptions = serde_json::from_value(text).unwrap();
        assert_eq!(back, all);
    }
}
