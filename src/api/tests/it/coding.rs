//! Answers in fewer bytes.

use std::io::Read as _;

use lastcall_domain::Service;
use serde_json::json;

use crate::fixture::Api;

/// The path of a result of that type.
fn result(api: &Api, media_type: &str, body: &str) -> String {
    let session = api.session_with_penguins();
    let job = api.profile(&session);
    api.work(Service::Analysis, media_type, body);
    job["links"]["result"].as_str().unwrap().to_owned()
}

#[test]
fn a_long_text_is_sent_in_the_coding_that_its_client_takes() {
    let api = Api::start();
    let body = json!({ "columns": vec!["x"; 5_000] }).to_string();
    let path = result(&api, "application/json", &body);
    let plain = api.client.get(&path).expect(200);
    assert_eq!(plain.header("content-encoding"), "");
    assert_eq!(plain.header("vary"), "Accept-Encoding");
    assert_eq!(plain.text(), body);
    for (accepted, coding) in [
        ("gzip", "gzip"),
        ("gzip, br, zstd", "zstd"),
        ("zstd;q=0, *", "gzip"),
    ] {
        let client = api.client.with("accept-encoding", accepted);
        let coded = client.get(&path).expect(200);
        assert_eq!(coded.header("content-encoding"), coding, "{accepted}");
        assert_eq!(coded.header("etag"), plain.header("etag"));
        assert!(coded.body.len() < body.len() / 4, "{accepted}");
        let mut text = String::new();
        match coding {
            "gzip" => flate2::read::GzDecoder::new(&*coded.body).read_to_string(&mut text),
            _ => zstd::Decoder::new(&*coded.body)
                .unwrap()
                .read_to_string(&mut text),
        }
        .unwrap();
        assert_eq!(text, body, "{accepted}");
    }
}

#[test]
fn a_long_text_from_the_blob_store_is_coded_piece_by_piece() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let job = api.profile(&session);
    let body: String = (0..400_000).map(|n| format!("{n},")).collect();
    api.work_to_blob(Service::Analysis, "application/json", body.as_bytes());
    let path = job["links"]["result"].as_str().unwrap();
    let coded = api.client.with("accept-encoding", "zstd").get(path);
    let text = zstd::decode_all(&*coded.expect(200).body).unwrap();
    assert_eq!(text, body.as_bytes());
}

#[test]
fn what_is_short_or_compressed_already_is_sent_as_it_is() {
    let api = Api::start();
    let long = "%PDF ".repeat(1_000);
    for (media_type, body) in [
        ("application/json", "{}"),
        ("application/pdf", long.as_str()),
    ] {
        let path = result(&api, media_type, body);
        let client = api.client.with("accept-encoding", "gzip, zstd");
        let reply = client.get(&path).expect(200);
        assert_eq!(reply.header("content-encoding"), "", "{media_type}");
        assert_eq!(reply.text(), body);
    }
}
