//! A profile as a table for the terminal.

use comfy_table::{CellAlignment, ContentArrangement, Table, TableComponent, presets};
use lastcall_domain::profile::{Column, Number, Numeric, Profile};
use terminal_size::terminal_size_of;

/// The widest text of the data, in characters; longer ones are cut.
const MAX_VALUE_WIDTH: usize = 24;
/// Bars of a small histogram, and their heights.
const BARS: usize = 10;
const HEIGHTS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Blanks between the texts of two cells.
const GAP: usize = 3;

/// The head of a column of a table.
#[derive(Clone, Copy)]
pub(super) struct Title {
    text: &'static str,
    is_number: bool,
    /// On a narrow terminal, the columns of the lowest rank are left out first.
    rank: u8,
}

impl Title {
    pub(super) const fn text(text: &'static str, rank: u8) -> Self {
        let is_number = false;
        Self {
            text,
            is_number,
            rank,
        }
    }

    pub(super) const fn number(text: &'static str, rank: u8) -> Self {
        let is_number = true;
        Self {
            text,
            is_number,
            rank,
        }
    }
}

/// A property of a column of the data.
struct Field {
    title: Title,
    of: fn(&Column) -> String,
}

impl Field {
    const fn text(title: &'static str, rank: u8, of: fn(&Column) -> String) -> Self {
        let title = Title::text(title, rank);
        Self { title, of }
    }

    const fn number(title: &'static str, rank: u8, of: fn(&Column) -> String) -> Self {
        let title = Title::number(title, rank);
        Self { title, of }
    }
}

static FIELDS: [Field; 12] = [
    Field::text("column", 12, |column| cut(&plain(&column.name))),
    Field::text("type", 11, |column| column.kind.as_str().to_owned()),
    Field::number("count", 2, |column| column.count.to_string()),
    Field::number("missing", 10, |column| column.missing.to_string()),
    Field::number("distinct", 9, distinct),
    Field::number("mean", 6, |column| {
        number(column, |n| n.mean.map(Number::Float))
    }),
    Field::number("std", 1, |column| {
        let std = column.numeric.as_ref().and_then(|n| n.std);
        std.map(short).unwrap_or_default()
    }),
    Field::number("min", 8, |column| range(column).0),
    Field::number("median", 3, |column| number(column, |n| n.quantiles.p50)),
    Field::number("max", 7, |column| range(column).1),
    Field::text("values", 5, distribution),
    Field::text("top", 4, top),
];

/// The profile as text.
pub(super) fn of(profile: &Profile) -> String {
    let dataset = &profile.dataset;
    let mut text = format!(
        "{}: {} × {}, {}, {}\n\n",
        plain(&dataset.name),
        counted(dataset.rows, "row"),
        counted(dataset.columns, "column"),
        counted(dataset.missing_cells, "missing cell"),
        counted(dataset.duplicate_rows, "duplicate row"),
    );
    text.push_str(&columns(&profile.columns).to_string());
    for alert in &profile.alerts {
        let column = alert.column.as_deref().unwrap_or("(dataset)");
        text.push_str(&format!(
            "\n! {}: {}: {}",
            plain(column),
            alert.code.as_str(),
            plain(&alert.detail)
        ));
    }
    for warning in &profile.warnings {
        text.push_str(&format!("\n! {}: {}", warning.code, plain(&warning.detail)));
    }
    text
}

pub(super) fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// How wide a table may be: `COLUMNS`, or the width of the terminal; unlimited elsewhere.
fn width() -> Option<usize> {
    let columns = std::env::var("COLUMNS").ok();
    let columns = columns.and_then(|text| text.parse().ok());
    let columns = columns.filter(|columns| *columns > 0);
    columns.or_else(|| {
        let (width, _) = terminal_size_of(std::io::stdout())?;
        Some(usize::from(width.0))
    })
}

