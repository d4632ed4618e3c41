//! Step two: the dialect.
//!
//! A dialect is scored by how it splits the first records: with the right one, nearly all of them
//! have the same number of cells, every quote that opens a cell closes it at its end, and there is
//! more than one column.

use lastcall_domain::{Certainty, Format, Mark, ReadOptions, ReadStep, ReadWarning};

use super::judge::{RECORDS, Score, Text};
use crate::parse::ascii;
use crate::read::csv::dialect::Dialect;
use crate::read::line_ends::LineEnds;

/// The result of the step.
pub(crate) struct Found {
    pub(crate) dialect: Dialect,
    /// Line ends to convert to line feeds.
    pub(crate) ends: Option<LineEnds>,
    /// Lines before the data that name the delimiter.
    pub(crate) lines: u64,
    pub(crate) step: ReadStep,
    pub(crate) warnings: Vec<ReadWarning>,
}

/// Detects the dialect from the start of a text; `whole` if that is all of it.
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
    text.decide_quotes(&mut dialect, format, options, &mut warnings);
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
        (Some(quote), false) if dialect.spaced => format!("quote {} behind blanks", shown(quote)),
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

/// The text after the first lines.
pub(crate) fn skip_lines(text: &[u8], lines: u64) -> &[u8] {
    let mut rest = text;
    for _ in 0..lines {
        // A carriage return ends a line if there are no line feeds.
        let mark = if rest.contains(&b'\n') { b'\n' } else { b'\r' };
        match memchr::memchr(mark, rest) {
            Some(at) => rest = &rest[at + 1..],
            None => return &[],
        }
    }
    rest
}

/// The delimiter in a first line `sep=;`, which spreadsheets support.
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

/// The line ends to convert to line feeds, if carriage returns outside quotes end lines.
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
        // They are part of cells.
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

impl Text<'_> {
    /// The dialect according to the options and the delimiters.
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
            spaced: false,
        };
        // A quote that escapes itself is the usual doubling of quotes.
        dialect.escape = dialect.escape.filter(|_| dialect.escape != dialect.quote);
        dialect.delimiter = match ascii(options.delimiter).or(named) {
            Some(given) => given,
            None if tab => b'\t',
            None => self.delimiter(dialect),
        };
        dialect
    }
}
