//! Datasets: put, described, listed, replaced, deleted, refused.

use std::io::Read;

use serde_json::json;
use sha2::{Digest, Sha256};

use crate::support::{Home, data, raw, until};

#[test]
fn a_dataset_is_described_listed_replaced_and_deleted() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session();
    let path = format!("/v1/sessions/{session}/datasets/birds");

    let uploaded = client
        .put(&path, "text/csv", data::BIRDS.as_bytes())
        .expect(201)
        .json();
    let digest: String = Sha256::digest(data::BIRDS)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(uploaded["bytes"], data::BIRDS.len());
    assert_eq!(uploaded["sha256"], digest);

    let described = client.get(&path).expect(200).json();
    assert_eq!(described["sha256"], digest);
    assert_eq!(
        described["schema"][2],
        json!({ "name": "mass", "type": "integer" })
    );

    client.put(&path, "text/csv", b"other\n1\n").expect(200);
    let described = client.get(&path).expect(200).json();
    assert_eq!(
        described["schema"],
        json!([{ "name": "other", "type": "integer" }])
    );
    let blobs = until("the replaced blob is gone", || {
        let blobs = home.blobs();
        (blobs.len() == 1).then_some(blobs)
    });
    assert_eq!(std::fs::read(&blobs[0]).unwrap(), b"other\n1\n");

    let list = client
        .get(&format!("/v1/sessions/{session}/datasets"))
        .expect(200)
        .json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(list["items"][0]["name"], "birds");

    client.delete(&path).expect(204);
    client.get(&path).expect_problem(404, "dataset_not_found");
    client
        .delete(&path)
        .expect_problem(404, "dataset_not_found");
    assert_eq!(home.blobs(), Vec::<std::path::PathBuf>::new());
    service.stop();
}

#[test]
fn the_ending_of_the_name_determines_the_format_if_the_media_type_does_not() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session();
    let path = format!("/v1/sessions/{session}/datasets/birds.tsv");
    let tsv = data::BIRDS.replace(',', "\t");
    let sent_by_curl = "application/x-www-form-urlencoded";
    let uploaded = client
        .put(&path, sent_by_curl, tsv.as_bytes())
        .expect(201)
        .json();
    assert_eq!(uploaded["format"], "tsv");
    let query = "select count(*) as n from \"birds.tsv\"";
    let job = client.sql(&session, query);
    assert_eq!(client.result(&job).json()["rows"], json!([[10]]));
    service.stop();
}

#[test]
fn uploads_that_cannot_be_used_are_refused_and_leave_nothing() {
    let home = Home::new();
    let service = home.service().set("server.max_body", "64KiB").start();
    let client = service.client();
    let session = client.session();
    let path = format!("/v1/sessions/{session}/datasets/birds");
    let csv = data::BIRDS.as_bytes();

    client
        .put(&path, "image/png", csv)
        .expect_problem(415, "unsupported_format");
    let zipped = [("content-type", "text/csv"), ("content-encoding", "br")];
    client
        .put_with(&path, &zipped, csv)
        .expect_problem(415, "unsupported_encoding");
    let zipped = [("content-type", "text/csv"), ("content-encoding", "gzip")];
    client
        .put_with(&path, &zipped, csv)
        .expect_problem(400, "invalid_encoding");
    let half = data::gzip(csv);
    client
        .put_with(&path, &zipped, &half[..half.len() / 2])
        .expect_problem(400, "invalid_encoding");
    client
        .put(&path, "application/vnd.apache.parquet", csv)
        .expect_problem(422, "format_mismatch");
    client
        .put(&path, "text/csv", b"")
        .expect_problem(422, "empty_dataset");
    let bad = format!("/v1/sessions/{session}/datasets/a%2F..%2Fb");
    client
        .put(&bad, "text/csv", csv)
        .expect_problem(422, "invalid_dataset_name");

    let large = vec![b'x'; 65 * 1024];
    client
        .put(&path, "text/csv", &large)
        .expect_problem(413, "payload_too_large");
    let bomb = data::gzip(&vec![b'x'; 1 << 20]);
    client
        .put_with(&path, &zipped, &bomb)
        .expect_problem(413, "payload_too_large");
    let unannounced = std::io::repeat(b'x').take(65 * 1024);
    client
        .put_stream(&path, &[("content-type", "text/csv")], unannounced)
        .expect_problem(413, "payload_too_large");

    client.get(&path).expect_problem(404, "dataset_not_found");
    assert_eq!(home.blobs(), Vec::<std::path::PathBuf>::new());
    service.stop();
}

#[test]
fn an_upload_that_breaks_off_leaves_the_dataset_as_it_was() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session();
    client.upload(&session, "birds", data::BIRDS);
    let path = format!("/v1/sessions/{session}/datasets/birds");

    let mut connection = raw::Connection::open(service.address());
    connection.write(&format!(
        "PUT {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n\
         Content-Length: 1000000\r\n\r\nother\n1\n"
    ));
    drop(connection);

    until("only the first upload is there", || {
        let blobs = home.blobs();
        (blobs.len() == 1 && std::fs::read(&blobs[0]).ok()? == data::BIRDS.as_bytes()).then_some(())
    });
    let described = client.get(&path).expect(200).json();
    assert_eq!(described["bytes"], data::BIRDS.len());
    service.stop();
}
