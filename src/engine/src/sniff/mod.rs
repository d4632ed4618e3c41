//! Sniffing: detects how to read a text, in five steps.
//!
//! 1. [`encoding`]: from bytes to characters, or to the finding that there are none.
//! 2. [`dialect`]: the delimiter, the quote, the line ends.
//! 3. [`header`]: where the table begins, and whether its first row names the columns.
//! 4. [`types`]: what the first cells may be read as.
//! 5. [`refinement`]: what all cells say, once all of them were read.
//!
//! Each tells what it decided and how sure it is, and warns where that goes against the letter of
//! the data, with the option that undoes it. What the options give is not sniffed. Where the data
//! leave doubt, nothing is changed. Behind the last row, [`footer`] takes off what is none.

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
    /// It is all of the text.
    pub(crate) whole: bool,
    pub(crate) format: Format,
    pub(crate) limits: &'s Limits,
}

/// The names of the columns.
#[derive(Default)]
pub(crate) struct Names {
    pub(crate) names: Vec<String>,
    pub(crate) warnings: Vec<Warning>,
    /// Marks of byte order that were taken off them.
    pub(crate) boms: u64,
}

/// What the first four steps came to.
pub(crate) struct Sniffed {
    pub(crate) encoded: Encoded,
    pub(crate) layout: Layout,
    pub(crate) footer: Footer,
    pub(crate) looks: Vec<TypeGuess>,
    pub(crate) report: ReadReport,
}

/// Takes the first four steps; the fifth is [`refinement::conclude`], when all cells were read.
/// `names` reads the names of the columns, as a header may be longer than the sample.
///
/// # Errors
/// Where the bytes are not text, or there are too many columns.
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

    let (looks, types) = types::decide(names.names, &cells, rules);

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
        looks,
        report,
    })
}

/// The whole rows of the sample, the header left out.
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

/// That marks of byte order were left out.
pub(crate) fn boms(count: u64) -> ReadWarning {
    ReadWarning {
        code: "inner_boms".into(),
        line: None,
        count,
        detail: format!("{count} byte order marks inside the text are left out"),
    }
}
