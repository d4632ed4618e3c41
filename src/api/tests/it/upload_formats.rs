//! In which formats and codings datasets are uploaded.

use std::io::Write;

use serde_json::json;

use crate::fixture::{Api, CSV};
use crate::uploads::{assert_is_csv, gzip};

#[test]
fn the_format_comes_from_the_media_type_or_else_from_the_name() {
    let api = Api::start();
    let session = api.session();
    let parquet = b"PAR1....PAR1";
    let workbook = b"PK\x03\x04....";
    for (media_type, name, body, format) in [
        ("text/csv", "a", CSV, "csv"),
        ("TEXT/CSV", "b.parquet", CSV, "csv"),
        ("text/tab-separated-values", "c", CSV, "tsv"),
        ("application/x-ndjson", "d", b"{}\n", "ndjson"),
        ("application/vnd.apache.parquet", "e", parquet, "parquet"),
        (
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "f",
            workbook,
            "xlsx",
        ),
        (
            "application/vnd.ms-excel",
            "l",
            b"\xd0\xcf\x11\xe0....",
            "xls",
        ),
        ("application/vnd.ms-excel", "m.csv", CSV, "csv"),
        ("application/octet-stream", "g.tsv", CSV, "tsv"),
        ("application/x-www-form-urlencoded", "h.csv", CSV, "csv"),
        ("text/plain", "i.jsonl", b"{}\n", "ndjson"),
        ("application/octet-stream", "j.parquet", parquet, "parquet"),
    ] {
        let path = format!("{session}/datasets/{name}");
        let dataset = api.client.put(&path, media_type, body).ok(201);
        assert_eq!(dataset["format"], format, "{media_type} {name}");
    }
    let path = format!("{session}/datasets/k.csv");
    let dataset = api.client.raw("PUT", &path, CSV).ok(201);
    assert_eq!(dataset["format"], "csv");
}

#[test]
fn an_unknown_format_or_encoding_is_refused_and_leaves_nothing() {
    let api = Api::start();
    let session = api.session();
    for (media_type, name) in [
        ("application/octet-stream", "penguins"),
        ("application/pdf", "penguins.csv"),
        ("application/yaml", "penguins"),
        ("text/plain", "penguins.doc"),
    ] {
        let path = format!("{session}/datasets/{name}");
        api.client
            .put(&path, media_type, CSV)
            .problem(415, "unsupported_format");
    }
    let brotli = api.client.with("content-encoding", "br");
    brotli
        .put(&format!("{session}/datasets/a"), "text/csv", CSV)
        .problem(415, "unsupported_encoding");
    assert!(api.blobs.keys().is_empty());
    assert_eq!(
        api.client.get(&format!("{session}/datasets")).ok(200)["items"],
        json!([])
    );
}

#[test]
fn text_in_a_charset_that_is_not_known_is_refused() {
    let api = Api::start();
    let session = api.session();
    let path = format!("{session}/datasets/a");
    let put = |media_type, body| api.client.put(&path, media_type, body);
    put("text/csv; charset=utf-8", CSV).expect(201);
    for read in [
        "text/csv; header=present; Charset=\"UTF-8\"",
        "text/csv;charset=us-ascii",
        "text/csv; charset=ISO-8859-1",
        "text/tab-separated-values; charset=utf-16le",
        "application/x-ndjson; charset=windows-1252",
        "text/csv; charset=binary",
        "text/csv; charset=shift_jis",
        "text/tab-separated-values; charset=\"windows-1251\"",
        "application/x-ndjson; charset=EUC-KR",
    ] {
        put(read, CSV).expect(200);
    }
    for not_read in [
        "text/csv; charset=klingon",
        "text/tab-separated-values; charset=\"utf-33\"",
        "application/x-ndjson; charset=replacement",
    ] {
        put(not_read, b"a\n1\n").problem(415, "unsupported_format");
    }
    let parquet = "application/vnd.apache.parquet; charset=unknown-8bit";
    put(parquet, b"PAR1....PAR1").expect(200);
}

#[test]
fn gzip_is_decoded_whether_it_is_announced_or_found() {
    let api = Api::start();
    let session = api.session();
    let mut members = gzip(&CSV[..10]);
    members.extend(gzip(&CSV[10..]));
    let announced = api.client.with("content-encoding", "gzip");
    for (client, name, media_type, body) in [
        (&announced, "a", "text/csv", gzip(CSV)),
        (&announced, "b", "text/csv", members.clone()),
        (&api.client, "c", "text/csv", gzip(CSV)),
        (&api.client, "d.csv.gz", "application/gzip", gzip(CSV)),
        (&api.client, "e", "text/csv", members),
    ] {
        let path = format!("{session}/datasets/{name}");
        let dataset = client.put(&path, media_type, &body).ok(201);
        assert_is_csv(&dataset, CSV);
    }
}

