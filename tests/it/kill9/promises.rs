//! The answers that the clients got, and whether they still hold.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::support::jobs::id_of;
use crate::support::{Answer, Client};

/// A POST with a key of its own, so that it can be sent again.
#[derive(Clone, Debug)]
pub(super) struct Submission {
    pub(super) key: String,
    pub(super) path: String,
    pub(super) body: Value,
}

impl Submission {
    /// Sends it; nothing if the process was killed meanwhile.
    pub(super) fn send(&self, client: &Client) -> Option<Answer> {
        let key = [("idempotency-key", self.key.as_str())];
        client.try_post(&self.path, &key, &self.body).ok()
    }
}

/// What was announced of a job that has succeeded: never to change again.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Announced {
    finished_at: Value,
    attempt: Value,
    result: [u8; 32],
}

impl Announced {
    pub(super) fn new(job: &Value, result: &Answer) -> Self {
        Self {
            finished_at: job["finished_at"].clone(),
            attempt: job["attempt"].clone(),
            result: Sha256::digest(&result.body).into(),
        }
    }
}

/// All answers that the clients got.
pub(super) struct Promises {
    pub(super) session: String,
    /// Jobs that were answered with 202.
    pub(super) accepted: BTreeSet<String>,
    /// Requests that the kill of the process left without an answer.
    pub(super) unanswered: Vec<Submission>,
    /// Jobs that were seen to have succeeded, with their results.
    pub(super) announced: BTreeMap<String, Announced>,
    /// Rows of the last upload that was acknowledged, and of the last that was begun.
    pub(super) uploaded: usize,
    pub(super) uploading: usize,
    resent: usize,
}

impl Promises {
    pub(super) fn new(session: String) -> Self {
        Self {
            session,
            accepted: BTreeSet::new(),
            unanswered: Vec::new(),
            announced: BTreeMap::new(),
            uploaded: 0,
            uploading: 0,
            resent: 0,
        }
    }

    /// The dataset is whole, and none that was acknowledged is lost.
    #[track_caller]
    pub(super) fn check_uploads(&self, client: &Client) {
        let path = format!("/v1/sessions/{}/datasets/grows", self.session);
        let answer = client.get(&path);
        if self.uploaded == 0 && answer.status == 404 {
            return;
        }
        let bytes = answer.expect(200).json()["bytes"].as_u64().unwrap();
        let possible: Vec<u64> = (self.uploaded.max(1)..=self.uploading)
            .map(|rows| super::clients::grown(rows).len() as u64)
            .collect();
        assert!(
            possible.contains(&bytes),
            "{bytes} bytes are none of {possible:?}"
        );
    }

    /// Repeats the requests without an answer: each becomes one job, whether it had become one or
    /// not.
    #[track_caller]
    pub(super) fn submit_what_had_no_answer(&mut self, client: &Client) {
        for submission in std::mem::take(&mut self.unanswered) {
            let answer = crate::support::until("there is room in the queue", || {
                let answer = submission.send(client).expect("it lives");
                (answer.status != 429).then_some(answer)
            });
            let id = id_of(&answer.expect(202).json());
            self.accepted.insert(id);
            self.resent += 1;
        }
    }

    /// Every accepted job has succeeded, its result can be fetched and is what was announced;
    /// and there are no other jobs.
    #[track_caller]
    pub(super) fn check_every_job(&self, client: &Client) {
        for id in &self.accepted {
            client.succeeded(id);
        }
        let mut found = BTreeSet::new();
        let path = format!("/v1/jobs?session={}&limit=1000", self.session);
        let mut next = path.clone();
        loop {
            let page = client.get(&next).expect(200).json();
            for job in page["items"].as_array().unwrap() {
                let id = id_of(job);
                self.check_job(client, &id, job);
                assert!(found.insert(id), "a job is listed twice: {job:#}");
            }
            let Some(cursor) = page["next_cursor"].as_str() else {
                break;
            };
            next = format!("{path}&cursor={cursor}");
        }
        assert_eq!(
            found, self.accepted,
            "the jobs are those that were asked for"
        );
    }

    #[track_caller]
    fn check_job(&self, client: &Client, id: &str, job: &Value) {
        assert_eq!(job["state"], "succeeded", "{job:#}");
        let result = client.get(&format!("/v1/jobs/{id}/result")).expect(200);
        assert!(!result.body.is_empty(), "{job:#}");
        if let Some(announced) = self.announced.get(id) {
            assert_eq!(&Announced::new(job, &result), announced, "{job:#}");
        }
    }

    /// A run without load would prove nothing.
    #[track_caller]
    pub(super) fn check_that_the_load_was_real(&self, kills: u64) {
        assert!(self.accepted.len() as u64 > kills, "{self}");
        assert!(self.announced.len() as u64 > kills / 4, "{self}");
        assert!(
            self.resent > 0 || kills < 50,
            "no request was ever cut off: {self}"
        );
    }
}

impl fmt::Display for Promises {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} jobs accepted, {} seen to succeed, {} requests cut off, {} uploads acknowledged",
            self.accepted.len(),
            self.announced.len(),
            self.resent + self.unanswered.len(),
            self.uploaded,
        )
    }
}
