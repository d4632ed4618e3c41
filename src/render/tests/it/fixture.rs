//! Profiles and query results to render.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeZone, Utc};
use lastcall_domain::profile::{
    Alert, AlertCode, Boolean, Column, ColumnType, Correlations, DatasetSummary, Histogram, Number,
    Numeric, Profile, Quantiles, Temporal, Text, TopValue, Warning,
};
use lastcall_domain::{Cancel, Format, ReadReport, ReportFormat, SqlColumn, SqlResult};
use lastcall_render::{FontConfig, Renderer, ReportInput};
use serde_json::Value;

/// The formats that the service makes.
pub(crate) const FORMATS: [ReportFormat; 4] = [
    ReportFormat::Html,
    ReportFormat::Pdf,
    ReportFormat::Xlsx,
    ReportFormat::Md,
];

/// 2026-01-31 12:30:45 UTC.
pub(crate) fn at() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 31, 12, 30, 45).unwrap()
}

/// A renderer with the built-in fonts only.
pub(crate) fn bare() -> Renderer {
    Renderer::new(FontConfig {
        system: false,
        folders: Vec::new(),
    })
}

/// Held while a PDF is rendered, so that the test that counts threads only counts its own.
pub(crate) fn one_pdf_at_a_time() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Renders a report that must succeed.
pub(crate) fn render(input: &ReportInput<'_>, format: ReportFormat) -> Vec<u8> {
    let _lock = (format == ReportFormat::Pdf).then(one_pdf_at_a_time);
    bare()
        .render(input, format, &Cancel::new())
        .unwrap_or_else(|error| panic!("{format}: {error}"))
}

/// Renders a profile.
pub(crate) fn report(profile: &Profile, format: ReportFormat) -> Vec<u8> {
    render(&ReportInput::profile(profile, at()), format)
}

/// Renders a profile as text, for text formats.
pub(crate) fn text(profile: &Profile, format: ReportFormat) -> String {
    String::from_utf8(report(profile, format)).unwrap()
}

/// A profile with a column of every type, alerts, estimates, warnings and correlations.
pub(crate) fn sales() -> Profile {
    let columns = vec![
        amount("amount"),
        amount("net_amount"),
        city("city"),
        day("sold_on"),
        paid("paid"),
    ];
    Profile {
        dataset: DatasetSummary {
            name: "sales".to_owned(),
            format: Format::Csv,
            bytes: 1_572_864,
            rows: 12_345,
            columns: columns.len() as u64,
            missing_cells: 678,
            duplicate_rows: 9,
            duplicate_rows_estimated: false,
            duplicate_rows_error: None,
        },
        columns,
        correlations: Correlations {
            columns: vec!["amount".to_owned(), "net_amount".to_owned()],
            pearson: vec![vec![Some(1.0), Some(0.987)], vec![Some(0.987), Some(1.0)]],
            spearman: vec![vec![Some(1.0), None], vec![None, Some(1.0)]],
            spearman_estimated: true,
            spearman_sample: Some(10_000),
            columns_left_out: 0,
        },
        associations: Default::default(),
        missing_patterns: Default::default(),
        duplicates: Vec::new(),
        sample: Default::default(),
        alerts: vec![
            alert(
                Some("amount"),
                AlertCode::Missing,
                "5.5% of the cells are missing.",
            ),
            alert(None, AlertCode::Duplicates, "9 rows repeat an earlier row."),
        ],
        read: ReadReport::default(),
        warnings: vec![Warning {
            code: "ragged_rows".to_owned(),
            detail: "2 rows have too few cells, the first in line 17.".to_owned(),
            count: 2,
        }],
    }
}

/// A profile of no rows and no columns.
pub(crate) fn nothing() -> Profile {
    let mut profile = sales();
    profile.columns.clear();
    profile.alerts.clear();
    profile.warnings.clear();
    profile.correlations = Correlations::default();
    let data = &mut profile.dataset;
    (
        data.rows,
        data.columns,
        data.bytes,
        data.missing_cells,
        data.duplicate_rows,
    ) = (0, 0, 0, 0, 0);
    profile
}

pub(crate) fn alert(column: Option<&str>, code: AlertCode, detail: &str) -> Alert {
    Alert {
        column: column.map(str::to_owned),
        code,
        value: None,
        threshold: None,
        detail: detail.to_owned(),
    }
}

