use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use lastcall_domain::store::Store;
use lastcall_domain::{Clock, SessionId};
use serde_json::{Value, json};
use sha2::{Digest, Sha256, Sha512};

use crate::fixture::{Api, CSV, block};

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

pub(crate) fn assert_is_csv(dataset: &Value, bytes: &[u8]) {
    assert_eq!(dataset["format"], "csv");
    assert_eq!(dataset["bytes"], bytes.len());
    assert_eq!(dataset["sha256"], sha256(bytes));
}

#[test]
fn an_upload_is_created_and_then_replaced_and_only_the_new_bytes_stay() {
    let api = Api::start();
    let session = api.session();
    let path = format!("{session}/datasets/penguins");
    let reply = api.client.put(&path, "text/csv; charset=utf-8", CSV);
    assert_eq!(reply.header("location"), path);
    let created = reply.ok(201);
    assert_eq!(created["name"], "penguins");
    assert_is_csv(&created, CSV);
    let first = api.blobs.keys();

    let replaced = api.client.put(&path, "text/csv", b"a\n1\n").ok(200);
    assert_is_csv(&replaced, b"a\n1\n");
    assert_eq!(api.blobs.keys().len(), 1);
    assert_ne!(api.blobs.keys(), first);
}

#[test]
fn an_upload_is_bounded_as_sent_and_as_decoded() {
    let api = Api::with(|config| config.max_body = 100_000);
    let session = api.session();
    let path = format!("{session}/datasets/a");
    let put = |body: &[u8]| api.client.put(&path, "text/csv", body);
    put(&vec![b'1'; 100_000]).expect(201);
    // Without a Content-Length, since the client streams.
    put(&vec![b'1'; 100_001]).problem(413, "payload_too_large");
    put(&gzip(&vec![b'1'; 100_000])).expect(200);
    put(&gzip(&vec![b'1'; 100_001])).problem(413, "payload_too_large");
    let bomb = gzip(&vec![b'1'; 64 << 20]);
    assert!(bomb.len() < 100_000);
    put(&bomb).problem(413, "payload_too_large");
    // With one, it is refused before the body has come.
    api.client
        .with("content-length", "100001")
        .put(&path, "text/csv", &vec![b'1'; 100_001])
        .problem(413, "payload_too_large");
    assert_eq!(api.blobs.keys().len(), 1);
}

#[test]
fn a_part_is_not_taken_for_the_whole() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let resumed = api.client.with("content-range", "bytes 100-111/112");
    let path = format!("{session}/datasets/penguins");
    resumed
        .put(&path, "text/csv", b"Gentoo,5000\n")
        .problem(400, "invalid_parameter");
    assert_eq!(api.client.get(&path).ok(200)["bytes"], CSV.len());
}

#[test]
fn an_empty_dataset_is_refused() {
    let api = Api::start();
    let session = api.session();
    let path = format!("{session}/datasets/a");
    for body in [&b""[..], &gzip(b"")] {
        api.client
            .put(&path, "text/csv", body)
            .problem(422, "empty_dataset");
    }
    assert!(api.blobs.keys().is_empty());
}

#[test]
fn an_upload_whose_client_goes_away_leaves_nothing() {
    let api = Api::start();
    let session = api.session();
    let mut connection = TcpStream::connect(api.address).unwrap();
    write!(
        connection,
        "PUT {session}/datasets/a HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n\
         Content-Length: 1000000\r\n\r\n"
    )
    .unwrap();
    connection.write_all(&vec![b'1'; 600_000]).unwrap();
    connection.shutdown(std::net::Shutdown::Write).unwrap();
    // The server closes the connection once it is done with it.
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(!answer.contains("HTTP/1.1 2"), "{answer}");
    assert!(api.blobs.keys().is_empty());
    let list = api.client.get(&format!("{session}/datasets")).ok(200);
    assert_eq!(list["items"], json!([]));
}

