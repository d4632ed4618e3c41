//! Metrics of requests, counted as they are answered.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use actix_web::http::Method;
use lastcall_domain::trace::TraceId;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::latency::Latency;

/// Upper bounds of the classes of request durations, in seconds.
const DURATIONS: [f64; 12] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0,
];

/// Metrics of requests.
#[derive(Debug)]
pub(crate) struct HttpMetrics {
    requests: Family<Answer, Counter>,
    durations: Family<Route, Latency, fn() -> Latency>,
    /// The metrics of both families, by route: one lookup without copying the name.
    known: RwLock<HashMap<String, Vec<Known>>>,
}

/// The metrics of one kind of response of a route.
#[derive(Debug)]
struct Known {
    method: &'static str,
    status: u16,
    requests: Counter,
    durations: Latency,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    method: &'static str,
    route: String,
}

impl HttpMetrics {
    /// Registers metrics that are zero.
    pub(crate) fn new(registry: &mut Registry) -> Self {
        let requests = Family::default();
        registry.register(
            "lastcall_http_requests",
            "Requests answered",
            Family::clone(&requests),
        );
        let durations: Family<Route, Latency, fn() -> Latency> =
            Family::new_with_constructor(|| Latency::new(&DURATIONS));
        registry.register(
            "lastcall_http_request_duration_seconds",
            "Time from a request's head to its answer's head",
            durations.clone(),
        );
        Self {
            requests,
            durations,
            known: RwLock::default(),
        }
    }

    /// Counts a request. `trace` is the trace of the request, if it is recorded.
    pub(crate) fn answered(
        &self,
        method: &Method,
        route: &str,
        status: u16,
        took: Duration,
        trace: Option<TraceId>,
    ) {
        let method = bounded(method);
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let answers = known.get(route).map(Vec::as_slice).unwrap_or_default();
        let is_same = |known: &&Known| known.status == status && known.method == method;
        if let Some(known) = answers.iter().find(is_same) {
            return known.count(took, trace);
        }
        drop(known);
        let new = self.insert(method, route, status);
        new.count(took, trace);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let answers = known.entry(route.to_owned()).or_default();
        // Two threads may get here, with the same metrics.
        if !answers.iter().any(|known| is_same(&known)) {
            answers.push(new);
        }
    }

    fn insert(&self, method: &'static str, route: &str, status: u16) -> Known {
        let route = route.to_owned();
        let answer = Answer {
            method,
            route: route.clone(),
            status,
        };
        Known {
            method,
            status,
            requests: self.requests.get_or_create_owned(&answer),
            durations: self.durations.get_or_create_owned(&Route { method, route }),
        }
    }
}

impl Known {
    fn count(&self, took: Duration, trace: Option<TraceId>) {
        self.requests.inc();
        self.durations.observe(took, trace);
    }
}

/// The method as a label: callers may send any, the labels have to be few.
fn bounded(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}
