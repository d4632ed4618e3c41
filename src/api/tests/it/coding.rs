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
        // Other bytes than those of the strong tag, which stand for the same result.
        assert_eq!(coded.header("etag"), format!("W/{}", plain.header("etag")));
        assert_eq!(coded.header("vary"), "Accept-Encoding");
        let kept = client.with("if-none-match", coded.header("etag"));
        let current = kept.get(&path).expect(304);
        assert_eq!(current.header("etag"), coded.header("etag"));
        assert_eq!(current.header("vary"), "Accept-Encoding");
        let head = client.send("HEAD", &path, ureq::SendBody::none());
        let head = head.expect(200);
        assert!(head.body.is_empty());
        for name in ["content-encoding", "content-length", "etag", "vary"] {
            assert_eq!(head.header(name), coded.header(name), "{name}");
        }
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
fn an_answer_without_coding_varies_by_accept_encoding() {
    let api = Api::start();
    let body = json!({ "columns": vec!["x"; 5_000] }).to_string();
    let path = result(&api, "application/json", &body);
    let plain = api.client.get(&path).expect(200);
    let tag = plain.header("etag").to_owned();
    assert!(tag.starts_with('"'), "{tag}");
    let head = api.client.send("HEAD", &path, ureq::SendBody::none());
    assert_eq!(head.header("content-length"), body.len().to_string());
    assert_eq!(head.header("vary"), "Accept-Encoding");
    let current = api.client.with("if-none-match", &tag).get(&path);
    let current = current.expect(304);
    assert_eq!(current.header("etag"), tag);
    assert_eq!(current.header("vary"), "Accept-Encoding");
}

#[test]
fn the_tag_of_a_dataset_stays_that_of_its_bytes_however_its_description_is_coded() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let path = format!("{session}/datasets/penguins");
    let plain = api.client.get(&path).header("etag").to_owned();
    // A long description.
    let missing = vec!["x"; 500].join(",");
    api.client
        .raw("PATCH", &format!("{path}?missing={missing}"), b"")
        .expect(200);
    let client = api.client.with("accept-encoding", "gzip");
    let coded = client.get(&path).expect(200);
    assert_eq!(coded.header("content-encoding"), "gzip");
    assert_eq!(coded.header("etag"), plain);
    let client = client.with("if-match", coded.header("etag"));
    client.delete(&path).expect(204);
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
