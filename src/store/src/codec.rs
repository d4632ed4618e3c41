//! The encoding of values in rows, the same in every database.

use std::time::Duration;

use chrono::DateTime;
use lastcall_domain::store::{Admission, Answer, Idempotency, Order};
use lastcall_domain::trace::TraceContext;
use lastcall_domain::{
    ContentKey, DatasetName, Format, Labels, Priority, Service, State, Timestamp,
};

/// A row that cannot be read, because another version wrote it or it is damaged.
#[derive(Debug, thiserror::Error)]
#[error("a row holds {0}")]
pub(crate) struct Unreadable(pub(crate) String);

impl From<serde_json::Error> for Unreadable {
    fn from(error: serde_json::Error) -> Self {
        Self(format!("JSON that this version does not know: {error}"))
    }
}

/// Microseconds since 1970.
pub(crate) fn micros(time: Timestamp) -> i64 {
    time.timestamp_micros()
}

/// The time of these microseconds.
pub(crate) fn time(micros: i64) -> Result<Timestamp, Unreadable> {
    DateTime::from_timestamp_micros(micros)
        .ok_or_else(|| Unreadable(format!("the time {micros}, which is beyond the calendar")))
}

/// Microseconds, at most 292 thousand years.
pub(crate) fn span_micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

/// The span of these microseconds.
pub(crate) fn span(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

/// A count as a signed integer, whose bound is never reached.
pub(crate) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The inverse of [`signed`].
pub(crate) fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

/// The comparison that finds the ids after another one in this order.
pub(crate) fn beyond(order: Order) -> &'static str {
    match order {
        Order::Asc => ">",
        Order::Desc => "<",
    }
}

/// The paths of dataset names in the JSON of a specification; `with` is the old name of
/// `candidate`.
pub(crate) const DATASET_PATHS: [&str; 5] =
    ["dataset", "baseline", "candidate", "with", "source.dataset"];

/// The keyword of that order.
pub(crate) fn direction(order: Order) -> &'static str {
    match order {
        Order::Asc => "ASC",
        Order::Desc => "DESC",
    }
}

/// The number of a state. The SQL texts and the partial indexes have these numbers too.
pub(crate) fn state_number(state: State) -> i16 {
    match state {
        State::Queued => 0,
        State::Running => 1,
        State::Succeeded => 2,
        State::Failed => 3,
        State::Cancelled => 4,
    }
}

/// The state of that number.
pub(crate) fn state(number: i16) -> Result<State, Unreadable> {
    State::ALL
        .into_iter()
        .find(|state| state_number(*state) == number)
        .ok_or_else(|| Unreadable(format!("the unknown state {number}")))
}

/// The number of a priority, in the order of claims.
pub(crate) fn priority_number(priority: Priority) -> i16 {
    match priority {
        Priority::Normal => 0,
        Priority::Low => 1,
    }
}

/// The priority of that number.
pub(crate) fn priority(number: i16) -> Result<Priority, Unreadable> {
    Priority::ALL
        .into_iter()
        .find(|priority| priority_number(*priority) == number)
        .ok_or_else(|| Unreadable(format!("the unknown priority {number}")))
}

/// The number of a service.
pub(crate) fn service_number(service: Service) -> i16 {
    match service {
        Service::Analysis => 0,
        Service::Report => 1,
    }
}

/// The service of that number.
pub(crate) fn service(number: i16) -> Result<Service, Unreadable> {
    Service::ALL
        .into_iter()
        .find(|service| service_number(*service) == number)
        .ok_or_else(|| Unreadable(format!("the unknown service {number}")))
}

/// The format of that name.
pub(crate) fn format(name: &str) -> Result<Format, Unreadable> {
    Format::ALL
        .into_iter()
        .find(|format| format.as_str() == name)
        .ok_or_else(|| Unreadable(format!("the unknown format {name:?}")))
}

/// The trace context in a row. A job with an unreadable trace runs all the same.
pub(crate) fn trace(stored: Option<&str>) -> Option<TraceContext> {
    stored.and_then(TraceContext::from_stored)
}

/// The labels of a job, as they are stored.
pub(crate) fn stored_labels(labels: &Labels) -> Option<String> {
    // Serialisation to JSON cannot fail.
    (!labels.is_empty()).then(|| serde_json::to_string(labels).unwrap_or_default())
}

/// The labels in a row.
pub(crate) fn labels(stored: Option<&str>) -> Result<Labels, Unreadable> {
    let labels = stored.map(serde_json::from_str).transpose()?;
    Ok(labels.unwrap_or_default())
}

/// The content key in a row. A result with an unreadable key is not found again.
pub(crate) fn content_key(stored: Option<&[u8]>) -> Option<ContentKey> {
    let bytes = stored?.try_into().ok()?;
    Some(ContentKey::from_bytes(bytes))
}

/// The dataset's name in a row.
pub(crate) fn dataset_name(name: String) -> Result<DatasetName, Unreadable> {
    DatasetName::try_from(name).map_err(|error| Unreadable(error.to_string()))
}

/// What an earlier use of the key, by its fingerprint and answer, means for this one.
pub(crate) fn repeated<T>(asked: &Idempotency, kept: (Vec<u8>, Answer)) -> Admission<T> {
    let (fingerprint, answer) = kept;
    if fingerprint == asked.fingerprint {
        Admission::Replayed(answer)
    } else {
        Admission::KeyReused
    }
}
