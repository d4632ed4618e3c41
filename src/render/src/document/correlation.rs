//! The document of a correlation analysis.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use lastcall_domain::correlation::{Coefficient, CorrelationReport, Pair};

use super::{Block, Document, Fact, Section, Table, TableColumn, Text, frame, provenance};
use crate::chart::{Chart, SMALL_WIDTH, Scale, heatmap};
use crate::limits::Limits;
use crate::number::{NONE, brief, count, fixed};

/// A measure of association: its name, and its value for a pair.
type Measure = (&'static str, fn(&Pair) -> Option<Coefficient>);

const LINEAR: [Measure; 2] = [
    ("Pearson's r", |pair| pair.pearson),
    ("Spearman's ρ", |pair| pair.spearman),
];
const CRAMER: Measure = ("Cramér's V", |pair| pair.cramers_v);
const INFORMATION: Measure = ("Mutual information", |pair| pair.mutual_information);

/// Lays out a correlation analysis.
pub(crate) fn correlation(
    report: &CorrelationReport,
    title: Option<&str>,
    created_at: DateTime<Utc>,
    limits: Limits,
) -> Document {
    let mut document = frame(title.unwrap_or(&report.dataset), "Correlations", created_at);
    let mut section = |id: &str, title: &str, blocks: Vec<Block>| {
        if !blocks.is_empty() {
            let (id, title) = (id.to_owned(), title.to_owned());
            document.sections.push(Section { id, title, blocks });
        }
    };
    section(
        "overview",
        "Overview",
        vec![Block::Tiles {
            tiles: tiles(report),
        }],
    );
    section("maps", "At a glance", maps(report, limits));
    let [r, rho] = LINEAR;
    section(
        "numeric",
        "Numeric columns",
        pairs(report, &[r, rho, INFORMATION], limits),
    );
    section(
        "other",
        "Other columns",
        pairs(report, &[CRAMER, INFORMATION], limits),
    );
    section("excluded", "Excluded", excluded(report));
    document.provenance = vec![provenance::dataset("Dataset", &report.dataset)];
    document.notes = notes(report, limits);
    document
}

fn tiles(report: &CorrelationReport) -> Vec<Fact> {
    let mut tiles = vec![
        Fact::count("Rows", report.rows),
        Fact::count("Columns", report.columns.len() as u64),
        Fact::count("Pairs", report.pairs.len() as u64),
    ];
    if let Some(sample) = report.sample {
        tiles.push(Fact::count("Sample", sample).with("rows"));
    }
    tiles
}

fn maps(report: &CorrelationReport, limits: Limits) -> Vec<Block> {
    let maps: Vec<Chart> = LINEAR
        .into_iter()
        .chain([CRAMER])
        .filter_map(|measure| map(report, measure, limits))
        .collect();
    let (small, large): (Vec<_>, Vec<_>) = maps.into_iter().partition(|map| map.small());
    let mut blocks: Vec<_> = large.into_iter().map(Block::Chart).collect();
    if !small.is_empty() {
        blocks.insert(0, Block::Charts { charts: small });
    }
    blocks
}

/// The heat map of a measure over the columns that have it.
fn map(report: &CorrelationReport, (name, of): Measure, limits: Limits) -> Option<Chart> {
    let has = |column: &str| {
        let mut pairs = report.pairs.iter();
        pairs.any(|pair| of(pair).is_some() && (pair.x == column || pair.y == column))
    };
    let names: Vec<String> = report
        .columns
        .iter()
        .filter(|column| has(&column.name))
        .take(limits.heatmap)
        .map(|column| column.name.clone())
        .collect();
    let place: BTreeMap<&str, usize> = names.iter().map(String::as_str).zip(0..).collect();
    let mut matrix = vec![vec![None; names.len()]; names.len()];
    for (i, row) in matrix.iter_mut().enumerate() {
        row[i] = Some(1.0);
    }
    for pair in &report.pairs {
        if let (Some(&i), Some(&j)) = (place.get(pair.x.as_str()), place.get(pair.y.as_str())) {
            let value = of(pair).map(|coefficient| coefficient.value);
            matrix[i][j] = value;
            matrix[j][i] = value;
        }
    }
    let scale = if name == CRAMER.0 {
        Scale::Unsigned
    } else {
        Scale::Signed
    };
    heatmap(name, &names, &matrix, scale)
}

/// The pairs that have the first of the measures, strongest first.
fn pairs(report: &CorrelationReport, measures: &[Measure], limits: Limits) -> Vec<Block> {
    let Some((_, first)) = measures.first() else {
        return Vec::new();
    };
    let mut pairs: Vec<(f64, &Pair)> = report
        .pairs
        .iter()
        .filter_map(|pair| Some((first(pair)?.value.abs(), pair)))
        .collect();
    if pairs.is_empty() {
        return Vec::new();
    }
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut columns = vec![
        TableColumn::new("Column", false),
        TableColumn::new("Other column", false),
        TableColumn::new("Rows", true),
    ];
    for (name, _) in measures {
        columns.push(TableColumn::new(name, true));
        columns.push(TableColumn::new("p-value", true));
    }
    let rows = pairs.iter().take(limits.pairs).map(|(_, pair)| {
        let mut cells = vec![
            Text::new(&pair.x, 30),
            Text::new(&pair.y, 30),
            Text::plain(count(pair.n)),
        ];
        for (_, of) in measures {
            let coefficient = of(pair);
            cells.push(shown(coefficient.map(|c| fixed(c.value, 3))));
            cells.push(shown(coefficient.and_then(|c| c.p_value).map(p_value)));
        }
        cells
    });
    let caption = match pairs.len().checked_sub(limits.pairs) {
        Some(more) if more > 0 => format!(
            "The {} strongest of {} pairs",
            limits.pairs,
            count(pairs.len() as u64)
        ),
        _ => "Strongest first".to_owned(),
    };
    vec![Block::Table(Table::new(columns, rows.collect(), &caption))]
}

fn shown(text: Option<String>) -> Text {
    Text::plain(text.unwrap_or_else(|| NONE.to_owned()))
}

/// A p-value; one that underflows is not shown as zero.
pub(super) fn p_value(p: f64) -> String {
    if (0.0..1e-300).contains(&p) {
        "< 1e-300".to_owned()
    } else if p < 0.001 {
        brief(p)
    } else {
        fixed(p, 3)
    }
}

fn excluded(report: &CorrelationReport) -> Vec<Block> {
    if report.left_out.is_empty() {
        return Vec::new();
    }
    let columns = ["Column", "Reason"].map(|title| TableColumn::new(title, false));
    let rows = report
        .left_out
        .iter()
        .take(500)
        .map(|left| vec![Text::new(&left.column, 40), Text::new(&left.reason, 120)]);
    vec![Block::Table(Table::new(
        columns.into(),
        rows.collect(),
        "Columns that were not compared",
    ))]
}

fn notes(report: &CorrelationReport, limits: Limits) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(sample) = report.sample {
        notes.push(format!(
            "Everything but Pearson's r was computed from a sample of {} rows.",
            count(sample)
        ));
    }
    if report.columns.len() > limits.heatmap && limits.heatmap > 0 {
        notes.push(format!(
            "A heat map shows at most {} columns.",
            limits.heatmap
        ));
    }
    notes.push(
        "Each pair is compared over the rows in which both columns have a value. Mutual \
         information is in nats. The p-values are those of Student's t (r and ρ), of Pearson's \
         χ² test (V) and of the G test (mutual information); they are not corrected for the \
         number of pairs."
            .to_owned(),
    );
    notes
}

impl Chart {
    /// Whether it is placed next to others.
    fn small(&self) -> bool {
        self.width <= SMALL_WIDTH
    }
}
