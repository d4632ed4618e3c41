//! Problem documents (RFC 9457), the shape of every error.

use std::fmt;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use lastcall_domain::{BlobError, JobError, StoreError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::errors::Code;

/// The result of a handler.
pub(crate) type ApiResult<T> = Result<T, Problem>;

/// The media type of problem documents.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// After how many seconds to retry when a disk is full.
pub(crate) const ROOM_RETRY: u32 = 30;

/// An error response.
#[derive(Clone, Debug)]
pub struct Problem {
    code: Code,
    detail: String,
    job_error: Option<JobError>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// A problem document, RFC 9457.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Document<'a> {
    /// A reference to the description of the code, relative to the service.
    #[serde(rename = "type")]
    #[schema(example = "/docs/errors#session_expired")]
    kind: String,
    /// A summary, the same for every occurrence of the code.
    title: &'a str,
    /// The HTTP status.
    status: u16,
    /// What went wrong this time.
    detail: &'a str,
    /// The stable name, from the closed list of `docs/errors.md`.
    #[schema(example = "session_expired")]
    code: &'a str,
    /// The error of the job concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::view::JobErrorView>)]
    job_error: Option<&'a JobError>,
}

impl Problem {
    /// An error with this code; `detail` says what went wrong this time.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            job_error: None,
            headers: Vec::new(),
        }
    }

    /// Its code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// Adds a header to the response.
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Adds the time, in seconds, after which the caller may retry.
    pub(crate) fn retry_after(self, seconds: u32) -> Self {
        self.with_header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// Adds the error of the job concerned.
    pub(crate) fn about_job(mut self, error: Option<JobError>) -> Self {
        self.job_error = error;
        self
    }

    /// The document.
    pub(crate) fn document(&self) -> Document<'_> {
        Document {
            kind: format!("/docs/errors#{}", self.code.as_str()),
            title: self.code.title(),
            status: self.code.status().as_u16(),
            detail: &self.detail,
            code: self.code.as_str(),
            job_error: self.job_error.as_ref(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.detail)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        if self.code.status().is_server_error() {
            log::warn!("answered {self}");
        }
        let mut response = HttpResponse::build(self.code.status())
            .content_type(PROBLEM_JSON)
            .body(serde_json::to_string(&self.document()).unwrap_or_default());
        for (name, value) in &self.headers {
            response.headers_mut().append(name.clone(), value.clone());
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Unavailable(_) => {
                Self::new(Code::StoreUnavailable, error.to_string()).retry_after(1)
            }
            StoreError::NoSpace(_) => {
                Self::new(Code::InsufficientStorage, error.to_string()).retry_after(ROOM_RETRY)
            }
            StoreError::Closed => Self::new(
                Code::Draining,
                "the store is closed already; ask another instance",
            )
            .retry_after(1),
            StoreError::Failed(_) => Self::new(Code::StoreFailed, error.to_string()),
        }
    }
}

impl From<BlobError> for Problem {
    fn from(error: BlobError) -> Self {
        match &error {
            BlobError::Unavailable(_) | BlobError::Environment { .. } => {
                Self::new(Code::BlobsUnavailable, error.to_string()).retry_after(1)
            }
            BlobError::NoSpace(_) => {
                Self::new(Code::InsufficientStorage, error.to_string()).retry_after(ROOM_RETRY)
            }
            BlobError::NotFound | BlobError::Failed(_) => {
                Self::new(Code::BlobsFailed, error.to_string())
            }
        }
    }
}
