//! The read options as flags.

use clap::Args;
use lastcall_domain::ReadOptions;

use crate::exit::{Exit, Failure};

/// How to read the data. What is left out is found out from it.
#[derive(Debug, Args)]
#[command(next_help_heading = "How to read the data (default: detected)")]
pub(super) struct ReadArgs {
    /// Whether the first row names the columns: true or false.
    #[arg(long, value_name = "BOOL")]
    header: Option<String>,
    /// The delimiter, one ASCII character; `tab` for a tab.
    #[arg(long, value_name = "CHAR", allow_hyphen_values = true)]
    delimiter: Option<String>,
    /// The quote, one ASCII character; `none` disables quoting.
    #[arg(long, value_name = "CHAR")]
    quote: Option<String>,
    /// The escape, one ASCII character; `none` for none.
    #[arg(long, value_name = "CHAR")]
    escape: Option<String>,
    /// The ASCII character that starts comment lines.
    #[arg(long, value_name = "CHAR", allow_hyphen_values = true)]
    comment: Option<String>,
    /// Lines to skip before the header; disables the detection of titles and footers.
    #[arg(long, value_name = "LINES")]
    skip_rows: Option<String>,
    /// The decimal mark: `.` or `,`.
    #[arg(long, value_name = "CHAR")]
    decimal: Option<String>,
    /// The thousands separator.
    #[arg(long, value_name = "CHAR")]
    thousands: Option<String>,
    /// The encoding, a label of the WHATWG Encoding Standard: utf-8, windows-1251, shift_jis.
    #[arg(long, value_name = "LABEL")]
    encoding: Option<String>,
    /// Cells that count as missing, comma-separated; may be repeated.
    #[arg(long, value_name = "LIST", allow_hyphen_values = true)]
    missing: Vec<String>,
    /// The order of numeric dates: dmy, mdy or ymd.
    #[arg(long, value_name = "ORDER")]
    date_order: Option<String>,
    /// The sheet of a workbook, by name.
    #[arg(long, value_name = "NAME")]
    sheet: Option<String>,
    /// The columns to keep, by name, comma-separated; may be repeated.
    #[arg(long, value_name = "LIST", allow_hyphen_values = true)]
    columns: Vec<String>,
}

impl ReadArgs {
    /// The options that the flags name.
    pub(super) fn options(&self) -> Result<ReadOptions, Failure> {
        let mut options = ReadOptions::default();
        let single = [
            ("header", &self.header),
            ("delimiter", &self.delimiter),
            ("quote", &self.quote),
            ("escape", &self.escape),
            ("comment", &self.comment),
            ("skip_rows", &self.skip_rows),
            ("decimal", &self.decimal),
            ("thousands", &self.thousands),
            ("encoding", &self.encoding),
            ("date_order", &self.date_order),
            ("sheet", &self.sheet),
        ];
        let single = single
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_deref()?)));
        let lists = [("missing", &self.missing), ("columns", &self.columns)];
        let lists = lists
            .into_iter()
            .flat_map(|(name, values)| values.iter().map(move |value| (name, value.as_str())));
        for (name, value) in single.chain(lists) {
            let set = options.set(name, value);
            set.map_err(|error| Failure::new(Exit::Usage, error))?;
        }
        Ok(options)
    }
}
