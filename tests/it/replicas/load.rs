//! Clients that submit and read all the time, through the balancer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use ureq::http::Method;

use super::balancer::Balancer;
use super::cluster::Cluster;
use crate::support::jobs::id_of;
use crate::support::{Answer, Client, TIMEOUT, data};

/// Clients that submit; each has one job at a time.
const SUBMITTERS: usize = 3;
/// How often a client polls its job.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// How a client handles a failed request.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Faults {
    /// Records it as a failure of the service.
    Count,
    /// Sends it again, with the same key.
    Retry,
}

/// What was announced of a job that has succeeded: never to change again.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Announced {
    job: Value,
    result: Vec<u8>,
}

/// The answers that the clients got.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// The jobs that were accepted, and what was announced of those that have succeeded.
    pub(super) jobs: BTreeMap<String, Option<Announced>>,
    pub(super) requests: usize,
    /// Requests that were sent again.
    pub(super) repeated: usize,
    /// Requests that were not answered as they should have been.
    pub(super) failures: Vec<String>,
}

/// The clients, until they are stopped.
pub(super) struct Load {
    over: Arc<AtomicBool>,
    accepted: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<Answers>>,
}

impl Load {
    /// Begins to submit work on the session's dataset `birds`, most of it profiles; to read, and
    /// to upload.
    pub(super) fn start(balancer: &Balancer, session: &str, faults: Faults) -> Self {
        let (over, accepted) = <(Arc<AtomicBool>, Arc<AtomicUsize>)>::default();
        let user = || User {
            client: balancer.client(),
            session: session.to_owned(),
            faults,
            over: Arc::clone(&over),
            accepted: Arc::clone(&accepted),
            told: Answers::default(),
        };
        let mut clients: Vec<_> = (0..SUBMITTERS)
            .map(|_| {
                let user = user();
                std::thread::spawn(move || user.submit())
            })
            .collect();
        let reader = user();
        clients.push(std::thread::spawn(move || reader.read()));
        Self {
            over,
            accepted,
            clients,
        }
    }

    /// How many jobs were accepted so far.
    pub(super) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Lets every client end its job; returns the answers that they got.
    pub(super) fn stop(mut self) -> Answers {
        self.over.store(true, Ordering::Relaxed);
        let mut all = Answers::default();
        for client in std::mem::take(&mut self.clients) {
            let told = client.join().unwrap();
            all.requests += told.requests;
            all.repeated += told.repeated;
            all.failures.extend(told.failures);
            for (id, announced) in told.jobs {
                let before = all.jobs.insert(id, announced);
                assert_eq!(before, None, "a job was given to two clients");
            }
        }
        all
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

struct User {
    client: Client,
    session: String,
    faults: Faults,
    over: Arc<AtomicBool>,
    accepted: Arc<AtomicUsize>,
    told: Answers,
}

impl User {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Submits a job, waits for its end, fetches the result; and again.
    fn submit(mut self) -> Answers {
        while !self.is_over() {
            let Some(id) = self.submit_one() else {
                continue;
            };
            self.accepted.fetch_add(1, Ordering::Relaxed);
            self.told.jobs.insert(id.clone(), None);
            let announced = self.wait_for(&id);
            self.told.jobs.insert(id, announced);
        }
        self.told
    }

    /// The id of a new job; none where there was no room for it.
    fn submit_one(&mut self) -> Option<String> {
        let (kind, body) = match fastrand::u32(..10) {
            0 => ("analyses", json!({ "kind": "sql", "query": data::COUNT })),
            1 => ("reports", json!({ "dataset": "birds", "format": "md" })),
            _ => ("analyses", json!({ "kind": "profile", "dataset": "birds" })),
        };
        let path = format!("/v1/sessions/{}/{kind}", self.session);
        let key = format!("{:032x}", fastrand::u128(..));
        let headers = [
            ("content-type", "application/json"),
            ("idempotency-key", &key),
        ];
        let answer = self.ask(&Method::POST, &path, &headers, &body.to_string())?;
        if answer.status == 429 {
            std::thread::park_timeout(POLL_INTERVAL);
            return None;
        }
        Some(id_of(&answer.json()))
    }

    fn wait_for(&mut self, id: &str) -> Option<Announced> {
        let path = format!("/v1/jobs/{id}");
        let end = Instant::now() + TIMEOUT;
        while Instant::now() < end {
            let job = self.get(&path)?.json();
            match job["state"].as_str() {
                Some("succeeded") => {
                    let result = self.get(&format!("{path}/result"))?.body;
                    return Some(Announced { job, result });
                }
                Some("queued" | "running") => std::thread::park_timeout(POLL_INTERVAL),
                _ => {
                    self.told
                        .failures
                        .push(format!("it did not succeed: {job:#}"));
                    return None;
                }
            }
        }
        self.told.failures.push(format!("job {id} did not end"));
        None
    }

    /// Reads what there is besides jobs, and uploads.
    fn read(mut self) -> Answers {
        let session = format!("/v1/sessions/{}", self.session);
        let paths = [
            session.clone(),
            format!("{session}/datasets/birds"),
            format!("/v1/jobs?session={}&limit=20", self.session),
            "/v1/system".to_owned(),
        ];
        let other = format!("{session}/datasets/others");
        for path in paths.iter().cycle() {
            if self.is_over() {
                break;
            }
            self.get(path);
            let csv = [("content-type", "text/csv")];
            self.ask(&Method::PUT, &other, &csv, data::BIRDS);
            std::thread::park_timeout(POLL_INTERVAL);
        }
        self.told
    }

    fn get(&mut self, path: &str) -> Option<Answer> {
        self.ask(&Method::GET, path, &[], "")
    }

    /// Repeats the request until the answer has the expected status; none if it was given up.
    fn ask(
        &mut self,
        method: &Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Option<Answer> {
        let end = Instant::now() + TIMEOUT;
        loop {
            self.told.requests += 1;
            let sent = self.client.send(method.clone(), path, headers, body);
            let fault = match sent {
                Ok(answer) if matches!(answer.status, 200..=299 | 429) => return Some(answer),
                Ok(answer) => format!("{method} {path}: {answer:?}"),
                Err(error) => format!("{method} {path}: {error}"),
            };
            if self.faults == Faults::Count || Instant::now() > end {
                self.told.failures.push(fault);
                return None;
            }
            self.told.repeated += 1;
            std::thread::park_timeout(POLL_INTERVAL);
        }
    }
}

impl Answers {
    /// Every accepted job has succeeded and is as it was announced, and there are no others;
    /// every result was written once.
    #[track_caller]
    pub(super) fn check(&self, cluster: &Cluster, client: &Client) {
        assert!(self.failures.is_empty(), "{:#?}", self.failures);
        let writes = cluster.database.writes();
        for (id, announced) in &self.jobs {
            let job = client.job(id);
            let result = client
                .get(&format!("/v1/jobs/{id}/result"))
                .expect(200)
                .body;
            let announced = announced.as_ref().expect("no client left its job");
            assert_eq!(announced, &Announced { job, result });
            assert_eq!(writes[id], (1, 1), "{announced:#?}");
        }
        let rows = cluster.database.query("SELECT id FROM jobs ORDER BY id");
        assert_eq!(rows, Vec::from_iter(self.jobs.keys().cloned()));
    }
}
