//! `/livez` and `/readyz`.

use std::time::Duration;

use actix_web::{HttpResponse, web};
use lastcall_domain::store::clock_difference;
use serde::Serialize;
use tokio::time::{Instant, timeout};
use utoipa::ToSchema;

use crate::readiness::Failing;
use crate::state::ApiState;
use lastcall_actors::{BreakerState, Phase};

/// How long a dependency may take to respond.
const PING_TIMEOUT: Duration = Duration::from_secs(1);
/// How long its response is valid.
const FRESH: Duration = Duration::from_secs(1);

/// The state of the process.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Status)]
pub(crate) struct StatusView {
    /// `alive` or `draining`.
    #[schema(example = "alive")]
    pub(crate) status: &'static str,
}

/// Whether the instance accepts requests.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Readiness)]
pub(crate) struct ReadinessView {
    /// `ready`, `starting`, `draining` or `degraded`.
    #[schema(example = "ready")]
    status: &'static str,
    /// The failing checks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checks: Vec<Failing>,
}

/// `GET /livez`
#[utoipa::path(
    get,
    path = "/livez",
    tag = "system",
    operation_id = "livez",
    summary = "Liveness",
    description = "",
    responses(
        (status = 200, description = "The process can serve", body = StatusView),
    ),
)]
pub(crate) async fn livez() -> HttpResponse {
    HttpResponse::Ok().json(StatusView { status: "alive" })
}

/// `GET /readyz`
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "system",
    operation_id = "readyz",
    summary = "Readiness",
    description = "",
    responses(
        (status = 200, description = "Send requests here", body = ReadinessView),
        (status = 503, description = "Do not: the process is starting, draining or degraded", body = ReadinessView),
    ),
)]
pub(crate) async fn readyz(state: web::Data<ApiState>) -> HttpResponse {
    let mut checks = Vec::new();
    let status = match state.system.phase() {
        _ if state.is_stopping() => "draining",
        Phase::Starting => "starting",
        Phase::Running => {
            checks = state.failing().await;
            checks.extend(state.away(&checks));
            if checks.is_empty() {
                "ready"
            } else {
                "degraded"
            }
        }
        _ => "draining",
    };
    let mut response = if status == "ready" {
        HttpResponse::Ok()
    } else {
        HttpResponse::ServiceUnavailable()
    };
    response.json(ReadinessView { status, checks })
}

impl ApiState {
    /// The dependencies that work has found unavailable, and that have not recovered since.
    fn away(&self, known: &[Failing]) -> Vec<Failing> {
        let dependencies = self.system.status().dependencies.into_iter();
        let away = dependencies.filter(|part| part.breaker != BreakerState::Closed);
        let away = away.map(|part| Failing {
            name: part.name.as_str(),
            status: "failing",
            detail: without_addresses(&part.detail.unwrap_or_default()),
        });
        away.filter(|part| known.iter().all(|known| known.name != part.name))
            .collect()
    }

    /// The unavailable dependencies, recently checked.
    async fn failing(&self) -> Vec<Failing> {
        let mut last = self.readiness.last.lock().await;
        if let Some((asked, failing)) = &*last
            && asked.elapsed() < FRESH
        {
            return failing.clone();
        }
        let (store, blobs) = tokio::join!(
            timeout(PING_TIMEOUT, self.store.ping()),
            timeout(PING_TIMEOUT, self.blobs.ping())
        );
        let late = || Some(format!("no answer within {} s", PING_TIMEOUT.as_secs()));
        let store = store.map_or_else(|_| late(), |answer| answer.err().map(message));
        let blobs = blobs.map_or_else(|_| late(), |answer| answer.err().map(message));
        let disk = crate::room::shortage(&self.disks.disks().await);
        let failing: Vec<Failing> = [
            ("store", store),
            ("blobs", blobs),
            ("disk", disk),
            ("clock", clock_difference(self.store.clock_offset())),
            ("jwks", self.lacks_token_keys().then(no_token_keys)),
        ]
        .into_iter()
        .filter_map(|(name, detail)| {
            detail.map(|detail| Failing {
                name,
                status: "failing",
                detail,
            })
        })
        .collect();
        *last = Some((Instant::now(), failing.clone()));
        failing
    }
}

/// Without details, because callers here are not authenticated.
fn no_token_keys() -> String {
    "the keys of the token issuer are not known".to_owned()
}

/// The message of an error.
fn message(error: impl std::fmt::Display) -> String {
    without_addresses(&error.to_string())
}

/// The text without the addresses of other hosts, because callers here are not authenticated.
fn without_addresses(text: &str) -> String {
    let words = text.split(' ').map(|word| {
        if word.contains("://") {
            "(an address)"
        } else {
            word
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_not_shown_without_a_key() {
        let text = "PUT http://minio:9000/secret/.ping failed, source: (https://minio:9000)";
        let shown = "PUT (an address) failed, source: (an address)";
        assert_eq!(without_addresses(text), shown);
        assert_eq!(
            without_addresses("the folder /x is gone"),
            "the folder /x is gone"
        );
    }
}