/// A column without statistics.
pub(crate) fn bare_column(name: &str, kind: ColumnType) -> Column {
    Column {
        name: name.to_owned(),
        kind,
        count: 0,
        missing: 0,
        distinct: 0,
        distinct_estimated: false,
        distinct_error: None,
        top: Vec::new(),
        top_estimated: false,
        top_error: None,
        mode: None,
        sorted: None,
        numeric: None,
        text: None,
        temporal: None,
        boolean: None,
    }
}

fn top(values: &[(Value, u64)]) -> Vec<TopValue> {
    values
        .iter()
        .map(|(value, count)| TopValue::new(value.clone(), *count))
        .collect()
}

pub(crate) fn amount(name: &str) -> Column {
    let mut column = bare_column(name, ColumnType::Float);
    column.count = 11_667;
    column.missing = 678;
    column.distinct = 9_876;
    column.distinct_estimated = true;
    column.distinct_error = Some(0.0163);
    column.top = top(&[(Value::from(19.99), 1_234), (Value::from(5), 99)]);
    column.numeric = Some(Numeric {
        min: Some(Number::Float(-17.25)),
        max: Some(Number::Float(104_857.6)),
        mean: Some(1_234.567_89),
        std: Some(87.654_321),
        variance: Some(7_683.28),
        sum: Some(Number::Float(14_403_703.5)),
        skewness: Some(0.123_456),
        kurtosis: Some(-1.5),
        zeros: 0,
        negatives: 12,
        infinities: 0,
        quantiles: Quantiles {
            p01: Some(Number::Float(0.5)),
            p05: Some(Number::Float(1.5)),
            p25: Some(Number::Float(400.0)),
            p50: Some(Number::Float(1_111.25)),
            p75: Some(Number::Float(2_000.0)),
            p95: Some(Number::Float(3_000.0)),
            p99: Some(Number::Float(99_999.0)),
            estimated: true,
            rank_error: Some(0.0133),
        },
        iqr: Some(Number::Float(1_600.0)),
        mad: Some(Number::Float(800.5)),
        cv: Some(0.071),
        lowest: Vec::new(),
        highest: Vec::new(),
        histogram: Histogram {
            edges: [-20.0, 30_000.0, 60_000.0, 90_000.0, 120_000.0]
                .map(Number::Float)
                .into(),
            counts: vec![11_000, 600, 0, 67],
            estimated: false,
        },
    });
    column
}

pub(crate) fn city(name: &str) -> Column {
    let mut column = bare_column(name, ColumnType::String);
    column.count = 12_345;
    column.distinct = 3;
    column.top = top(&[
        (Value::from("Paris"), 8_000),
        (Value::from("Oslo"), 4_000),
        (Value::from(""), 345),
    ]);
    column.text = Some(Text {
        min_length: Some(0),
        max_length: Some(5),
        mean_length: Some(4.536),
        ..Text::default()
    });
    column
}

fn day(name: &str) -> Column {
    let mut column = bare_column(name, ColumnType::Date);
    column.count = 12_345;
    column.distinct = 365;
    column.top = top(&[(Value::from("2025-02-03"), 40)]);
    column.temporal = Some(Temporal {
        lowest: Vec::new(),
        highest: Vec::new(),
        min: Some("2025-01-01".to_owned()),
        max: Some("2025-12-31".to_owned()),
        histogram: Histogram {
            edges: [
                "2025-01-01T00:00:00Z",
                "2025-07-02T00:00:00Z",
                "2025-12-31T00:00:00Z",
            ]
            .map(str::to_owned)
            .into(),
            counts: vec![6_000, 6_345],
            estimated: false,
        },
    });
    column
}

fn paid(name: &str) -> Column {
    let mut column = bare_column(name, ColumnType::Boolean);
    column.count = 12_345;
    column.distinct = 2;
    column.top = top(&[(Value::from(true), 12_000), (Value::from(false), 345)]);
    column.boolean = Some(Boolean {
        true_count: 12_000,
        false_count: 345,
    });
    column
}

/// A result with the given columns and rows.
pub(crate) fn answer(columns: &[&str], rows: Vec<Vec<Value>>) -> SqlResult {
    SqlResult {
        columns: columns
            .iter()
            .map(|name| SqlColumn {
                name: (*name).to_owned(),
                kind: "VARCHAR".to_owned(),
            })
            .collect(),
        row_count: rows.len() as u64,
        rows,
        truncated: false,
    }
}
