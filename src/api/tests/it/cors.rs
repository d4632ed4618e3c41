//! Pages of other origins.

use serde_json::json;
use ureq::SendBody;

use crate::fixture::Api;

const APP: &str = "https://app.example.com";

fn api() -> Api {
    Api::with(|config| config.cors_origins = vec![APP.to_owned()])
}

#[test]
fn a_page_of_an_allowed_origin_may_send_requests_and_read_answers() {
    let api = api();
    let client = api.client.with("origin", APP);
    let asked = client
        .with("access-control-request-method", "PUT")
        .with(
            "access-control-request-headers",
            "authorization, content-type",
        )
        .send("OPTIONS", "/v1/sessions/x/datasets/y", SendBody::none())
        .expect(204);
    assert_eq!(asked.header("access-control-allow-origin"), APP);
    assert!(asked.header("access-control-allow-methods").contains("PUT"));
    let headers = asked.header("access-control-allow-headers").to_lowercase();
    for header in ["authorization", "cache-control", "content-type"] {
        assert!(headers.contains(header), "{header}: {headers}");
    }

    let made = client.post("/v1/sessions", &json!({})).expect(201);
    assert_eq!(made.header("access-control-allow-origin"), APP);
    assert!(
        made.header("access-control-expose-headers")
            .contains("Location")
    );
    assert_eq!(made.header("vary"), "Origin");
    let missing = client.get("/v1/jobs/x").expect(404);
    assert_eq!(missing.header("access-control-allow-origin"), APP);
}

#[test]
fn no_other_page_may() {
    let api = api();
    let other = api.client.with("origin", "https://evil.example.com");
    other
        .with("access-control-request-method", "POST")
        .send("OPTIONS", "/v1/sessions", SendBody::none())
        .expect_client_error();
    let reply = other.get("/v1/sessions").expect(200);
    assert_eq!(reply.header("access-control-allow-origin"), "");
    other
        .post("/v1/sessions", &json!({}))
        .problem(403, "cross_origin");
}

#[test]
fn without_the_setting_there_are_no_cors_headers() {
    let api = Api::start();
    let reply = api
        .client
        .with("origin", APP)
        .get("/v1/sessions")
        .expect(200);
    assert_eq!(reply.header("access-control-allow-origin"), "");
    assert_eq!(reply.header("vary"), "");
}
