//! What a report is made of.

use chrono::{DateTime, Utc};
use lastcall_domain::SqlResult;
use lastcall_domain::profile::Profile;
use serde_json::Value;

/// An analysis and what the report says about itself.
#[derive(Clone, Copy, Debug)]
pub struct ReportInput<'a> {
    /// The title; the dataset's name when left out.
    pub title: Option<&'a str>,
    /// The time that the report says it was made at.
    pub created_at: DateTime<Utc>,
    /// The analysis.
    pub body: ReportBody<'a>,
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
    /// An analysis without a layout of its own.
    Other {
        /// Its kind, for the title: `Correlation`.
        kind: &'a str,
        /// Its result.
        value: &'a Value,
    },
}

impl<'a> ReportInput<'a> {
    /// A report of a profile.
    pub fn profile(profile: &'a Profile, created_at: DateTime<Utc>) -> Self {
        Self {
            title: None,
            created_at,
            body: ReportBody::Profile(profile),
        }
    }

    /// A report of a query's answer.
    pub fn table(result: &'a SqlResult, query: Option<&'a str>, created_at: DateTime<Utc>) -> Self {
        Self {
            title: None,
            created_at,
            body: ReportBody::Table { result, query },
        }
    }

    /// A report of any other analysis.
    pub fn other(kind: &'a str, value: &'a Value, created_at: DateTime<Utc>) -> Self {
        Self {
            title: None,
            created_at,
            body: ReportBody::Other { kind, value },
        }
    }

    /// The same with a title.
    pub fn titled(mut self, title: &'a str) -> Self {
        self.title = Some(title);
        self
    }
}
