//! Sniffing: detects how to read a text, in five steps.
//!
//! 1. [`encoding`]: the encoding, or that the data is not text.
//! 2. [`dialect`]: the delimiter, the quote, the line ends.
//! 3. [`header`]: the start of the table, and whether its first row is a header.
//! 4. [`types`]: the types of the first cells.
//! 5. [`refinement`]: the types of all cells, once they are read.
//!
//! Each step reports its decision and its certainty, and warns if it deviates from a literal
//! reading, with the option that reverts it. Options override sniffing. Ambiguous data is not
//! changed. [`footer`] removes lines after the last row.

mod delimiter;
pub(crate) mod dialect;
pub(crate) mod encoding;
pub(crate) mod footer;
pub(crate) mod header;
mod judge;
mod quotes;
pub(crate) mod refinement;
pub(crate) mod types;

use lastcall_domain::profile::Warning;
use lastcall_domain::{Format, ReadOptions, ReadReport, ReadWarning};

use self::footer::Footer;
use crate::EngineError;
use crate::limits::Limits;
use crate::parse::CellRules;
use crate::read::csv::cells::Cells;
use crate::read::csv::dialect::Dialect;
use crate::read::csv::layout::Layout;
use crate::read::dataset::TypeGuess;
use crate::read::records::{self, Splitter, is_blank};
use crate::read::text::Encoded;

/// The beginning of a text.
pub(crate) struct Sample<'s> {
    pub(crate) bytes: &'s [u8],
    /// Whether it is the whole text.
    pub(crate) whole: bool,
    pub(crate) format: Format,
    pub(crate) limits: &'s Limits,
}

/// The names of the columns.
#[derive(Default)]
pub(crate) struct Names {
    pub(crate) names: Vec<String>,
    pub(crate) warnings: Vec<Warning>,
    /// Byte order marks removed from them.
    pub(crate) boms: u64,
}

/// The result of the first four steps.
pub(crate) struct Sniffed {
    pub(crate) encoded: Encoded,
    pub(crate) layout: Layout,
    pub(crate) footer: Footer,
    pub(crate) guesses: Vec<TypeGuess>,
    pub(crate) report: ReadReport,
}

/// Runs the first four steps; the fifth is [`refinement::report_inference`], once all cells are
/// read. `names` reads the names of the columns, as a header may be longer than the sample.
///
/// # Errors
/// If the bytes are not text, or there are too many columns.
pub(crate) fn sniff(
    sample: &Sample<'_>,
    rules: &CellRules,
    options: &ReadOptions,
    names: impl FnOnce(Encoded, &Layout) -> Result<Names, EngineError>,
) -> Result<Sniffed, EngineError> {
    let encoding = encoding::decide(sample.bytes, options)?;
    let text = encoding.encoded.decode(sample.bytes);

    let dialect = dialect::decide(&text, sample.whole, sample.format, options);
    let encoded = encoding.encoded.with_ends(dialect.ends);
    let text = encoded.decode(sample.bytes);

    let header = header::decide(
        &text,
        sample.whole,
        dialect.lines,
        &dialect.dialect,
        rules,
        options,
    );
    let layout = Layout {
        dialect: dialect.dialect,
        lines: header.lines,
        header: header.header,
        row_names: header.row_names,
        width: header.width,
    };
    let names = names(encoded, &layout)?;
    let footer = Footer {
        dialect: layout.dialect,
        width: names.names.len(),
        first: header.first,
        leave_out: options.skip_rows.is_none(),
    };
    let mut rows = rows(&text, &layout, sample.whole).to_vec();
    if sample.whole {
        footer.take_off(&mut rows, 1, rules);
    }
    let most = sample.limits.rows(names.names.len());
    let rows = records::first(&layout.dialect, &rows, most);
    let cells = Cells::cut(rows, layout.dialect, names.names.len(), 1);

    let (guesses, types) = types::decide(names.names, &cells, rules);

    let mut report = describe(encoded, &layout, options);
    report.warnings.extend(encoding.warning);
    report.warnings.extend(dialect.warnings);
    report.warnings.extend(header.warnings);
    report
        .warnings
        .extend(names.warnings.into_iter().map(ReadWarning::from));
    if names.boms > 0 {
        report.warnings.push(boms(names.boms));
    }
    report.steps = vec![encoding.step, dialect.step, header.step, types];
    Ok(Sniffed {
        encoded,
        layout,
        footer,
        guesses,
        report,
    })
}

/// The complete rows of the sample, without the header.
fn rows<'t>(text: &'t [u8], layout: &Layout, whole: bool) -> &'t [u8] {
    let dialect: &Dialect = &layout.dialect;
    let text = dialect::skip_lines(text, layout.lines);
    let mut start = 0;
    let mut found = !layout.header;
    while !found && let Some(end) = dialect.record_end(text, start) {
        let record = &text[start..end];
        found = !is_blank(record, dialect.delimiter) && !dialect.comments(record, 0);
        start = end;
    }
    match dialect.last_record_end(&text[start..]) {
        _ if !found => &[],
        _ if whole => &text[start..],
        end => &text[start..start + end.unwrap_or(0)],
    }
}

fn describe(encoded: Encoded, layout: &Layout, options: &ReadOptions) -> ReadReport {
    let mark = |mark: u8| char::from(mark).to_string();
    ReadReport {
        encoding: Some(encoded.name().into()),
        delimiter: Some(mark(layout.dialect.delimiter)),
        quote: Some(layout.dialect.quote.map_or_else(String::new, mark)),
        header: Some(layout.header),
        skipped_lines: layout.lines,
        decimal: Some(options.decimal_mark().into()),
        date_order: options.date_order,
        ..ReadReport::default()
    }
}

/// The warning about removed byte order marks.
pub(crate) fn boms(count: u64) -> ReadWarning {
    ReadWarning {
        code: "inner_boms".into(),
        line: None,
        count,
        detail: format!("{count} byte order marks inside the text are left out"),
    }
}
