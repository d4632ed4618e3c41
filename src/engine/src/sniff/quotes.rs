//! Detects quotes and escapes that are not in the options.

use lastcall_domain::{Format, ReadOptions, ReadWarning};

use super::judge::{RECORDS, Text};
use crate::read::csv::dialect::Dialect;

impl Text<'_> {
    /// Decides the meaning of quotes and backslashes that are not in the options.
    pub(super) fn decide_quotes(
        self,
        dialect: &mut Dialect,
        format: Format,
        options: &ReadOptions,
        warnings: &mut Vec<ReadWarning>,
    ) {
        if self.decide_other_quotes(dialect, format, options, warnings) {
            return;
        }
        if self.decide_escapes(dialect, options, warnings) {
            return;
        }
        if dialect
            .quote
            .is_none_or(|quote| !self.text.contains(&quote))
        {
            return;
        }
        let judge = |dialect: &Dialect| self.judge(dialect, usize::MAX);
        let across = Dialect {
            in_line: false,
            ..*dialect
        };
        let within = Dialect {
            in_line: true,
            escape: None,
            ..*dialect
        };
        if options.quote.is_some() || options.escape.is_some() {
            return;
        }
        if format == Format::Tsv {
            // Quoted cells with line ends, if the lines would be uneven otherwise.
            let score = judge(&across);
            if score.faults == 0 && score > judge(&within) {
                *dialect = across;
            }
        } else {
            // A quote that is not closed on the last line belongs to a truncated file.
            let score = judge(&across);
            let broken = score.open || score.even < score.records;
            if broken && judge(&within).is_clean() {
                *dialect = within;
            } else if score.faults > 0 && !score.open && (self.whole || score.records > 2) {
                // The end of the sample may cut one of the first two records.
                let detail = "quotes inside quoted cells that are not doubled end them, and the rest \
                              of the cell is as it stands; `quote=` makes all quotes characters";
                warnings.push(ReadWarning {
                    count: score.faults as u64,
                    ..warning("stray_quotes", detail)
                });
            }
        }
    }

    /// Accepts backslashes as escapes if they precede quotes that do not pair, or delimiters in rows
    /// of another width, and every row is even with them.
    fn decide_escapes(
        self,
        dialect: &mut Dialect,
        options: &ReadOptions,
        warnings: &mut Vec<ReadWarning>,
    ) -> bool {
        let follows = |mark: u8| memchr::memmem::find(self.text, &[b'\\', mark]).is_some();
        let delimiter = follows(dialect.delimiter);
        let found = delimiter || dialect.quote.is_some_and(follows);
        if options.escape.is_some() || !found {
            return false;
        }
        let across = Dialect {
            in_line: false,
            ..*dialect
        };
        let escaped = Dialect {
            escape: Some(b'\\'),
            ..across
        };
        let score = self.judge(&across, usize::MAX);
        let uneven = delimiter && score.even < score.records;
        if score.faults == 0 && !uneven || !self.judge(&escaped, usize::MAX).is_clean() {
            return false;
        }
        *dialect = escaped;
        let detail = "backslashes take the meaning from quotes and delimiters; `escape=` makes \
                      them characters";
        warnings.push(warning("backslash_escapes", detail));
        true
    }

    /// Accepts single quotes, or double ones after blanks, if they split the text evenly and the
    /// usual ones do not, or if they enclose a whole column.
    fn decide_other_quotes(
        self,
        dialect: &mut Dialect,
        format: Format,
        options: &ReadOptions,
        warnings: &mut Vec<ReadWarning>,
    ) -> bool {
        if options.quote.is_some() || options.escape.is_some() || format == Format::Tsv {
            return false;
        }
        let (other, code, detail) = if !self.text.contains(&b'"') && self.text.contains(&b'\'') {
            let single = Dialect {
                quote: Some(b'\''),
                ..*dialect
            };
            let detail = "cells are in single quotes; `quote=\"` makes them characters";
            (single, "single_quotes", detail)
        } else if memchr::memmem::find(self.text, b" \"").is_some() {
            let spaced = Dialect {
                spaced: true,
                ..*dialect
            };
            let detail = "blanks before quotes are left out, like all at the beginning of a cell; \
                          `quote=\"` keeps them";
            (spaced, "spaced_quotes", detail)
        } else {
            return false;
        };
        let other = Dialect {
            delimiter: match options.delimiter {
                Some(_) => dialect.delimiter,
                None => self.delimiter(other),
            },
            ..other
        };
        let cuts = |most| {
            let score = self.judge(&other, most);
            let better =
                score > self.judge(dialect, most) || self.has_quoted_column(&other, dialect, most);
            score.is_clean() && better
        };
        if !cuts(RECORDS) || !cuts(usize::MAX) {
            return false;
        }
        *dialect = other;
        warnings.push(warning(code, detail));
        true
    }

    /// Whether a column is quoted in every record but the first, and in more than one, with quotes
    /// that are not quotes in the usual dialect.
    fn has_quoted_column(self, dialect: &Dialect, usual: &Dialect, most: usize) -> bool {
        let mut quoted: Option<Vec<bool>> = None;
        let mut count = 0;
        for record in self.records(dialect, most).skip(1) {
            let record = record.strip_suffix(b"\n").unwrap_or(record);
            let cells = quotes(record, dialect, usual.quote);
            match &mut quoted {
                None => quoted = Some(cells),
                Some(all) => {
                    all.truncate(cells.len());
                    all.iter_mut()
                        .zip(cells)
                        .for_each(|(all, here)| *all &= here);
                }
            }
            count += 1;
        }
        count > 1 && quoted.is_some_and(|columns| columns.contains(&true))
    }
}

/// Which cells of a record are quoted and do not begin with the usual quote.
fn quotes(record: &[u8], dialect: &Dialect, usual: Option<u8>) -> Vec<bool> {
    let (mut cells, mut start) = (Vec::new(), 0);
    loop {
        let (end, quoted) = dialect.cell_end(record, start);
        cells.push(quoted && record.get(start).copied() != usual);
        if record.get(end) != Some(&dialect.delimiter) {
            return cells;
        }
        start = end + 1;
    }
}

fn warning(code: &str, detail: &str) -> ReadWarning {
    ReadWarning {
        code: code.into(),
        line: None,
        count: 1,
        detail: detail.into(),
    }
}
