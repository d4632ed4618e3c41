//! Read options of a dataset.
//!
//! The options belong to the dataset: everything that reads it sees the same columns. Omitted
//! options are detected from the data.

mod check;
mod mark;
mod text;

#[cfg(test)]
mod tests;

use encoding_rs::Encoding;
use serde::{Deserialize, Serialize};

use crate::Format;

pub use mark::{DateOrder, Mark};

/// The cells that are missing values unless a request says otherwise.
pub const DEFAULT_MISSING: [&str; 7] = ["", "NA", "N/A", "NaN", "null", "NULL", "None"];

/// How to read a dataset. Everything left out is found out from the data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default, expecting = "an object of read options")]
pub struct ReadOptions {
    /// Whether the first row names the columns. Without names they are `column_1`, `column_2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<bool>,
    /// The delimiter, one ASCII character, or `tab`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(deserialize_with = "text::delimiter_in_json")]
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
    /// The decimal mark, `.` or `,`. With it, numbers are read with the given marks only. It is `,`
    /// where only `thousands` is given, as `.`.
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

    /// The options of a format.
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
            Format::Xlsx | Format::Xls | Format::Ods => {
                &["sheet", "skip_rows", "missing", "date_order", "columns"]
            }
            Format::Parquet | Format::Arrow => &["missing", "columns"],
        }
    }

    /// These options, completed with those of `fallback`.
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

    /// The decimal mark of numbers that are read with the given marks: a point, unless that
    /// separates thousands.
    pub fn decimal_mark(&self) -> char {
        match (self.decimal, self.thousands) {
            (Some(given), _) => given,
            (None, Some('.')) => ',',
            (None, _) => '.',
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
}

/// The encoding of a WHATWG label.
pub fn encoding(label: &str) -> Option<&'static Encoding> {
    Encoding::for_label_no_replacement(label.as_bytes())
}
