//! The statistics of a profile are those of pandas.

use serde_json::{Value, json};

use crate::support::{Home, data};

#[track_caller]
fn close(found: &Value, expected: f64) {
    let number = found
        .as_f64()
        .unwrap_or_else(|| panic!("{found} is not {expected}"));
    let error = (number - expected).abs();
    assert!(
        error <= 1e-12 * expected.abs().max(1.0),
        "{number} is not {expected}"
    );
}

fn birds() -> Value {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session_with_birds();
    let job = client.profile(&session, "birds");
    let profile = client.result(&job).json();
    service.stop();
    profile
}

#[test]
fn every_figure_of_a_small_table_is_that_of_pandas() {
    let profile = birds();
    let expected = json!({
        "name": "birds", "format": "csv", "bytes": data::BIRDS.len(),
        "rows": 10, "columns": 6, "missing_cells": 2, "duplicate_rows": 0,
    });
    assert_eq!(profile["dataset"], expected);
    let columns = profile["columns"].as_array().unwrap();
    let described: Vec<_> = columns
        .iter()
        .map(|c| {
            let count = |key: &str| c[key].as_u64().unwrap();
            let text = |key: &str| c[key].as_str().unwrap();
            (
                text("name"),
                text("type"),
                count("count"),
                count("missing"),
                count("distinct"),
            )
        })
        .collect();
    assert_eq!(
        described,
        [
            ("species", "string", 10, 0, 3),
            ("island", "string", 10, 0, 3),
            ("mass", "integer", 9, 1, 9),
            ("bill", "float", 9, 1, 8),
            ("ringed", "boolean", 10, 0, 2),
            ("seen", "date", 10, 0, 5),
        ]
    );
    let [species, island, mass, bill, ringed, seen] = columns.as_slice() else {
        panic!("there are six columns");
    };

    let top = json!([
        { "value": "Adelie", "count": 4 },
        { "value": "Chinstrap", "count": 3 },
        { "value": "Gentoo", "count": 3 },
    ]);
    assert_eq!(species["top"], top);
    assert_eq!(species["text"]["min_length"], 6);
    assert_eq!(species["text"]["max_length"], 9);
    close(&species["text"]["mean_length"], 6.9);
    close(&island["text"]["mean_length"], 6.2);

    let numeric = &mass["numeric"];
    assert_eq!(numeric["min"], 3250);
    assert_eq!(numeric["max"], 5700);
    assert_eq!(numeric["sum"], 37000);
    close(&numeric["mean"], 4111.111111111111);
    close(&numeric["std"], 792.8499928177532);
    close(&numeric["variance"], 628611.1111111112);
    close(&numeric["skewness"], 1.1934745536246698);
    close(&numeric["kurtosis"], 0.6981129141189655);
    assert_eq!(numeric["zeros"], 0);
    assert_eq!(numeric["negatives"], 0);
    quantiles(
        numeric,
        [3270.0, 3350.0, 3650.0, 3800.0, 4450.0, 5420.0, 5644.0],
    );
    let counts = numeric["histogram"]["counts"].as_array().unwrap();
    assert_eq!(counts.iter().map(|n| n.as_u64().unwrap()).sum::<u64>(), 9);
    let edges = numeric["histogram"]["edges"].as_array().unwrap();
    assert_eq!(edges.len(), counts.len() + 1);

    let numeric = &bill["numeric"];
    close(&numeric["mean"], 44.1);
    close(&numeric["std"], 5.19494947039911);
    close(&numeric["sum"], 396.9);
    close(&numeric["skewness"], -0.174831712245283);
    close(&numeric["kurtosis"], -1.9233598660968954);
    quantiles(numeric, [36.892, 37.66, 39.5, 46.1, 48.7, 50.0, 50.0]);

    assert_eq!(ringed["boolean"], json!({ "true": 7, "false": 3 }));
    assert_eq!(seen["temporal"]["min"], "2007-11-11");
    assert_eq!(seen["temporal"]["max"], "2009-11-21");
}

#[track_caller]
fn quantiles(numeric: &Value, expected: [f64; 7]) {
    for (name, expected) in ["p01", "p05", "p25", "p50", "p75", "p95", "p99"]
        .into_iter()
        .zip(expected)
    {
        close(&numeric["quantiles"][name], expected);
    }
}

#[test]
fn correlations_are_over_the_numeric_columns_by_pairs() {
    let correlations = &birds()["correlations"];
    assert_eq!(correlations["columns"], json!(["mass", "bill"]));
    close(&correlations["pearson"][0][1], 0.5915484048913005);
    close(&correlations["pearson"][1][0], 0.5915484048913005);
    close(&correlations["spearman"][0][1], 0.5628843430992317);
    close(&correlations["pearson"][0][0], 1.0);
}

#[test]
fn a_request_says_what_is_missing_and_when_to_alert() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session();
    client.upload(&session, "t", "a,b\n1,x\n-,x\n3,x\n4,x\n");
    let body = json!({
        "dataset": "t", "kind": "profile",
        "options": { "read": { "missing": ["-"] }, "alerts": { "missing": 0.2 } },
    });
    let job = client.analyse(&session, &body);
    let profile = client.result(&job).json();
    assert_eq!(profile["columns"][0]["type"], "integer");
    assert_eq!(profile["columns"][0]["missing"], 1);
    let alerts = profile["alerts"].as_array().unwrap();
    let has = |column: &str, code: &str| {
        alerts
            .iter()
            .any(|alert| alert["column"] == column && alert["code"] == code)
    };
    assert!(has("a", "missing"), "{alerts:#?}");
    assert!(has("b", "constant"), "{alerts:#?}");
    service.stop();
}
