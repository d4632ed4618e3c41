//! The same data in every format that is taken.

use serde_json::{Value, json};

use crate::support::{Client, Home, data};

/// Uploads the birds' species and masses and checks what the service makes of them.
#[track_caller]
fn check(client: &Client, headers: &[(&str, &str)], body: &[u8], format: &str) {
    let session = client.session();
    let path = format!("/v1/sessions/{session}/datasets/birds");
    let uploaded = client.put_with(&path, headers, body).expect(201).json();
    assert_eq!(uploaded["format"], format);

    let described = client.get(&path).expect(200).json();
    let schema = described["schema"].as_array().unwrap();
    let column = |name: &str| schema.iter().find(|column| column["name"] == name);
    assert_eq!(
        column("species").unwrap()["type"],
        "string",
        "{described:#}"
    );
    assert_eq!(column("mass").unwrap()["type"], "integer", "{described:#}");

    let job = client.profile(&session, "birds");
    let profile = client.result(&job).json();
    assert_eq!(profile["dataset"]["format"], format);
    assert_eq!(profile["dataset"]["rows"], 10);
    let columns = profile["columns"].as_array().unwrap();
    let mass = columns
        .iter()
        .find(|column| column["name"] == "mass")
        .unwrap();
    assert_eq!(mass["missing"], 1);
    assert_eq!(mass["numeric"]["sum"], 37000);
    assert_eq!(mass["numeric"]["quantiles"]["p50"], 3800.0);

    let query = "select species, sum(mass) as grams from birds group by species order by 1";
    let job = client.sql(&session, query);
    let table = client.result(&job).json();
    let expected: Value = json!([["Adelie", 10800], ["Chinstrap", 11050], ["Gentoo", 15150]]);
    assert_eq!(table["rows"], expected, "{table:#}");
    assert_eq!(table["row_count"], 3);
    assert_eq!(table["truncated"], false);
}

#[test]
fn csv_tsv_ndjson_parquet_and_workbooks_are_all_taken() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let tsv = data::BIRDS.replace(',', "\t");
    let media_type = |value| [("content-type", value)];
    check(
        &client,
        &media_type("text/csv"),
        data::BIRDS.as_bytes(),
        "csv",
    );
    check(
        &client,
        &media_type("text/csv; charset=utf-8"),
        data::BIRDS.as_bytes(),
        "csv",
    );
    check(
        &client,
        &media_type("text/tab-separated-values"),
        tsv.as_bytes(),
        "tsv",
    );
    let ndjson = data::birds_ndjson();
    check(
        &client,
        &media_type("application/x-ndjson"),
        ndjson.as_bytes(),
        "ndjson",
    );
    let parquet = data::birds_parquet();
    check(
        &client,
        &media_type("application/vnd.apache.parquet"),
        &parquet,
        "parquet",
    );
    let workbook = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    check(&client, &media_type(workbook), &data::birds_xlsx(), "xlsx");
    service.stop();
}

#[test]
fn gzip_is_undone_and_the_size_and_digest_are_those_of_the_data() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let packed = data::gzip(data::BIRDS.as_bytes());
    let headers = [("content-type", "text/csv"), ("content-encoding", "gzip")];
    check(&client, &headers, &packed, "csv");

    let session = client.session();
    let path = format!("/v1/sessions/{session}/datasets/birds");
    let packed = client.put_with(&path, &headers, &packed).expect(201).json();
    let plain = client
        .put(&path, "text/csv", data::BIRDS.as_bytes())
        .expect(200)
        .json();
    assert_eq!(packed["bytes"], data::BIRDS.len());
    assert_eq!(packed["bytes"], plain["bytes"]);
    assert_eq!(packed["sha256"], plain["sha256"]);
    service.stop();
}

#[test]
fn a_query_can_answer_in_a_format_that_is_a_dataset_again() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session_with_birds();
    let body = json!({ "kind": "sql", "query": "select * from birds", "format": "parquet" });
    let job = client.analyse(&session, &body);
    let table = client.result(&job);
    assert!(table.body.starts_with(b"PAR1"));
    let path = format!("/v1/sessions/{session}/datasets/again");
    client
        .put(&path, "application/vnd.apache.parquet", &table.body)
        .expect(201);
    let body = json!({
        "kind": "sql",
        "query": "select count(*) as n, min(seen) as first from again",
        "format": "csv",
    });
    let job = client.analyse(&session, &body);
    assert_eq!(
        client.result(&job).text().trim_end(),
        "n,first\r\n10,2007-11-11"
    );
    service.stop();
}
