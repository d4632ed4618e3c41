//! The input of a report.

use chrono::{DateTime, Utc};
use lastcall_domain::check::CheckReport;
use lastcall_domain::compare::Comparison;
use lastcall_domain::correlation::CorrelationReport;
use lastcall_domain::profile::Profile;
use lastcall_domain::{ChartSpec, ReportTemplate, SqlResult};
use serde::Deserialize as _;
use serde_json::Value;

use crate::answer::StoredAnswer;

/// An analysis and what the report says about itself.
#[derive(Clone, Copy, Debug)]
pub struct ReportInput<'a> {
    /// The title; the dataset's name when left out.
    pub title: Option<&'a str>,
    /// The time that the report says it was made at.
    pub created_at: DateTime<Utc>,
    /// Where it comes from, for the report to say.
    pub origin: Origin<'a>,
    /// The chart to draw of a query's answer; without effect on anything else.
    pub chart: Option<&'a ChartSpec>,
    /// The title, and how a PDF is to look; the rest of it is without effect on other formats.
    pub template: Option<&'a ReportTemplate>,
    /// The analysis.
    pub body: ReportBody<'a>,
}

/// Where a report comes from: what only a service knows of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Origin<'a> {
    /// The SHA-256 of the dataset's bytes, in hexadecimal.
    pub sha256: Option<&'a str>,
    /// The session.
    pub session: Option<&'a str>,
    /// The job that made the report.
    pub job: Option<&'a str>,
}

/// The analysis that a report is about.
#[derive(Clone, Copy, Debug)]
pub enum ReportBody<'a> {
    /// A profile.
    Profile(&'a Profile),
    /// The answer of a query.
    Table {
        /// The answer.
        result: &'a SqlResult,
        /// The query, to be shown above it.
        query: Option<&'a str>,
    },
    /// The answer of a query as it is stored. Rows beyond what the format shows are never held.
    Stored {
        /// Where the answer is.
        answer: StoredAnswer<'a>,
        /// The query, to be shown above it.
        query: Option<&'a str>,
    },
    /// How the columns of a dataset go together.
    Correlation(&'a CorrelationReport),
    /// How one dataset differs from another.
    Compare(&'a Comparison),
    /// Whether a dataset is as a contract says.
    Check(&'a CheckReport),
    /// Any other analysis. One that is known by its kind and reads as such is shown as what it
    /// is, the rest as facts and tables.
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

    /// A report of a query's answer.
    pub fn table(result: &'a SqlResult, query: Option<&'a str>, created_at: DateTime<Utc>) -> Self {
        Self::new(ReportBody::Table { result, query }, created_at)
    }

    /// A report of a query's answer as it is stored.
    pub fn stored(
        answer: StoredAnswer<'a>,
        query: Option<&'a str>,
        created_at: DateTime<Utc>,
    ) -> Self {
        Self::new(ReportBody::Stored { answer, query }, created_at)
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

    /// The same with a title.
    pub fn titled(mut self, title: &'a str) -> Self {
        self.title = Some(title);
        self
    }
}

impl<'a> ReportInput<'a> {
    /// The same with a chart of the answer.
    pub fn with_chart(self, chart: Option<&'a ChartSpec>) -> Self {
        Self { chart, ..self }
    }

    /// The same with a title and a look of the caller's.
    pub fn with_template(self, template: Option<&'a ReportTemplate>) -> Self {
        Self { template, ..self }
    }

    /// The same, saying where it comes from.
    pub fn from_origin(mut self, origin: Origin<'a>) -> Self {
        self.origin = origin;
        self
    }
}

/// An analysis that came as JSON and turned out to have a layout.
pub(crate) enum Known {
    /// A correlation analysis.
    Correlation(CorrelationReport),
    /// A comparison.
    Compare(Comparison),
}

impl Known {
    /// What the body is, if it is any.
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

    /// The same as a body.
    pub(crate) fn body(&self) -> ReportBody<'_> {
        match self {
            Self::Correlation(report) => ReportBody::Correlation(report),
            Self::Compare(report) => ReportBody::Compare(report),
        }
    }
}
