//! Paged lists: `?limit=&cursor=`, answered with `{"items": […], "next_cursor": …}`.

use actix_web::HttpRequest;
use lastcall_domain::store::Order;
use serde::Serialize;
use utoipa::ToSchema;

use crate::errors::Code;
use crate::problem::{ApiResult, Problem};

/// The default number of entries of a page.
const DEFAULT_LIMIT: u32 = 50;
/// The most entries of a page.
const MAX_LIMIT: u32 = 1000;

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct List<T> {
    /// The entries.
    pub(crate) items: Vec<T>,
    /// What to send as `cursor` for the next page; `null` on the last one.
    pub(crate) next_cursor: Option<String>,
}

impl<T> List<T> {
    /// A page; `cursor` names its last entry.
    pub(crate) fn new(items: Vec<T>, more: bool, cursor: Option<String>) -> Self {
        Self {
            items,
            next_cursor: cursor.filter(|_| more),
        }
    }
}

/// The query parameters of a request, whose keys must be known.
#[derive(Debug)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Parses the query of the request.
    ///
    /// # Errors
    /// `invalid_parameter` if a key is not among `known`, is repeated or has no value.
    pub(crate) fn of(request: &HttpRequest, known: &[&str]) -> ApiResult<Self> {
        let pairs =
            actix_web::web::Query::<Vec<(String, String)>>::from_query(request.query_string())
                .map_err(|error| invalid(error.to_string()))?
                .into_inner();
        for (index, (key, _)) in pairs.iter().enumerate() {
            if !known.contains(&key.as_str()) {
                return Err(invalid(format!(
                    "there is no parameter {key:?}; there are {}",
                    known.join(", ")
                )));
            }
            if pairs[index].1.is_empty() {
                return Err(invalid(format!(
                    "the parameter {key:?} is empty; leave it out"
                )));
            }
            if pairs[..index].iter().any(|(other, _)| other == key) {
                return Err(invalid(format!("the parameter {key:?} is there twice")));
            }
        }
        Ok(Self(pairs))
    }

    /// The value of a key, if present.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }

    /// The parsed value of a key.
    ///
    /// # Errors
    /// `invalid_parameter` if it is invalid; `expected` describes valid values.
    pub(crate) fn parse<T>(
        &self,
        key: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> ApiResult<Option<T>> {
        self.get(key)
            .map(|value| {
                parse(value).ok_or_else(|| invalid(format!("{key}={value:?} should be {expected}")))
            })
            .transpose()
    }

    /// The requested order of the list.
    ///
    /// # Errors
    /// `invalid_parameter`.
    pub(crate) fn order(&self) -> ApiResult<Order> {
        let order = self.parse("order", "asc or desc", |value| value.parse().ok())?;
        Ok(order.unwrap_or_default())
    }

    /// The requested number of entries of the page.
    ///
    /// # Errors
    /// `invalid_parameter`.
    pub(crate) fn limit(&self) -> ApiResult<u32> {
        let limit = self.parse("limit", "a number from 1 to 1000", |value| {
            value.parse().ok().filter(|n| (1..=MAX_LIMIT).contains(n))
        })?;
        Ok(limit.unwrap_or(DEFAULT_LIMIT))
    }
}

fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(Code::InvalidParameter, detail)
}
