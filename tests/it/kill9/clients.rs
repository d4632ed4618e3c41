//! The clients of the service while it is killed.

use std::collections::BTreeMap;
use std::thread::JoinHandle;

use serde_json::json;

use super::promises::{Announced, Promises, Submission};
use crate::support::jobs::id_of;
use crate::support::{Client, Service};

/// Clients that submit.
const SUBMITTERS: usize = 4;
/// The most jobs that each submits to one process.
const SUBMISSIONS: usize = 8;

/// The clients of one process, until it is killed.
pub(super) struct Load {
    submitters: Vec<JoinHandle<Submitted>>,
    reader: JoinHandle<BTreeMap<String, Announced>>,
    uploader: JoinHandle<(usize, usize)>,
}

#[derive(Default)]
struct Submitted {
    accepted: Vec<String>,
    unanswered: Vec<Submission>,
}

impl Load {
    pub(super) fn start(service: &Service, promises: &Promises, mut random: fastrand::Rng) -> Self {
        let submitters = (0..SUBMITTERS)
            .map(|_| {
                let (client, session) = (service.client(), promises.session.clone());
                let random = random.fork();
                std::thread::spawn(move || submit(&client, &session, random))
            })
            .collect();
        let (client, session) = (service.client(), promises.session.clone());
        let known = promises.announced.clone();
        let reader = std::thread::spawn(move || read(&client, &session, known));
        let (client, session) = (service.client(), promises.session.clone());
        let rows = promises.uploading;
        let uploader = std::thread::spawn(move || upload(&client, &session, rows));
        Self {
            submitters,
            reader,
            uploader,
        }
    }

    /// Waits until all have noticed the kill, and records the answers that they got.
    pub(super) fn stop(self, promises: &mut Promises) {
        for submitter in self.submitters {
            let submitted = submitter.join().unwrap();
            promises.accepted.extend(submitted.accepted);
            promises.unanswered.extend(submitted.unanswered);
        }
        promises.announced = self.reader.join().unwrap();
        let (uploaded, uploading) = self.uploader.join().unwrap();
        promises.uploaded = promises.uploaded.max(uploaded);
        promises.uploading = uploading;
    }
}

/// Mostly profiles, which are quick; now and then a query or a report.
fn submit(client: &Client, session: &str, mut random: fastrand::Rng) -> Submitted {
    let mut told = Submitted::default();
    for _ in 0..SUBMISSIONS {
        let (kind, body) = match random.u32(..20) {
            0 => (
                "analyses",
                json!({ "kind": "sql", "query": crate::support::data::COUNT }),
            ),
            1 => ("reports", json!({ "dataset": "birds", "format": "md" })),
            _ => ("analyses", json!({ "kind": "profile", "dataset": "birds" })),
        };
        let submission = Submission {
            key: format!("{:032x}", random.u128(..)),
            path: format!("/v1/sessions/{session}/{kind}"),
            body,
        };
        match submission.send(client) {
            Some(answer) if answer.status == 429 => break,
            Some(answer) => told.accepted.push(id_of(&answer.expect(202).json())),
            None => {
                told.unanswered.push(submission);
                break;
            }
        }
    }
    told
}

/// Lists jobs that have succeeded, fetches their results, and checks that the jobs it has seen
/// before are unchanged.
fn read(
    client: &Client,
    session: &str,
    mut known: BTreeMap<String, Announced>,
) -> BTreeMap<String, Announced> {
    let path = format!("/v1/jobs?session={session}&state=succeeded&limit=20");
    // Jobs are listed in the order of their ids: continue after those of the last process.
    let mut cursor = known.keys().next_back().cloned();
    loop {
        let page = match &cursor {
            Some(cursor) => client.try_get(&format!("{path}&cursor={cursor}")),
            None => client.try_get(&path),
        };
        let Ok(page) = page else { return known };
        let page = page.expect(200).json();
        for job in page["items"].as_array().unwrap() {
            let id = id_of(job);
            let Ok(result) = client.try_get(&format!("/v1/jobs/{id}/result")) else {
                return known;
            };
            let announced = Announced::new(job, &result.expect(200));
            let before = known.insert(id, announced.clone());
            assert!(
                before.is_none_or(|before| before == announced),
                "it has changed: {job:#}"
            );
        }
        cursor = page["next_cursor"].as_str().map(str::to_owned);
    }
}

/// Puts the same dataset again and again, one row longer each time.
fn upload(client: &Client, session: &str, mut rows: usize) -> (usize, usize) {
    let path = format!("/v1/sessions/{session}/datasets/grows");
    let mut acknowledged = 0;
    loop {
        rows += 1;
        let headers = [("content-type", "text/csv")];
        let put = client.send(ureq::http::Method::PUT, &path, &headers, grown(rows));
        let Ok(answer) = put else {
            return (acknowledged, rows);
        };
        assert!(matches!(answer.status, 200 | 201), "{answer:?}");
        acknowledged = rows;
    }
}

/// The dataset with that many rows; each has a size of its own.
pub(super) fn grown(rows: usize) -> String {
    // Only so many rows that the last upload of a long run is no larger than the first.
    let rows = rows % 4096 + 1;
    crate::support::data::numbers(rows)
}