/// A table with a line under its header and no others, which wraps its cells where the terminal is
/// too narrow.
pub(super) fn plain_table() -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::UTF8_HORIZONTAL_ONLY)
        .remove_style(TableComponent::HorizontalLines)
        .remove_style(TableComponent::MiddleIntersections)
        .remove_style(TableComponent::LeftBorderIntersections)
        .remove_style(TableComponent::RightBorderIntersections)
        .set_content_arrangement(ContentArrangement::Dynamic);
    if let Some(width) = width() {
        table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
    }
    table
}

fn columns(columns: &[Column]) -> Table {
    let titles = FIELDS.each_ref().map(|field| field.title);
    let row = |column: &Column| FIELDS.each_ref().map(|field| (field.of)(column));
    let rows: Vec<_> = columns.iter().map(row).collect();
    fitted(&titles, &rows)
}

/// The table with as many columns as fit.
pub(super) fn fitted<const N: usize>(titles: &[Title; N], rows: &[[String; N]]) -> Table {
    let width = width();
    let mut kept: Vec<usize> = (0..N).collect();
    loop {
        let table = table(titles, rows, &kept);
        let contents = table.column_max_content_widths();
        let contents = contents.iter().map(|width| usize::from(*width) + GAP);
        let wide = contents.sum::<usize>().saturating_sub(1);
        let fits = width.is_none_or(|width| wide <= width);
        if fits || kept.len() <= 2 {
            return table;
        }
        let least = kept.iter().map(|at| titles[*at].rank).min();
        kept.retain(|at| Some(titles[*at].rank) != least);
    }
}