#[test]
fn a_slow_upload_keeps_its_session() {
    let api = Api::with(|config| config.default_ttl = Duration::from_secs(100));
    let session = api.session();
    let id: SessionId = session.rsplit('/').next().unwrap().parse().unwrap();
    let mut connection = TcpStream::connect(api.address).unwrap();
    write!(
        connection,
        "PUT {session}/datasets/a HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n\
         Content-Length: 8\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut interim = [0; 25];
    connection.read_exact(&mut interim).unwrap();
    assert!(interim.starts_with(b"HTTP/1.1 100 Continue"));
    let patience = Instant::now() + Duration::from_secs(20);
    for line in [b"a\n", b"1\n", b"2\n", b"3\n"] {
        api.clock.advance(Duration::from_secs(60));
        connection.write_all(line).unwrap();
        let renewed = Clock::now(&*api.clock) + Duration::from_secs(100);
        let expires_at = || block(api.store.session(id)).unwrap().unwrap().expires_at;
        while expires_at() < renewed {
            assert!(Instant::now() < patience, "the session is not renewed");
            std::thread::yield_now();
        }
    }
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
}

#[test]
fn an_upload_that_the_blob_store_refuses_is_answered_and_can_be_repeated() {
    let api = Api::start();
    let session = api.session();
    api.blobs.faults().set_down(true);
    let reply = api.put(&session, "a");
    assert_eq!(reply.header("retry-after"), "1");
    reply.problem(503, "blobs_unavailable");
    api.blobs.faults().clear();
    api.put(&session, "a").expect(201);
}

/// The answer to an upload whose session is deleted before the body has come.
fn upload_into_a_session_that_is_deleted(api: &Api, deleted: impl FnOnce()) -> String {
    let session = api.session();
    let mut connection = TcpStream::connect(api.address).unwrap();
    write!(
        connection,
        "PUT {session}/datasets/a HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n\
         Content-Length: 4\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    // The head of the request has been read once the server sends `100 Continue`.
    let mut interim = [0; 25];
    connection.read_exact(&mut interim).unwrap();
    assert!(interim.starts_with(b"HTTP/1.1 100 Continue"));
    api.client.delete(&session).expect(204);
    deleted();
    connection.write_all(b"a\n1\n").unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn an_upload_into_a_session_that_is_deleted_meanwhile_leaves_nothing() {
    let api = Api::start();
    let answer = upload_into_a_session_that_is_deleted(&api, || {});
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    assert!(api.blobs.keys().is_empty());
}

#[test]
fn a_session_that_was_deleted_is_not_taken_for_trouble_with_the_blob_store() {
    let api = Api::start();
    // As where the cleaner has removed the folder that the upload is written to.
    let answer = upload_into_a_session_that_is_deleted(&api, || api.blobs.faults().set_down(true));
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    assert!(answer.contains("session_not_found"), "{answer}");
}

#[test]
fn an_upload_keeps_to_its_preconditions() {
    let api = Api::start();
    let session = api.session();
    let path = format!("{session}/datasets/penguins");
    let put = |header: &str, value: &str, body: &[u8]| {
        api.client.with(header, value).put(&path, "text/csv", body)
    };
    put("If-Match", "*", CSV).problem(412, "precondition_failed");
    let created = put("If-None-Match", "*", CSV);
    let tag = created.header("etag").to_owned();
    created.expect(201);
    assert_eq!(tag, format!("\"{}\"", sha256(CSV)));
    let found = api.client.get(&path);
    assert_eq!(found.header("etag"), tag);

    let other = b"a\n1\n";
    put("If-None-Match", "*", other).problem(412, "precondition_failed");
    put("If-Match", "\"x\"", other).problem(412, "precondition_failed");
    put("If-Match", &format!("W/{tag}"), other).problem(412, "precondition_failed");
    assert_is_csv(&api.client.get(&path).ok(200), CSV);
    put("If-Match", &format!("\"x\", {tag}"), other).expect(200);
    assert_is_csv(&api.client.get(&path).ok(200), other);
    assert_eq!(api.blobs.keys().len(), 1);

    put("If-None-Match", "\"x\"", other).problem(400, "invalid_parameter");
    put("If-Match", "x", other).problem(400, "invalid_parameter");
}

#[test]
fn an_upload_is_refused_that_has_another_digest() {
    let api = Api::start();
    let session = api.session();
    let path = format!("{session}/datasets/penguins");
    let put = |digest: &str, body: &[u8]| {
        let client = api.client.with("content-digest", digest);
        client.put(&path, "text/csv", body)
    };
    let base64 = |bytes: &[u8]| STANDARD.encode(bytes);
    let of = |body: &[u8]| format!("sha-256=:{}:", base64(&Sha256::digest(body)));
    put(&of(CSV), CSV).expect(201);
    let packed = gzip(CSV);
    put(&of(&packed), &packed).expect(200);
    let sha512 = format!(
        "md5=:x:, sha-256=:{}:, sha-512=:{}:",
        base64(&[0; 32]),
        base64(&Sha512::digest(CSV))
    );
    put(&sha512, CSV).expect(200);
    put("unixsum=3", CSV).expect(200);
    put(&of(b"x"), CSV).problem(400, "digest_mismatch");
    put(&of(CSV), &packed).problem(400, "digest_mismatch");
    for broken in ["sha-256=x", "sha-256=:eA==:", "sha-256", "sha-256=:!:"] {
        put(broken, CSV).problem(400, "invalid_parameter");
    }
    assert_is_csv(&api.client.get(&path).ok(200), CSV);
    assert_eq!(api.blobs.keys().len(), 1);
}

#[test]
fn a_dataset_keeps_its_read_options_and_they_can_be_changed() {
    let api = Api::start();
    let session = api.session();
    let path = format!("{session}/datasets/prices");
    let url = format!("{path}?delimiter=;&decimal=,&missing=-,n/a&header=true");
    let created = api.client.put(&url, "text/csv", CSV).ok(201);
    let options =
        json!({"delimiter": ";", "decimal": ",", "missing": ["-", "n/a"], "header": true});
    assert_eq!(created["options"], options);
    let found = api.client.get(&path).ok(200);
    assert_eq!(found["options"], options);
    assert_eq!(found["read"]["delimiter"], ";");

    let patched = api
        .client
        .raw("PATCH", &format!("{path}?delimiter=tab"), b"");
    let patched = patched.ok(200);
    assert_eq!(patched["options"]["delimiter"], "\t");
    assert_eq!(patched["options"]["decimal"], ",");
    assert_eq!(patched["read"]["delimiter"], "\t");
    let body = json!({"decimal": null, "missing": null, "header": null, "delimiter": "|"});
    let client = api.client.with("content-type", "application/json");
    let patched = client.raw("PATCH", &path, body.to_string().as_bytes());
    assert_eq!(patched.ok(200)["options"], json!({"delimiter": "|"}));

    for (url, body) in [
        (path.clone(), json!({"delimiter": 1})),
        (path.clone(), json!({"separator": ";"})),
        (path.clone(), json!({"sheet": "a"})),
        (format!("{path}?separator=x"), json!({})),
        (format!("{path}?decimal=x"), json!({})),
    ] {
        let refused = client.raw("PATCH", &url, body.to_string().as_bytes());
        refused.problem(422, "invalid_option");
    }
    let tab = client.raw("PATCH", &path, br#"{"delimiter": "tab"}"#);
    assert_eq!(tab.ok(200)["options"], json!({"delimiter": "\t"}));
    client
        .raw("PATCH", &path, br#"{"delimiter": "|"}"#)
        .expect(200);
    let nothing = api.client.raw("PATCH", &path, b"");
    nothing.problem(422, "invalid_request");
    let gone = format!("{session}/datasets/gone?delimiter=x");
    api.client
        .raw("PATCH", &gone, b"")
        .problem(404, "dataset_not_found");
    assert_eq!(
        api.client.get(&path).ok(200)["options"],
        json!({"delimiter": "|"})
    );
}

#[test]
fn an_upload_with_an_option_that_is_not_one_is_refused() {
    let api = Api::start();
    let session = api.session();
    for query in [
        "delimiter=;;",
        "separator=;",
        "sheet=a",
        "header=maybe",
        "decimal=;",
    ] {
        let path = format!("{session}/datasets/x?{query}");
        let refused = api.client.put(&path, "text/csv", CSV);
        refused.problem(422, "invalid_option");
    }
    assert!(api.blobs.keys().is_empty());
    let path = format!("{session}/datasets/x");
    let declared = api.client.put(&path, "text/csv; charset=windows-1251", CSV);
    assert_eq!(
        declared.ok(201)["options"],
        json!({"encoding": "windows-1251"})
    );
    let unknown = api.client.put(&path, "text/csv; charset=klingon", CSV);
    unknown.problem(415, "unsupported_format");
}
