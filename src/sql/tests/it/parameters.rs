//! Values for placeholders.

use lastcall_domain::{Cancel, Progress, SqlParameter};
use lastcall_sql::{ResultFormat, SqlError, SqlQuery};
use serde_json::{Value, json};

use crate::fixture::{Fixture, LONG};

async fn bound(
    fixture: &Fixture,
    query: &str,
    parameters: Value,
) -> Result<(Vec<String>, Value), SqlError> {
    let parameters: Vec<SqlParameter> = serde_json::from_value(parameters).unwrap();
    let answer = fixture
        .sql
        .query(
            SqlQuery::new(query).with(&parameters),
            &fixture.tables,
            ResultFormat::Json,
            LONG,
            &Cancel::new(),
            &Progress::new(),
        )
        .await?;
    let found: Value = serde_json::from_slice(&answer.body.read().unwrap()).unwrap();
    let types = found["columns"].as_array().unwrap().iter();
    let types = types.map(|column| column["type"].as_str().unwrap().to_owned());
    Ok((types.collect(), found["rows"].clone()))
}

#[tokio::test]
async fn parameters_have_the_types_that_they_have_in_json() {
    let fixture = Fixture::new();
    let (types, rows) = bound(
        &fixture,
        "select $1, $2, $3, $4, $5, $6, $7",
        json!([
            3,
            -4,
            1.0,
            "it's",
            true,
            null,
            18_446_744_073_709_551_615_u64
        ]),
    )
    .await
    .unwrap();
    assert_eq!(
        types,
        [
            "integer", "integer", "float", "string", "boolean", "null", "integer"
        ]
    );
    assert_eq!(
        rows,
        json!([[
            3,
            -4,
            1.0,
            "it's",
            true,
            null,
            18_446_744_073_709_551_615_u64
        ]])
    );
    fixture.end().await;
}

#[tokio::test]
async fn parameters_are_supported_wherever_a_value_is() {
    let fixture = Fixture::new();
    for (query, parameters, rows) in [
        (
            "select n from numbers where n > $1 and n <= $2 order by n",
            json!([5, 7]),
            json!([[6], [7]]),
        ),
        (
            "select n from numbers where n = $1 or n = $1 * 2 order by n",
            json!([2]),
            json!([[2], [4]]),
        ),
        (
            "select name from penguins where name like $1",
            json!(["A%"]),
            json!([["Ada"]]),
        ),
        (
            "select name from penguins where hatched = $1",
            json!(["2020-01-01"]),
            json!([["Ada"]]),
        ),
        (
            "select name from penguins where name in ($1, $2) order by 1",
            json!(["Bo", "x' or 1=1 --"]),
            json!([["Bo"]]),
        ),
        (
            "select n from numbers order by n limit $1 offset $2",
            json!([1, 3]),
            json!([[3]]),
        ),
        (
            "select $1 - 1, -$1, 2 ^ $1",
            json!([-2]),
            json!([[-3, 2, 0.25]]),
        ),
        (
            "select count(*) from numbers where n > $1",
            json!([null]),
            json!([[0]]),
        ),
    ] {
        let found = bound(&fixture, query, parameters).await;
        assert_eq!(
            found.unwrap_or_else(|e| panic!("{query}: {e}")).1,
            rows,
            "{query}"
        );
    }
    fixture.end().await;
}

#[tokio::test]
async fn parameters_that_do_not_match_the_query_are_errors() {
    let fixture = Fixture::new();
    for (query, parameters, message) in [
        (
            "select $1",
            json!([]),
            "the placeholder $1 has no value: parameters given: 0 (line 1, column 8)",
        ),
        (
            "select $1, $3",
            json!([1, 2]),
            "the placeholder $3 has no value: parameters given: 2 (line 1, column 12)",
        ),
        (
            "select $1",
            json!([1, 2]),
            "the query has no placeholder for parameter $2",
        ),
        (
            "select ?",
            json!([1]),
            "? is not a placeholder (line 1, column 8); write $1 for the first parameter",
        ),
        (
            "select $a",
            json!([1]),
            "$a is not a placeholder (line 1, column 8); write $1 for the first parameter",
        ),
    ] {
        let error = bound(&fixture, query, parameters).await.unwrap_err();
        assert_eq!(
            (error.code(), error.to_string().as_str()),
            ("sql_invalid", message),
            "{query}"
        );
    }
    fixture.end().await;
}
