//! Paged lists: `?limit=&cursor=`, answered with `{"items": […], "next_cursor": …}`.

use actix_web::HttpRequest;
use lastcall_domain::store::Order;
use serde::Serialize;
use utoipa::ToSchema;

use crate::errors::Code;
use crate::problem::{ApiResult, Problem};

/// The entries of a page where a request does not say how many.
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

/// The query of a request, whose keys have to be among those that are known.
#[derive(Debug)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// The query of the request.
    ///
    /// # Errors
    /// `invalid_parameter` where a key is not among `known`, comes twice or has no value.
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

    /// The value of a key, if it is there.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }

    /// The value of a key, as what it has to be.
    ///
    /// # Errors
    /// `invalid_parameter` where it is something else; `expected` says what it should be.
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

    /// In which order the list is to come.
    ///
    /// # Errors
    /// `invalid_parameter`.
    pub(crate) fn order(&self) -> ApiResult<Order> {
        let order = self.parse("order", "asc or desc", |value| value.parse().ok())?;
        Ok(order.unwrap_or_default())
    }

    /// How many entries the page is to have.
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
