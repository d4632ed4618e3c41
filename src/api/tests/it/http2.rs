//! HTTP/2: the same answers, within the same bounds, and an orderly end.

use std::time::Duration;

use bytes::Bytes;
use lastcall_actors::Phase;
use lastcall_api::StallTimeouts;
use lastcall_domain::Service;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::fixture::{Api, CSV};
use crate::secure::{self, Client, TIMEOUT, all};

/// More than any window or buffer holds.
const LARGE: usize = 32 << 20;
const SHORT_TIMEOUT: Duration = Duration::from_millis(200);
const FOREVER: Duration = Duration::from_secs(3600);

async fn profile(client: &Client) -> Value {
    let session = client.session().await;
    let path = format!("{session}/datasets/penguins");
    let request = http::Request::builder()
        .method("PUT")
        .uri(format!("https://localhost{path}"))
        .header("content-type", "text/csv")
        .header("expect", "100-continue")
        .body(())
        .unwrap();
    let (answer, mut sent) = client.request(request, false).await;
    sent.send_data(Bytes::from_static(CSV), true).unwrap();
    assert_eq!(answer.await.unwrap().status(), 201);
    let body = json!({"dataset": "penguins", "kind": "profile"}).to_string();
    let (status, job) = client
        .send("POST", &format!("{session}/analyses"), &body)
        .await;
    assert_eq!(status, 202);
    serde_json::from_slice(&job).unwrap()
}

/// The path of a result that fits into no window.
async fn large_result(api: &Api, client: &Client) -> String {
    let job = profile(client).await;
    let (store, result) = (api, vec![b'x'; LARGE]);
    std::thread::scope(|scope| {
        scope.spawn(|| store.work_to_blob(Service::Analysis, "application/json", &result));
    });
    job["links"]["result"].as_str().unwrap().to_owned()
}

#[test]
fn requests_of_one_connection_are_answered_side_by_side() {
    let api = secure::start(|_| {});
    secure::runtime().block_on(async {
        let client = Client::connect(&api).await;
        let path = large_result(&api, &client).await;
        let (events, _) = client.begin("GET", "/v1/jobs", true).await;
        let large = client.send("GET", &path, "").await;
        assert_eq!((large.0, large.1.len()), (200, LARGE));
        let listed = events.await.unwrap();
        assert_eq!(listed.headers()["x-content-type-options"], "nosniff");
        assert!(listed.headers().contains_key("date"));
        let length: usize = listed.headers()["content-length"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        assert_eq!(all(listed.into_body()).await.unwrap().len(), length);
        let (head, _) = client.begin("HEAD", &path, true).await;
        let head = head.await.unwrap();
        assert_eq!(head.headers()["content-length"], LARGE.to_string());
        let (status, problem) = client.send("PATCH", "/v1/jobs", "").await;
        let problem: Value = serde_json::from_slice(&problem).unwrap();
        assert_eq!(
            (status, &problem["code"]),
            (405, &json!("method_not_allowed"))
        );
    });
}

#[test]
fn a_name_that_points_at_this_machine_is_refused_as_in_http_1() {
    let api = secure::start(|_| {});
    secure::runtime().block_on(async {
        let client = Client::connect(&api).await;
        let request = http::Request::get("https://rebound.example/v1/jobs")
            .body(())
            .unwrap();
        let (answer, _) = client.request(request, true).await;
        assert_eq!(answer.await.unwrap().status(), 421);
    });
}

#[test]
fn a_client_that_grants_no_window_loses_its_answer() {
    let api = secure::start(|config| {
        config.write_timeouts = StallTimeouts {
            running: SHORT_TIMEOUT,
            stopping: SHORT_TIMEOUT,
        };
    });
    secure::runtime().block_on(async {
        let client = Client::with(&api, 1024).await;
        let path = large_result(&api, &client).await;
        let (answer, _) = client.begin("GET", &path, true).await;
        let mut body = answer.await.unwrap().into_body();
        let end = async { while let Some(Ok(_)) = body.data().await {} };
        timeout(TIMEOUT, end).await.expect("the answer is given up");
        assert_eq!(client.send("GET", "/livez", "").await.0, 200);
    });
}

#[test]
fn a_request_that_its_client_has_reset_is_finished() {
    let api = secure::start(|config| {
        config.write_timeouts.running = FOREVER;
    });
    secure::runtime().block_on(async {
        let client = Client::with(&api, 1024).await;
        let path = large_result(&api, &client).await;
        let (answer, mut sent) = client.begin("GET", &path, true).await;
        let answer = answer.await.unwrap();
        assert_ne!(api.state.unfinished_requests(), 0);
        sent.send_reset(h2::Reason::CANCEL);
        drop(answer);
        timeout(TIMEOUT, api.state.requests_finished())
            .await
            .expect("nothing is owed any more");
    });
}

#[test]
fn a_shutdown_sends_goaway_and_finishes_what_is_in_flight() {
    let api = secure::start(|_| {});
    secure::runtime().block_on(async {
        let client = Client::connect(&api).await;
        let idle = Client::connect(&api).await;
        let path = large_result(&api, &client).await;
        let (answer, _) = client.begin("GET", &path, true).await;
        let body = answer.await.unwrap().into_body();
        api.system.phase.send_replace(Phase::Draining);
        let closed = api.state.close_connections();
        tokio::pin!(closed);
        // The answer fits into no window: as long as it is not read, the shutdown waits for it.
        tokio::select! {
            () = &mut closed => panic!("it does not wait for the answer"),
            () = idle.closed() => {}
        }
        // It is not closed yet, and takes no further request.
        client.sent_away().await;
        let ((), read) = tokio::join!(&mut closed, all(body));
        assert_eq!(read.unwrap().len(), LARGE);
        client.closed().await;
    });
}

#[test]
fn whoever_connects_in_the_lame_duck_period_is_answered_and_sent_away() {
    let api = secure::start(|_| {});
    secure::runtime().block_on(async {
        let before = Client::connect(&api).await;
        assert_eq!(before.send("GET", "/livez", "").await.0, 200);
        api.system.phase.send_replace(Phase::LameDuck);
        before.closed().await;
        let after = Client::connect(&api).await;
        assert_eq!(after.send("GET", "/livez", "").await.0, 200);
        after.closed().await;
    });
}
