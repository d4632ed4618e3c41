use std::io::{BufRead, BufReader, Read};
use std::time::Duration;

use lastcall_actors::Phase;
use lastcall_domain::Service;
use lastcall_domain::store::ClaimOrder;
use lastcall_domain::store::Outcome;
use serde_json::{Value, json};
use ureq::SendBody;

use crate::client::Client;
use crate::fixture::{Api, inline};

/// The events of a stream, one at a time.
pub struct Events<R>(BufReader<R>);

impl<R: Read> Events<R> {
    pub fn next(&mut self) -> Option<(String, Value)> {
        let (mut name, mut data) = (String::new(), Value::Null);
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            match line.trim_end().split_once(": ") {
                Some(("event", value)) => name = value.to_owned(),
                Some(("data", value)) => data = serde_json::from_str(value).unwrap(),
                Some(_) => {}
                None if name.is_empty() => {}
                None => return Some((name, data)),
            }
        }
    }

    #[track_caller]
    pub fn expect(&mut self, name: &str) -> Value {
        let (found, data) = self.next().expect("the stream goes on");
        assert_eq!(found, name, "{data}");
        data
    }

    #[track_caller]
    fn expect_end(&mut self, reason: &str) {
        assert_eq!(self.expect("end"), json!({ "reason": reason }));
        assert_eq!(self.next(), None);
    }
}

fn follow(api: &Api, job: &Value) -> Events<impl Read + use<>> {
    open(&api.client, job["links"]["events"].as_str().unwrap())
}

/// The stream at this path.
pub fn open(client: &Client, path: &str) -> Events<impl Read + use<>> {
    let response = client.open("GET", path, SendBody::none());
    assert_eq!(response.status(), 200);
    assert_eq!(
        response.headers()["content-type"],
        "text/event-stream; charset=utf-8"
    );
    Events(BufReader::new(response.into_body().into_reader()))
}

#[test]
fn a_job_is_followed_from_the_queue_to_its_end() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let job = api.profile(&session);
    let mut events = follow(&api, &job);
    assert_eq!(events.expect("state"), job);
    let claimed = api.claim(Service::Analysis).unwrap();
    let running = events.expect("state");
    assert_eq!(running["state"], "running");
    assert_eq!(running["attempt"], 1);
    api.feed.progress(claimed.id, 0.42);
    assert_eq!(events.expect("progress"), json!({"progress": 0.42}));
    api.complete(
        &claimed,
        Outcome::Succeeded(inline("application/json", "{}")),
    )
    .unwrap();
    let ended = events.expect("state");
    assert_eq!(ended["state"], "succeeded");
    assert_eq!(ended["progress"], 1.0);
    events.expect_end("finished");
}

#[test]
fn the_stream_of_an_ended_job_begins_with_its_end() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let job = api.profile(&session);
    api.fail(Service::Analysis, "invalid_data");
    let mut events = follow(&api, &job);
    assert_eq!(events.expect("state")["error"]["code"], "invalid_data");
    events.expect_end("finished");
}

#[test]
fn a_change_without_an_update_is_sent_too() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let job = api.profile(&session);
    let mut events = follow(&api, &job);
    events.expect("state");
    // As by a peer, whose updates this process does not receive.
    let peer = lastcall_domain::InstanceId::new();
    let lease = Duration::from_secs(5);
    let order = ClaimOrder::new(Service::Analysis, peer, lease, 1);
    let claim = lastcall_domain::Store::claim(&api.store, order);
    let claimed = crate::fixture::block(claim).unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!(events.expect("state")["state"], "running");
}

#[test]
fn streams_end_with_the_session_and_with_a_shutdown() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let other = api.session_with_penguins();
    let mut gone = follow(&api, &api.profile(&session));
    let mut draining = follow(&api, &api.profile(&other));
    gone.expect("state");
    draining.expect("state");
    api.client.delete(&session).expect(204);
    gone.expect_end("gone");
    api.system.phase.send_replace(Phase::LameDuck);
    draining.expect_end("draining");
}

#[test]
fn following_a_job_keeps_its_session_and_too_late_is_too_late() {
    let api = Api::with(|config| config.default_ttl = Duration::from_secs(100));
    let session = api.session_with_penguins();
    let job = api.profile(&session);
    let mut events = follow(&api, &job);
    events.expect("state");
    api.clock.advance(Duration::from_secs(100));
    events.expect_end("gone");
}

#[test]
fn the_number_of_streams_is_bounded_and_an_ended_one_makes_room() {
    let api = Api::with(|config| config.max_streams = 1);
    let session = api.session_with_penguins();
    let job = api.profile(&session);
    let path = job["links"]["events"].as_str().unwrap();
    let mut events = follow(&api, &job);
    events.expect("state");
    let refused = api.client.get(path);
    assert!(!refused.header("retry-after").is_empty());
    refused.problem(429, "too_many_streams");
    api.work(Service::Analysis, "application/json", "{}");
    // One `state` or two, by how soon the stream looks.
    while events.next().is_some() {}
    follow(&api, &job).expect("state");
}
