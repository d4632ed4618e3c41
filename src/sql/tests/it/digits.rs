//! Decimals, long numbers, and arithmetic with them.

use std::sync::Arc;

use arrow::array::UInt64Array;
use serde_json::json;

use crate::fixture::{Fixture, answers, parquet};

#[tokio::test]
async fn what_has_more_than_38_digits_fails() {
    let fixture = Fixture::new();
    let long = "(select cast(60000000000000000000.5 as decimal(38, 18)) v union all
                 select 60000000000000000000.5::decimal(38, 18) union all
                 select 60000000000000000000.5::decimal(38, 18)) q";
    for computed in ["sum(v)", "v + v", "v * 2", "-v - v"] {
        let query = format!("select {computed} from {long}");
        let error = fixture.error(&query).await;
        assert_eq!(error.code(), "sql_failed", "{query}: {error}");
        assert!(
            error.to_string().contains("out of range"),
            "{query}: {error}"
        );
    }
    answers(
        &fixture,
        &[
            (
                "select cast(sum(v) as text), cast(sum(distinct v) as text), cast(v + v as text), cast(v * 2 as text), cast(v - v as text)
                 from (select cast(1.5 as decimal(10, 2)) v union all select 1.5::decimal(10, 2)) q group by v",
                json!([["3.00", "1.50", "3.00", "3.00", "0.00"]]),
            ),
        ],
    )
    .await;
    fixture.end().await;
}

#[tokio::test]
async fn casts_of_decimals_round_and_long_numbers_keep_their_digits() {
    let fixture = Fixture::new();
    answers(
        &fixture,
        &[
            (
                "select cast(1.99::decimal(10, 2) as int), '2.5'::numeric::int, '-2.5'::numeric::int",
                json!([[2, 3, -3]]),
            ),
            (
                "select cast(cast(12345678901234567890123 as decimal(38, 0)) as text), cast(-12345678901234567890123.45::decimal(38, 2) as text),
                        cast(12345678901234567890123 as text)",
                json!([["12345678901234567890123", "-12345678901234567890123.45", "12345678901234567890123"]]),
            ),
            (
                "select round(m, 1) < m, trunc(m, 1) < m from (values (1.55::decimal(10, 2))) q(m)",
                json!([[false, true]]),
            ),
            ("select 1_000, 0b101, 0xFF, 0o17, x'ff'", json!([[1000, 5, 255, 15, "ff"]])),
        ],
    )
    .await;
    for query in ["select 1abc", "select 0b12", "select 1__0"] {
        assert_eq!(fixture.error(query).await.code(), "sql_syntax", "{query}");
    }
    fixture.end().await;
}

#[tokio::test]
async fn the_spread_of_long_numbers_is_that_of_their_last_digits() {
    let fixture = Fixture::new();
    let long =
        "(values (1, 9007199254740993), (2, 9007199254740995), (3, 9007199254740997)) q(k, v)";
    answers(
        &fixture,
        &[
            (
                &format!("select var(v), stddev(v), var_pop(v * 3), var(distinct v) from {long}"),
                json!([[4.0, 2.0, 24.0, 4.0]]),
            ),
            (
                &format!("select var(v) over (order by k rows 1 preceding) from {long} order by k"),
                json!([[null], [2.0], [2.0]]),
            ),
            (
                "select n % 2, var_pop(9007199254740993 + n) from numbers where n < 8 group by 1 order by 1",
                json!([[0, 5.0], [1, 5.0]]),
            ),
            ("select var(v), var_pop(v), stddev(v - v) from (values (1)) q(v)", json!([[null, 0.0, null]])),
        ],
    )
    .await;
    let error = fixture
        .error(&format!("select corr(v, k) from {long}"))
        .await;
    assert!(error.to_string().contains("subtract min"), "{error}");
    fixture.end().await;
}

#[tokio::test]
async fn unsigned_columns_divide_as_integers() {
    let mut fixture = Fixture::new();
    let path = parquet(
        fixture.folder.path(),
        "u",
        vec![("u", Arc::new(UInt64Array::from(vec![3, u64::MAX])))],
    );
    fixture.tables.0.push(("u".into(), path));
    answers(
        &fixture,
        &[
            (
                "select u / 2 from u order by u",
                json!([[1], [9_223_372_036_854_775_807_u64]]),
            ),
            (
                "select u / -2, 7 / u, u / u from u where u = 3",
                json!([[-1, 2, 1]]),
            ),
        ],
    )
    .await;
    fixture.end().await;
}