#[test]
fn zstd_is_decoded_whether_it_is_announced_or_found() {
    let api = Api::start();
    let session = api.session();
    let packed = zstd::encode_all(CSV, 3).unwrap();
    let mut frames = zstd::encode_all(&CSV[..10], 3).unwrap();
    frames.extend(zstd::encode_all(&CSV[10..], 3).unwrap());
    let announced = api.client.with("content-encoding", "zstd");
    for (client, name, media_type, body) in [
        (&announced, "a", "text/csv", &packed),
        (&announced, "b", "text/csv", &frames),
        (&api.client, "c", "text/csv", &packed),
        (&api.client, "d.csv.zst", "application/zstd", &frames),
    ] {
        let path = format!("{session}/datasets/{name}");
        let dataset = client.put(&path, media_type, body).ok(201);
        assert_is_csv(&dataset, CSV);
    }
    let path = format!("{session}/datasets/broken");
    // A checksum detects what a block of plain bytes would not.
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(CSV).unwrap();
    let mut garbled = encoder.finish().unwrap();
    let middle = garbled.len() / 2;
    garbled[middle..].fill(0xaa);
    for body in [&packed[..packed.len() - 1], &packed[..5], &garbled[..], CSV] {
        let refused = announced.put(&path, "text/csv", body);
        refused.problem(400, "invalid_encoding");
    }
    // 64 MiB of one byte are a few kilobytes.
    let bomb = zstd::encode_all(&vec![b'1'; 64 << 20][..], 3).unwrap();
    let small = Api::with(|config| config.max_body = 100_000);
    let session = small.session();
    let path = format!("{session}/datasets/a");
    let refused = small.client.put(&path, "text/csv", &bomb);
    refused.problem(413, "payload_too_large");
}

#[test]
fn json_documents_and_arrow_are_uploaded_by_their_media_types() {
    let api = Api::start();
    let session = api.session();
    let put = |name: &str, media_type: &str, body: &[u8]| {
        let path = format!("{session}/datasets/{name}");
        api.client.put(&path, media_type, body)
    };
    let array = b" [{\"a\": 1}, {\"a\": 2}]";
    let dataset = put("a", "application/json", array).ok(201);
    assert_eq!(dataset["format"], "json");
    let dataset = put("b.json", "text/plain", array).ok(201);
    assert_eq!(dataset["format"], "json");
    put("c", "application/json", CSV).problem(422, "format_mismatch");
    let file = b"ARROW1\0\0\xff\xff\xff\xff\0\0\0\0";
    let dataset = put("d", "application/vnd.apache.arrow.file", file).ok(201);
    assert_eq!(dataset["format"], "arrow");
    let stream = b"\xff\xff\xff\xff\x10\0\0\0\0\0\0\0\0\0\0\0";
    put("e.arrow", "application/octet-stream", stream).ok(201);
    put("f.arrow", "text/plain", CSV).problem(422, "format_mismatch");
}

#[test]
fn bad_gzip_is_refused_and_leaves_nothing() {
    let api = Api::start();
    let session = api.session();
    let path = format!("{session}/datasets/a");
    let whole = gzip(&b"1,2,3\n".repeat(10_000));
    let mut wrong_sum = whole.clone();
    let sum = wrong_sum.len() - 6;
    wrong_sum[sum] ^= 0xff;
    let mut garbled = whole.clone();
    garbled[20..60].fill(0xaa);
    let announced = api.client.with("content-encoding", "gzip");
    for body in [
        &whole[..whole.len() - 1],
        &whole[..whole.len() / 2],
        &whole[..5],
        &wrong_sum,
        &garbled,
        CSV,
    ] {
        announced
            .put(&path, "text/csv", body)
            .problem(400, "invalid_encoding");
    }
    api.client
        .put(&path, "text/csv", &whole[..whole.len() / 2])
        .problem(400, "invalid_encoding");
    assert!(api.blobs.keys().is_empty());
}

#[test]
fn data_that_is_not_what_it_is_said_to_be_is_refused() {
    let api = Api::start();
    let session = api.session();
    let path = format!("{session}/datasets/a");
    let parquet = "application/vnd.apache.parquet";
    let workbook = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    let twice = gzip(&gzip(CSV));
    for (media_type, body) in [
        (parquet, CSV),
        (parquet, b"PAR1 and no end"),
        (parquet, b"PA"),
        (workbook, CSV),
        ("text/csv", b"PK\x03\x04 a workbook"),
        ("text/csv", &twice[..]),
        (
            "text/csv",
            &gzip(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj")[..],
        ),
        (
            "text/tab-separated-values",
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        ),
        ("application/x-ndjson", b"SQLite format 3\0\x10\0\x01\x01"),
    ] {
        api.client
            .put(&path, media_type, body)
            .problem(422, "format_mismatch");
    }
    assert!(api.blobs.keys().is_empty());
}
