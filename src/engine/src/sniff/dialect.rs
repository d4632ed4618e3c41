//! The second step: the characters that structure a text.
//!
//! A dialect is judged by how it cuts the first records: under the right one nearly all of them
//! have the same number of cells, every quote that opens a cell closes it at its end, and there is
//! more than one column.

use lastcall_domain::{Certainty, Format, Mark, ReadOptions, ReadStep, ReadWarning};

use crate::parse::ascii;
use crate::read::csv::cells::Cells;
use crate::read::csv::dialect::Dialect;
use crate::read::line_ends::LineEnds;
use crate::read::records::{Splitter, is_blank};

/// In the order of preference where nothing else decides.
const CANDIDATES: [u8; 4] = [b',', b';', b'\t', b'|'];
/// How many records the delimiter is told from.
const RECORDS: usize = 200;

/// What the step came to.
pub(crate) struct Found {
    pub(crate) dialect: Dialect,
    /// Line ends that have to be made line feeds.
    pub(crate) ends: Option<LineEnds>,
    /// Lines before the data that name the delimiter.
    pub(crate) lines: u64,
    pub(crate) step: ReadStep,
    pub(crate) warnings: Vec<ReadWarning>,
}

/// Tells the dialect from the beginning of a text; `whole` where that is all of it.
pub(crate) fn decide(sample: &[u8], whole: bool, format: Format, options: &ReadOptions) -> Found {
    let mut warnings = Vec::new();
    let skipped = skip_lines(sample, options.skip_rows.unwrap_or(0));
    let (lines, named) = match sep_line(skipped) {
        Some(named) if options.skip_rows.is_none() => (1, Some(named)),
        _ => (0, None),
    };
    if named.is_some() {
        let detail = "the line `sep=` names the delimiter; `skip_rows=0` makes it the header";
        warnings.push(warning("sep_line", Some(1), 1, detail.into()));
    }
    let start = skip_lines(skipped, lines);
    let judge = |text: &[u8]| {
        let text = Text { text, whole };
        let dialect = text.dialect(format, options, named);
        (dialect, text.judge(&dialect, RECORDS))
    };
    let ends = line_ends(start, options, &mut warnings, |text| judge(text).1);
    let (mut dialect, score) = match ends {
        Some(ends) => judge(&ends.all(start)),
        None => judge(start),
    };
    let fed = ends.map(|ends| ends.all(start));
    let text = Text {
        text: fed.as_deref().unwrap_or(start),
        whole,
    };
    text.settle_quotes(&mut dialect, format, options, &mut warnings);
    let ends = ends.map(|_| LineEnds {
        delimiter: Some(dialect.delimiter),
        quote: dialect.quote,
        in_line: dialect.in_line,
    });
    let given = options.delimiter.is_some();
    let certainty = match score {
        _ if given => Certainty::Given,
        _ if named.is_some() || score.share() == 100 && score.width > 1 => Certainty::Certain,
        _ if score.width > 1 => Certainty::Likely,
        _ => Certainty::Assumed,
    };
    Found {
        step: ReadStep {
            step: "dialect".into(),
            decision: describe(&dialect),
            certainty,
        },
        dialect,
        ends,
        lines,
        warnings,
    }
}

fn describe(dialect: &Dialect) -> String {
    let shown = |mark: u8| match mark {
        b'\t' => "tab".to_owned(),
        mark => format!("{:?}", char::from(mark)),
    };
    let quote = match (dialect.quote, dialect.in_line) {
        (None, _) => "no quotes".to_owned(),
        (Some(quote), true) => format!("quote {} within a line", shown(quote)),
        (Some(quote), false) => format!("quote {}", shown(quote)),
    };
    let escape = dialect
        .escape
        .map(|escape| format!(", escape {}", shown(escape)));
    let escape = escape.unwrap_or_default();
    format!("delimiter {}, {quote}{escape}", shown(dialect.delimiter))
}

fn warning(code: &str, line: Option<u64>, count: u64, detail: String) -> ReadWarning {
    ReadWarning {
        code: code.into(),
        line,
        count,
        detail,
    }
}

/// What is behind the first lines.
pub(crate) fn skip_lines(text: &[u8], lines: u64) -> &[u8] {
    let mut rest = text;
    for _ in 0..lines {
        // A carriage return alone ends a line as well where no line feed does.
        let mark = if rest.contains(&b'\n') { b'\n' } else { b'\r' };
        match memchr::memchr(mark, rest) {
            Some(at) => rest = &rest[at + 1..],
            None => return &[],
        }
    }
    rest
}