fn table<const N: usize>(titles: &[Title; N], rows: &[[String; N]], kept: &[usize]) -> Table {
    let mut table = plain_table();
    table.set_header(kept.iter().map(|at| titles[*at].text));
    for row in rows {
        table.add_row(kept.iter().map(|at| row[*at].as_str()));
    }
    for (place, at) in kept.iter().enumerate() {
        if let Some(column) = table.column_mut(place)
            && titles[*at].is_number
        {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn distinct(column: &Column) -> String {
    let estimated = if column.distinct_estimated { "~" } else { "" };
    format!("{estimated}{}", column.distinct)
}

/// A statistic of numbers, with the digits that tell the values apart; integers with all of theirs.
fn number(column: &Column, statistic: impl FnOnce(&Numeric) -> Option<Number>) -> String {
    let Some(numeric) = &column.numeric else {
        return String::new();
    };
    statistic(numeric).map_or_else(String::new, |found| match found {
        Number::Integer(whole) => whole.to_string(),
        other => short_to(other.as_f64(), numeric.digits()),
    })
}

/// The smallest and the largest value.
fn range(column: &Column) -> (String, String) {
    if column.numeric.is_some() {
        return (number(column, |n| n.min), number(column, |n| n.max));
    }
    let Some(temporal) = &column.temporal else {
        return (String::new(), String::new());
    };
    let moment = |at: &Option<String>| at.as_deref().map(moment).unwrap_or_default();
    (moment(&temporal.min), moment(&temporal.max))
}

/// A point in time to the second, without what all values have in common.
fn moment(at: &str) -> String {
    let at = at.trim_end_matches('Z');
    let at = at.split_once('.').map_or(at, |(seconds, _)| seconds);
    at.trim_end_matches("T00:00:00").replace('T', " ")
}

/// A small histogram of numbers and times.
fn distribution(column: &Column) -> String {
    let histogram = match (&column.numeric, &column.temporal) {
        (Some(numeric), _) => &numeric.histogram.counts,
        (None, Some(temporal)) => &temporal.histogram.counts,
        (None, None) => return String::new(),
    };
    bars(histogram)
}

fn bars(counts: &[u64]) -> String {
    let together = counts.len().div_ceil(BARS).max(1);
    // The last group may have fewer.
    let mean = |group: &[u64]| group.iter().map(|n| *n as f64).sum::<f64>() / group.len() as f64;
    let groups: Vec<f64> = counts.chunks(together).map(mean).collect();
    let most = groups.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let height = |group: &f64| (group / most * 8.0).ceil() as usize;
    groups
        .iter()
        .map(|group| HEIGHTS[height(group).min(8)])
        .collect()
}

/// The most frequent value.
fn top(column: &Column) -> String {
    column.top.first().map_or_else(String::new, |top| {
        let value = match &top.value {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        format!("{} ({})", cut(&plain(&value)), top.count)
    })
}

/// Six significant digits, and no more zeros than needed.
pub(super) fn short(number: f64) -> String {
    short_to(number, 6)
}

/// So many significant digits, but none that a double does not have, and no more zeros than needed.
pub(super) fn short_to(number: f64, digits: usize) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    // With more digits than every double has, the fewest that identify it.
    let identified = digits > f64::DIGITS as usize;
    let last = digits as f64 - 1.0;
    let magnitude = number.abs().log10().floor();
    if !(-5.0..15f64.max(last + 2.0)).contains(&magnitude) {
        let text = if identified {
            format!("{number:e}")
        } else {
            format!("{number:.*e}", digits - 1)
        };
        return match text.split_once('e') {
            Some((mantissa, exponent)) => format!("{}e{exponent}", without_zeros(mantissa)),
            None => text,
        };
    }
    if identified {
        return number.to_string();
    }
    let decimals = (last - magnitude).clamp(0.0, last + 5.0) as usize;
    without_zeros(&format!("{number:.decimals$}")).to_owned()
}

fn without_zeros(text: &str) -> &str {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        text
    }
}

/// The text without control sequences, as it comes from the author of the data.
pub(super) fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

pub(super) fn cut(text: &str) -> String {
    if text.chars().count() <= MAX_VALUE_WIDTH {
        return text.to_owned();
    }
    text.chars()
        .take(MAX_VALUE_WIDTH - 1)
        .chain(['…'])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_high_as_there_are_values_and_none_is_lost() {
        assert_eq!(bars(&[]), "");
        assert_eq!(bars(&[0, 0]), "  ");
        assert_eq!(bars(&[1, 0, 1_000_000, 500_000]), "▁ █▄");
        let many: Vec<u64> = (0..25).collect();
        assert_eq!(bars(&many).chars().count(), 9);
        assert_eq!(bars(&[u64::MAX / 2; 20]), "█".repeat(10));
    }

    #[test]
    fn numbers_far_from_zero_have_the_digits_that_they_need() {
        assert_eq!(short(4_201.754_386), "4201.75");
        assert_eq!(short(0.000_012_345_678), "0.0000123457");
        assert_eq!(short(1.7e15), "1.7e15");
        assert_eq!(short(1.495e-10), "1.495e-10");
        assert_eq!(short_to(1e300, 10), "1e300");
        assert_eq!(short_to(10_000_000.25, 12), "10000000.25");
        assert_eq!(short_to(1_700_000_000_000_249.5, 17), "1700000000000249.5");
    }

    #[test]
    fn no_number_has_digits_that_a_double_does_not_have() {
        assert_eq!(short_to(0.3, 18), "0.3");
        assert_eq!(short_to(0.1 * 3.0, 18), "0.30000000000000004");
        assert_eq!(short_to(1_000_000_000.000_02, 18), "1000000000.00002");
        assert_eq!(short_to(1e300, 18), "1e300");
    }

    #[test]
    fn a_point_in_time_is_shown_to_the_second() {
        for (at, shown) in [
            ("2024-01-31", "2024-01-31"),
            ("2024-01-31T00:00:00Z", "2024-01-31"),
            ("2024-01-31T12:30:00Z", "2024-01-31 12:30:00"),
            ("2024-01-31T12:30:00.123456Z", "2024-01-31 12:30:00"),
        ] {
            assert_eq!(moment(at), shown);
        }
    }
}
