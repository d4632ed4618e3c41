//! The input of a report.

use chrono::{DateTime, Utc};
use lastcall_domain::check::CheckReport;
use lastcall_domain::compare::Comparison;
use lastcall_domain::correlation::CorrelationReport;
use lastcall_domain::profile::Profile;
use lastcall_domain::{ChartSpec, ReportTemplate, SqlResult};
use serde::Deserialize as _;
use serde_json::Value;

use crate::query_result::StoredResult;

/// An analysis, and metadata of its report.
#[derive(Clone, Copy, Debug)]
pub struct ReportInput<'a> {
    /// The title; by default the dataset's name.
    pub title: Option<&'a str>,
    /// The creation time that the report shows.
    pub created_at: DateTime<Utc>,
    /// The provenance that the report shows.
    pub origin: Origin<'a>,
    /// The chart of a query result; without effect on other analyses.
    pub chart: Option<&'a ChartSpec>,
    /// A title, and the design of a PDF, which has no effect on other formats.
    pub template: Option<&'a ReportTemplate>,
    /// The analysis.
    pub body: ReportBody<'a>,
}

/// The provenance of a report, as far as only the service knows it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Origin<'a> {
    /// The datasets that it is about; none if they are not all still what was read.
    pub datasets: &'a [OriginDataset],
    /// The session.
    pub session: Option<&'a str>,
    /// The job that rendered the report.
    pub job: Option<&'a str>,
}

/// A dataset that a report is about.
#[derive(Clone, Debug)]
pub struct OriginDataset {
    /// Its name.
    pub name: String,
    /// The SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// The options with which it was read, if any are given.
    pub read: Option<String>,
}

/// The analysis that a report is about.
#[derive(Clone, Copy, Debug)]
pub enum ReportBody<'a> {
    /// A profile.
    Profile(&'a Profile),
    /// A query result.
    Table {
        /// The result.
        result: &'a SqlResult,
        /// The query, shown above it.
        query: Option<&'a str>,
    },
    /// A stored query result. Only rows that the format shows are held in memory.
    Stored {
        /// The result.
        result: StoredResult<'a>,
        /// The query, shown above it.
        query: Option<&'a str>,
    },
    /// The correlations of a dataset's columns.
    Correlation(&'a CorrelationReport),
    /// A comparison of two datasets.
    Compare(&'a Comparison),
    /// A check of a dataset against a contract.
    Check(&'a CheckReport),
    /// Any other analysis. If its kind is known and its JSON matches, it is shown as that kind,
    /// otherwise as facts and tables.
    Other {
        /// Its kind, for the title: `Correlation`.
        kind: &'a str,
        /// Its result.
        value: &'a Value,
    },
}

impl<'a> ReportInput<'a> {
    fn new(body: ReportBody<'a>, created_at: DateTime<Utc>) -> Self {
        Self {
            title: None,
            created_at,
            origin: Origin::default(),
            chart: None,
            template: None,
            body,
        }
    }

    /// A report of a profile.
    pub fn profile(profile: &'a Profile, created_at: DateTime<Utc>) -> Self {
        Self::new(ReportBody::Profile(profile), created_at)
    }

    /// A report of a query result.
    pub fn table(result: &'a SqlResult, query: Option<&'a str>, created_at: DateTime<Utc>) -> Self {
        Self::new(ReportBody::Table { result, query }, created_at)
    }

    /// A report of a stored query result.
    pub fn stored(
        result: StoredResult<'a>,
        query: Option<&'a str>,
        created_at: DateTime<Utc>,
    ) -> Self {
        Self::new(ReportBody::Stored { result, query }, created_at)
    }

    /// A report of a correlation analysis.
    pub fn correlation(report: &'a CorrelationReport, created_at: DateTime<Utc>) -> Self {
        Self::new(ReportBody::Correlation(report), created_at)
    }

    /// A report of a comparison.
    pub fn compare(report: &'a Comparison, created_at: DateTime<Utc>) -> Self {
        Self::new(ReportBody::Compare(report), created_at)
    }

    /// A report of the checks of a contract.
    pub fn check(report: &'a CheckReport, created_at: DateTime<Utc>) -> Self {
        Self::new(ReportBody::Check(report), created_at)
    }

    /// A report of any other analysis.
    pub fn other(kind: &'a str, value: &'a Value, created_at: DateTime<Utc>) -> Self {
        Self::new(ReportBody::Other { kind, value }, created_at)
    }

    /// Sets the title.
    pub fn titled(mut self, title: &'a str) -> Self {
        self.title = Some(title);
        self
    }
}

impl<'a> ReportInput<'a> {
    /// Sets the chart of a query result.
    pub fn with_chart(self, chart: Option<&'a ChartSpec>) -> Self {
        Self { chart, ..self }
    }

    /// Sets the caller's title and design.
    pub fn with_template(self, template: Option<&'a ReportTemplate>) -> Self {
        Self { template, ..self }
    }

    /// Sets the provenance.
    pub fn from_origin(mut self, origin: Origin<'a>) -> Self {
        self.origin = origin;
        self
    }
}

/// An analysis in JSON whose kind is known.
pub(crate) enum Known {
    /// A correlation analysis.
    Correlation(CorrelationReport),
    /// A comparison.
    Compare(Comparison),
}

impl Known {
    /// The analysis of a body, if its kind is known.
    pub(crate) fn of(body: &ReportBody<'_>) -> Option<Self> {
        match body {
            ReportBody::Other {
                kind: "correlation",
                value,
            } => CorrelationReport::deserialize(*value)
                .ok()
                .map(Self::Correlation),
            ReportBody::Other {
                kind: "compare",
                value,
            } => Comparison::deserialize(*value).ok().map(Self::Compare),
            _ => None,
        }
    }

    /// The analysis as a body.
    pub(crate) fn body(&self) -> ReportBody<'_> {
        match self {
            Self::Correlation(report) => ReportBody::Correlation(report),
            Self::Compare(report) => ReportBody::Compare(report),
        }
    }
}