/// The delimiter that a first line `sep=;` names, as spreadsheets read it.
fn sep_line(text: &[u8]) -> Option<u8> {
    let end = text.iter().position(|byte| matches!(byte, b'\r' | b'\n'))?;
    let line = &text[..end];
    let quoted = line
        .strip_prefix(b"\"")
        .and_then(|line| line.strip_suffix(b"\""));
    match quoted.unwrap_or(line) {
        [s, e, p, b'=', mark] if [*s, *e, *p].eq_ignore_ascii_case(b"sep") && mark.is_ascii() => {
            Some(*mark).filter(|mark| !mark.is_ascii_alphanumeric())
        }
        _ => None,
    }
}

/// The line ends to make line feeds of: where carriage returns outside quotes end lines.
fn line_ends(
    text: &[u8],
    options: &ReadOptions,
    warnings: &mut Vec<ReadWarning>,
    judge: impl Fn(&[u8]) -> Score,
) -> Option<LineEnds> {
    if !text.contains(&b'\r') {
        return None;
    }
    let ends = LineEnds {
        delimiter: ascii(options.delimiter),
        quote: match options.quote {
            None => Some(b'"'),
            Some(Mark::Off) => None,
            Some(Mark::Char(quote)) => ascii(Some(quote)),
        },
        in_line: false,
    };
    let counted = ends.count(text);
    if counted.returns == 0 && counted.doubled == 0 {
        return None;
    }
    let fed = ends.all(text);
    if counted.feeds > 0 && judge(text) > judge(&fed) {
        // They are characters of cells.
        return None;
    }
    let (code, count, detail) = if counted.doubled > 0 && counted.returns == 0 {
        (
            "doubled_line_ends",
            counted.doubled,
            "carriage returns are doubled before line feeds; each run ends one line",
        )
    } else if counted.feeds == 0 {
        (
            "cr_line_ends",
            counted.returns,
            "lines end with a carriage return alone",
        )
    } else {
        (
            "mixed_line_ends",
            counted.returns,
            "some lines end with a carriage return alone; every line end ends a row",
        )
    };
    warnings.push(warning(code, None, count, detail.into()));
    Some(ends)
}

/// How well a dialect cuts records, the better the greater: by the share of records of one width
/// in whole percents, so that a stray record does not outweigh more columns, then by the width.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Score {
    records: usize,
    /// Records of the most frequent width, if that is more than one.
    even: usize,
    width: usize,
    /// Quotes that open a cell and are not closed at its end.
    faults: usize,
    /// One is not closed at all, and lines follow it.
    open: bool,
}

impl Score {
    fn share(self) -> usize {
        (self.even * 100).checked_div(self.records).unwrap_or(0)
    }

    fn is_clean(self) -> bool {
        self.faults == 0 && self.even == self.records && self.width > 1
    }
}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        (self.share(), self.width).partial_cmp(&(other.share(), other.width))
    }
}

/// The beginning of a text.
#[derive(Clone, Copy)]
struct Text<'t> {
    text: &'t [u8],
    whole: bool,
}

