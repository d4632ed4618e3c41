//! The document of a profile.

use chrono::{DateTime, Utc};
use lastcall_domain::Cancel;
use lastcall_domain::profile::{ColumnType, Profile};

use super::{
    Block, Document, Fact, Section, alerts, column, correlations, estimates, frame, provenance,
    summary,
};
use crate::error::RenderError;
use crate::limits::Limits;
use crate::number::{bytes, count, of, percent};
use crate::text::shorten;

/// Up to so many columns, every card is expanded.
const OPEN: usize = 40;
/// How many warnings are listed.
const WARNINGS: usize = 100;

/// Lays out a profile.
///
/// # Errors
/// [`RenderError::Cancelled`].
pub(crate) fn profile(
    profile: &Profile,
    title: Option<&str>,
    created_at: DateTime<Utc>,
    limits: Limits,
    cancel: &Cancel,
) -> Result<Document, RenderError> {
    let data = &profile.dataset;
    let mut document = frame(title.unwrap_or(&data.name), "Data profile", created_at);
    document.provenance = provenance::of(profile);
    document.subtitle = format!(
        "{} × {}, {} of {}",
        of(data.rows, "row"),
        of(data.columns, "column"),
        bytes(data.bytes),
        data.format.as_str().to_uppercase()
    );
    let notes = &mut document.notes;
    let sections = &mut document.sections;
    let mut section = |id: &str, title: &str, blocks: Vec<Block>| {
        if !blocks.is_empty() {
            sections.push(Section {
                id: String::from(id),
                title: title.to_owned(),
                blocks,
            });
        }
    };

    section(
        "overview",
        "Overview",
        vec![
            Block::Tiles {
                tiles: tiles(profile),
            },
            Block::text(in_words(profile)),
        ],
    );
    section("alerts", "Alerts", alerts::alerts(profile, limits));
    section(
        "summary",
        "Column summary",
        summary::summary(profile, limits, notes),
    );
    section(
        "missing",
        "Missing values",
        summary::missing(profile).into_iter().collect(),
    );
    let mut cards = Vec::new();
    for (i, column) in profile.columns.iter().enumerate().take(limits.cards) {
        if cancel.is_cancelled() {
            return Err(RenderError::Cancelled);
        }
        let tags = profile
            .alerts
            .iter()
            .filter(|a| a.column.as_deref() == Some(&column.name));
        cards.push(Block::Card(column::card(
            column,
            i + 1,
            data.rows,
            tags.map(alerts::line).collect(),
            profile.columns.len() <= OPEN,
        )));
    }
    section("columns", "Columns", cards);
    section(
        "correlations",
        "Correlations",
        correlations::correlations(profile, limits, notes),
    );
    section("warnings", "Read warnings", warnings(profile));
    notes.extend(estimates::estimates(profile));
    notes.push(
        "Standard deviation and variance are those of a sample (n − 1); skewness and excess \
         kurtosis are bias-corrected; quantiles are interpolated linearly."
            .to_owned(),
    );
    Ok(document)
}

/// A summary of the dataset in a few sentences.
fn in_words(profile: &Profile) -> String {
    let data = &profile.dataset;
    let mut sentences = Vec::new();
    let columns = || profile.columns.iter();
    let missing = columns().filter(|column| column.missing > 0).count();
    let most = columns().map(|column| column.missing).max().unwrap_or(0);
    let with_most: Vec<_> = columns().filter(|column| column.missing == most).collect();
    sentences.push(if most == 0 {
        "No cell is missing.".to_owned()
    } else {
        let share = percent(most, data.rows);
        let most = match with_most[..] {
            [only] => format!("{} the most ({share})", shorten(&only.name, 60)),
            ref all if all.len() == missing => format!("{share} each"),
            ref all => format!(
                "{} of them the most ({share} each)",
                count(all.len() as u64)
            ),
        };
        format!(
            "{} of {} {} missing cells, {most}.",
            count(missing as u64),
            of(data.columns, "column"),
            if missing == 1 { "has" } else { "have" },
        )
    });
    sentences.push(match data.duplicate_rows {
        0 => "No row is repeated.".to_owned(),
        1 => "1 row repeats an earlier one.".to_owned(),
        n => format!("{} rows repeat an earlier one.", count(n)),
    });
    let high = profile.alerts.iter();
    let high = high.filter(|alert| alerts::alert_title(alert.code).1 == "high");
    sentences.push(match (profile.alerts.len(), high.count()) {
        (0, _) => "There are no alerts.".to_owned(),
        (all, high) => format!(
            "There {} {}, {high} of high importance.",
            if all == 1 { "is" } else { "are" },
            of(all as u64, "alert"),
        ),
    });
    sentences.join(" ")
}

fn tiles(profile: &Profile) -> Vec<Fact> {
    let data = &profile.dataset;
    let cells = data.rows.saturating_mul(data.columns);
    let about = if data.duplicate_rows_estimated {
        "≈ "
    } else {
        ""
    };
    vec![
        Fact::count("Rows", data.rows),
        Fact::count("Columns", data.columns).with(kinds(profile)),
        Fact::count("Missing cells", data.missing_cells).with(percent(data.missing_cells, cells)),
        Fact::new(
            "Duplicate rows",
            format!("{about}{}", count(data.duplicate_rows)),
        )
        .with(percent(data.duplicate_rows, data.rows)),
        Fact::new("Size", bytes(data.bytes)).with(data.format.as_str().to_uppercase()),
    ]
}

/// `4 numeric, 3 text`.
fn kinds(profile: &Profile) -> String {
    let mut parts = Vec::new();
    for (name, is) in [
        ("numeric", ColumnType::is_numeric as fn(ColumnType) -> bool),
        ("text", |kind| kind == ColumnType::String),
        ("date", |kind| {
            matches!(kind, ColumnType::Date | ColumnType::Timestamp)
        }),
        ("boolean", |kind| kind == ColumnType::Boolean),
    ] {
        let n = profile
            .columns
            .iter()
            .filter(|column| is(column.kind))
            .count();
        if n > 0 {
            parts.push(format!("{n} {name}"));
        }
    }
    parts.join(", ")
}

fn warnings(profile: &Profile) -> Vec<Block> {
    profile
        .warnings
        .iter()
        .take(WARNINGS)
        .map(|warning| Block::Text {
            text: shorten(&warning.detail, 500),
        })
        .collect()
}
