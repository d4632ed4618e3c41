//! The statistics and charts of one column.

use lastcall_domain::profile::{Column, ColumnType, Histogram, Number, Numeric};

use super::values::{distinct, edges_of_time, in_style, mean, range, scale, top_value};
use super::{AlertLine, Card, Fact, Order, Text, alerts};
use crate::chart::{Bar, Chart, Edges, bars, histogram, spark};
use crate::number::{
    NONE, count, extreme, figure, figure_of, fixed, number, optional, percent, without_noise,
};
use crate::text::shorten;

/// How many top values are drawn; fewer for numbers, whose histogram shows more.
const TOP: usize = 10;
const TOP_OF_NUMBERS: usize = 5;
/// The share of the most frequent number or date from which on bars are drawn.
const SHARE_OF_NUMBERS: f64 = 0.05;

/// The card of one column.
///
/// `open`: whether the card is expanded at first.
pub(super) fn card(
    column: &Column,
    number: usize,
    rows: u64,
    tags: Vec<AlertLine>,
    open: bool,
) -> Card {
    let mut groups = vec![vec![
        Fact::count("Count", column.count),
        Fact::count("Missing", column.missing).with(percent(column.missing, rows)),
        Fact::new("Distinct", distinct(column))
            .with(percent(column.distinct.min(column.count), column.count)),
    ]];
    let name = shorten(&column.name, 60);
    let mut charts = Vec::new();
    if let Some(numeric) = &column.numeric {
        groups[0].extend(signs(numeric, column.count));
        groups.push(moments(numeric));
        groups.push(quantiles(numeric));
        // A single value would make a single bar.
        if column.distinct > 1 {
            charts.extend(numeric_histogram(
                &name,
                numeric,
                column.kind == ColumnType::Integer,
            ));
        }
    }
    if let Some(text) = &column.text {
        let length = |n: Option<u64>| n.map_or_else(|| NONE.to_owned(), count);
        groups.push(vec![
            Fact::new("Min length", length(text.min_length)).with("characters"),
            Fact::new(
                "Mean length",
                text.mean_length.map_or_else(|| length(None), figure),
            ),
            Fact::new("Max length", length(text.max_length)).with("characters"),
        ]);
    }
    if let Some(temporal) = &column.temporal {
        let [min, _, max] = range(column);
        groups.push(vec![Fact::new("Min", min), Fact::new("Max", max)]);
        if column.distinct > 1 {
            let edges = edges_of_time(&temporal.histogram.edges);
            charts.extend(histogram(
                histogram_caption(temporal.histogram.estimated),
                &name,
                &Edges::Labels(&edges),
                &temporal.histogram.counts,
                &[],
            ));
        }
    }
    if let Some(boolean) = &column.boolean {
        groups.push(vec![
            Fact::count("True", boolean.true_count).with(percent(boolean.true_count, column.count)),
            Fact::count("False", boolean.false_count)
                .with(percent(boolean.false_count, column.count)),
        ]);
    }
    charts.extend(top_values(column, &name));
    Card {
        number,
        name: Text::new(&column.name, 60),
        kind: column.kind.as_str(),
        missing: match column.missing {
            0 => String::new(),
            missing => percent(missing, rows),
        },
        distinct: distinct(column),
        order: Order {
            missing: column.missing,
            distinct: column.distinct,
            alerts: tags.iter().map(|tag| alerts::weight(tag.level)).sum(),
        },
        spark: sketch(column),
        open,
        tags,
        groups,
        charts,
    }
}

/// The distribution as a sparkline.
fn sketch(column: &Column) -> String {
    if let Some(numeric) = &column.numeric {
        return spark(&numeric.histogram.counts);
    }
    if let Some(temporal) = &column.temporal {
        return spark(&temporal.histogram.counts);
    }
    let counts: Vec<u64> = column.top.iter().take(TOP).map(|top| top.count).collect();
    spark(&counts)
}

fn signs(numeric: &Numeric, all: u64) -> Vec<Fact> {
    let mut facts = vec![
        Fact::count("Zeros", numeric.zeros).with(percent(numeric.zeros, all)),
        Fact::count("Negative", numeric.negatives).with(percent(numeric.negatives, all)),
    ];
    if numeric.infinities > 0 {
        facts.push(
            Fact::count("Infinite", numeric.infinities).with(percent(numeric.infinities, all)),
        );
    }
    facts
}