impl Text<'_> {
    /// The dialect as far as the options and the delimiters tell.
    fn dialect(self, format: Format, options: &ReadOptions, named: Option<u8>) -> Dialect {
        let tab = format == Format::Tsv;
        let mut dialect = Dialect {
            delimiter: b'\t',
            quote: match options.quote {
                None => Some(b'"'),
                Some(Mark::Off) => None,
                Some(Mark::Char(quote)) => ascii(Some(quote)),
            },
            in_line: tab && options.quote.is_none() && options.escape.is_none(),
            escape: match options.escape {
                Some(Mark::Char(escape)) => ascii(Some(escape)),
                _ => None,
            },
            comment: ascii(options.comment),
        };
        // A quote that escapes itself is two quotes for one.
        dialect.escape = dialect.escape.filter(|_| dialect.escape != dialect.quote);
        dialect.delimiter = match ascii(options.delimiter).or(named) {
            Some(given) => given,
            None if tab => b'\t',
            None => self.delimiter(dialect),
        };
        dialect
    }

    /// The delimiter under which most of the first records are of one width; where several do,
    /// the one with the most cells. A comma where none makes a second column.
    fn delimiter(self, dialect: Dialect) -> u8 {
        let mut best = (Score::default(), b',');
        for delimiter in CANDIDATES {
            if Some(delimiter) == dialect.comment {
                continue;
            }
            let score = self.judge(
                &Dialect {
                    delimiter,
                    ..dialect
                },
                RECORDS,
            );
            if score > best.0 {
                best = (score, delimiter);
            }
        }
        if best.1 == b',' && best.0.share() == 100 {
            return self.between_decimals(dialect).unwrap_or(b',');
        }
        best.1
    }

    /// The delimiter of a text in which every comma stands between two digits of a number.
    fn between_decimals(self, dialect: Dialect) -> Option<u8> {
        let mut others = CANDIDATES.into_iter().filter(|other| *other != b',');
        others.find(|&delimiter| {
            let other = Dialect {
                delimiter,
                ..dialect
            };
            let decimal = |cell: &Vec<u8>| {
                let mut parts = cell.split(|byte| *byte == b',');
                let number = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
                let first = parts.next().unwrap_or_default();
                let first = first.strip_prefix(b"-").unwrap_or(first);
                let Some(fraction) = parts.next() else {
                    return true;
                };
                number(first) && number(fraction) && parts.next().is_none()
            };
            self.judge(&other, RECORDS).is_clean()
                && self.records(&other, RECORDS).all(|record| {
                    let record = record.strip_suffix(b"\n").unwrap_or(record);
                    Cells::cut_record(record, other).iter().all(decimal)
                })
        })
    }

    /// The first records that are neither blank nor comments; one cut off by the end of the sample
    /// only where it is the first.
    fn records<'s>(self, dialect: &Dialect, most: usize) -> impl Iterator<Item = &'s [u8]>
    where
        Self: 's,
    {
        let dialect = *dialect;
        let mut start = 0;
        let mut count = 0;
        std::iter::from_fn(move || {
            while count < most && start < self.text.len() {
                let end = dialect.record_end(self.text, start);
                if end.is_none() && count > 1 && !self.whole {
                    return None;
                }
                let record = &self.text[start..end.unwrap_or(self.text.len())];
                start += record.len();
                if is_blank(record, dialect.delimiter) || dialect.comments(record, 0) {
                    continue;
                }
                count += 1;
                return Some(record);
            }
            None
        })
    }

    fn judge(self, dialect: &Dialect, most: usize) -> Score {
        let mut widths: Vec<usize> = Vec::new();
        let (mut faults, mut open) = (0, false);
        for record in self.records(dialect, most) {
            let rest = record.trim_ascii_end();
            open |= rest.contains(&b'\n') && dialect.open_quote(record).is_some();
            let (width, bad) = measure(record, dialect);
            widths.push(width);
            faults += bad;
        }
        let records = widths.len();
        // The most frequent width; of several the greatest.
        widths.sort_unstable();
        let runs = widths.chunk_by(|a, b| a == b);
        let even = runs.max_by_key(|run| run.len()).unwrap_or_default();
        let width = even.first().copied().unwrap_or(0);
        Score {
            records,
            even: if width > 1 { even.len() } else { 0 },
            width,
            faults,
            open,
        }
    }

    /// Decides what quotes and backslashes are, where the options leave it open.
    fn settle_quotes(
        self,
        dialect: &mut Dialect,
        format: Format,
        options: &ReadOptions,
        warnings: &mut Vec<ReadWarning>,
    ) {
        let Some(quote) = dialect.quote.filter(|quote| self.text.contains(quote)) else {
            return;
        };
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
        let marks = [[b'\\', quote], [b'\\', dialect.delimiter]];
        let escapes = marks
            .iter()
            .any(|mark| memchr::memmem::find(self.text, mark).is_some());
        if options.escape.is_none() && escapes && judge(&across).faults > 0 {
            let escaped = Dialect {
                escape: Some(b'\\'),
                ..across
            };
            if judge(&escaped).is_clean() {
                *dialect = escaped;
                let detail = "backslashes take the meaning from quotes; `escape=` makes them \
                              characters";
                warnings.push(warning("backslash_escapes", None, 1, detail.into()));
                return;
            }
        }
        if options.quote.is_some() || options.escape.is_some() {
            return;
        }
        if format == Format::Tsv {
            // Line ends in quoted cells, where lines alone would be uneven.
            let score = judge(&across);
            if score.faults == 0 && score > judge(&within) {
                *dialect = across;
            }
        } else {
            // A quote that is not closed on the last line is one of a file that was cut off.
            let score = judge(&across);
            let broken = score.open || score.even < score.records;
            if broken && judge(&within).is_clean() {
                *dialect = within;
            }
        }
    }
}

/// How many cells a record has, and how many of its quotes are not closed at the end of a cell.
fn measure(record: &[u8], dialect: &Dialect) -> (usize, usize) {
    let record = record.strip_suffix(b"\n").unwrap_or(record);
    let (mut width, mut faults, mut start) = (0, 0, 0);
    loop {
        let (end, quoted) = dialect.cell_end(record, start);
        width += 1;
        if quoted && !dialect.closes(&record[start..end]) {
            faults += 1;
        }
        if record.get(end) != Some(&dialect.delimiter) {
            return (width, faults);
        }
        start = end + 1;
    }
}
