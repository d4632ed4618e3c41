//! The requests of a session, in the words of a test.

use serde_json::{Value, json};

use super::data;
use super::{Client, until};

impl Client {
    /// Opens a session.
    #[track_caller]
    pub(crate) fn session(&self) -> String {
        let answer = self.post("/v1/sessions", &json!({})).expect(201);
        id_of(&answer.json())
    }

    /// Uploads a CSV.
    #[track_caller]
    pub(crate) fn upload(&self, session: &str, name: &str, csv: &str) {
        let path = format!("/v1/sessions/{session}/datasets/{name}");
        let answer = self.put(&path, "text/csv", csv.as_bytes());
        assert!(matches!(answer.status, 200 | 201), "{answer:?}");
    }

    /// A session with the dataset `birds`.
    #[track_caller]
    pub(crate) fn session_with_birds(&self) -> String {
        let session = self.session();
        self.upload(&session, "birds", data::BIRDS);
        session
    }

    /// Submits an analysis; its id.
    #[track_caller]
    pub(crate) fn analyse(&self, session: &str, body: &Value) -> String {
        let path = format!("/v1/sessions/{session}/analyses");
        id_of(&self.post(&path, body).expect(202).json())
    }

    /// Submits a profile; its id.
    #[track_caller]
    pub(crate) fn profile(&self, session: &str, dataset: &str) -> String {
        self.analyse(session, &json!({ "dataset": dataset, "kind": "profile" }))
    }

    /// Submits a query; its id.
    #[track_caller]
    pub(crate) fn sql(&self, session: &str, query: &str) -> String {
        self.analyse(session, &json!({ "kind": "sql", "query": query }))
    }

    /// Submits a report; its id.
    #[track_caller]
    pub(crate) fn report(&self, session: &str, body: &Value) -> String {
        let path = format!("/v1/sessions/{session}/reports");
        id_of(&self.post(&path, body).expect(202).json())
    }

    #[track_caller]
    pub(crate) fn job(&self, id: &str) -> Value {
        self.get(&format!("/v1/jobs/{id}")).expect(200).json()
    }

    /// Waits until the job is in that state.
    #[track_caller]
    pub(crate) fn wait_for(&self, id: &str, state: &str) -> Value {
        until(&format!("job {id} is {state}"), || {
            let job = self.job(id);
            let now = job["state"].as_str().unwrap();
            let over = matches!(now, "succeeded" | "failed" | "cancelled");
            assert!(!over || now == state, "it should be {state}: {job:#}");
            (now == state).then_some(job)
        })
    }

    /// Waits until the job has succeeded.
    #[track_caller]
    pub(crate) fn succeeded(&self, id: &str) -> Value {
        self.wait_for(id, "succeeded")
    }

    /// The result of a job that succeeds.
    #[track_caller]
    pub(crate) fn result(&self, id: &str) -> super::Answer {
        self.succeeded(id);
        self.get(&format!("/v1/jobs/{id}/result")).expect(200)
    }

    /// The process as `/v1/system` shows it.
    #[track_caller]
    pub(crate) fn system(&self) -> Value {
        self.get("/v1/system").expect(200).json()
    }

    /// The entry of a service in `/v1/system`.
    #[track_caller]
    pub(crate) fn service(&self, name: &str) -> Value {
        let system = self.system();
        let services = system["services"].as_array().unwrap();
        let found = services.iter().find(|service| service["name"] == name);
        found
            .unwrap_or_else(|| panic!("no {name}: {system:#}"))
            .clone()
    }
}

/// The id in a document.
#[track_caller]
pub(crate) fn id_of(document: &Value) -> String {
    document["id"].as_str().expect("an id").to_owned()
}