fn moments(numeric: &Numeric) -> Vec<Fact> {
    let none = || NONE.to_owned();
    let shape = |x: Option<f64>| x.map_or_else(none, |x| fixed(x, 3));
    let sum = match numeric.sum {
        Some(Number::Float(x)) => figure(without_noise(x, scale(numeric))),
        Some(whole) => number(whole),
        None => none(),
    };
    vec![
        Fact::new("Mean", mean(numeric).unwrap_or_else(none)),
        Fact::new("Std. deviation", optional(numeric.std)),
        Fact::new("Variance", optional(numeric.variance)),
        Fact::new("Sum", sum),
        Fact::new("Skewness", shape(numeric.skewness)),
        Fact::new("Kurtosis", shape(numeric.kurtosis)),
    ]
}

fn quantiles(numeric: &Numeric) -> Vec<Fact> {
    let q = &numeric.quantiles;
    let about = if q.estimated { "≈ " } else { "" };
    let digits = numeric.digits();
    let end = |n: Option<Number>| {
        let shown = n.map_or_else(|| NONE.to_owned(), extreme);
        in_style(numeric, shown)
    };
    let mut facts = vec![Fact::new("Min", end(numeric.min))];
    for (label, value) in [
        ("1%", q.p01),
        ("5%", q.p05),
        ("25%", q.p25),
        ("Median", q.p50),
        ("75%", q.p75),
        ("95%", q.p95),
        ("99%", q.p99),
    ] {
        let value = value.map_or_else(
            || NONE.to_owned(),
            |n| {
                let shown = match n {
                    Number::Float(x) => figure_of(x, digits),
                    exact => extreme(exact),
                };
                format!("{about}{}", in_style(numeric, shown))
            },
        );
        facts.push(Fact::new(label, value));
    }
    facts.push(Fact::new("Max", end(numeric.max)));
    facts
}

fn histogram_caption(estimated: bool) -> &'static str {
    if estimated {
        "Distribution (estimated)"
    } else {
        "Distribution"
    }
}

fn numeric_histogram(name: &str, numeric: &Numeric, is_whole: bool) -> Option<Chart> {
    let of: &Histogram<Number> = &numeric.histogram;
    let edges: Vec<_> = of.edges.iter().map(|edge| edge.as_f64()).collect();
    let is_whole = is_whole && edges.iter().all(|edge| edge.fract() == 0.0);
    // An integer is in the middle of its bar.
    let half = if is_whole { 0.5 } else { 0.0 };
    histogram(
        histogram_caption(of.estimated),
        name,
        &if is_whole {
            Edges::Whole(&edges)
        } else {
            Edges::Numbers(&edges)
        },
        &of.counts,
        &quartiles(numeric, &edges, half),
    )
}

/// The positions of the quartiles, as shares of the width; those too close to another are left
/// out, except the median.
fn quartiles(numeric: &Numeric, edges: &[f64], half: f64) -> Vec<(&'static str, f64)> {
    const CLOSE: f64 = 0.04;
    let (Some(first), Some(last)) = (edges.first(), edges.last()) else {
        return Vec::new();
    };
    let place = |value: Option<Number>| {
        let at = (value?.as_f64() + half - first) / (last - first);
        (0.0..=1.0).contains(&at).then_some(at)
    };
    let q = &numeric.quantiles;
    let Some(median) = place(q.p50) else {
        return Vec::new();
    };
    let mut marks = vec![("median", median)];
    for (label, value) in [("25%", q.p25), ("75%", q.p75)] {
        // The median's label is wider.
        let far = |at: &f64| (at - median).abs() > 2.5 * CLOSE;
        marks.extend(place(value).filter(far).map(|at| (label, at)));
    }
    marks
}

fn top_values(column: &Column, name: &str) -> Option<Chart> {
    let about = if column.top_estimated { "≈ " } else { "" };
    let first = column.top.first().map_or(0, |top| top.count);
    // Bars of values that hardly repeat are useless; there is a histogram already.
    let rare = column.numeric.is_some() || column.temporal.is_some();
    if first <= 1 || (rare && (first as f64) < column.count as f64 * SHARE_OF_NUMBERS) {
        return None;
    }
    let rows: Vec<_> = column
        .top
        .iter()
        .take(if column.numeric.is_some() {
            TOP_OF_NUMBERS
        } else {
            TOP
        })
        .map(|top| Bar {
            label: top_value(column, top),
            share: top.count as f64 / column.count.max(1) as f64,
            figure: format!(
                "{about}{} ({})",
                count(top.count),
                percent(top.count.min(column.count), column.count)
            ),
        })
        .collect();
    let alt = format!(
        "The {} most frequent values of {name}, with their counts",
        rows.len()
    );
    bars("Most frequent values", ["Value", "Frequency"], &alt, &rows)
}
