//! What PostgreSQL and DuckDB know and the engine does not, or not in this way.

use std::sync::Arc;

use arrow::array::{BooleanArray, Int64Array};
use serde_json::json;

use crate::fixture::{Fixture, answers, with_table};

#[tokio::test]
async fn isnull_and_notnull_are_operators() {
    let fixture = Fixture::new();
    answers(
        &fixture,
        &[
            (
                "select x isnull, (x + 1) notnull from (values (1), (null)) q(x) order by x",
                json!([[false, true], [true, false]]),
            ),
            (
                "select x from (values (1), (null)) q(x) where x isnull",
                json!([[null]]),
            ),
            ("select isnull from (select 1 as isnull) q", json!([[1]])),
        ],
    )
    .await;
    fixture.end().await;
}

#[tokio::test]
async fn the_groups_of_a_replacement_have_a_backslash_and_a_digit() {
    let fixture = Fixture::new();
    answers(
        &fixture,
        &[
            (
                r"select regexp_replace('5 USD', '(\d+) USD', '$\1'), regexp_replace('US5', 'US', 'US$5'),
                         regexp_replace('a', 'a', '\\'), regexp_replace('xa', '(x)a', '\10'),
                         regexp_replace('ab', 'b', '<\&>')",
                json!([["$5", "US$55", "\\", "x0", "a<b>"]]),
            ),
            (
                r"select regexp_replace(s, '(.)', '<\1>', 'g') from (values ('ab'), (null)) q(s) order by s",
                json!([["<a><b>"], [null]]),
            ),
            (
                r"select regexp_replace('a', 'a', r) from (values ('$1'), ('\0!')) q(r) order by r",
                json!([["$1"], ["a!"]]),
            ),
        ],
    )
    .await;
    fixture.end().await;
}

#[tokio::test]
async fn a_group_that_takes_no_part_in_a_match_is_null() {
    let fixture = Fixture::new();
    answers(
        &fixture,
        &[
            (
                "select (regexp_match('ac', '(a)(b)?(c)'))[2], (regexp_match('ac', '(a)(b)?(c)'))[3],
                        regexp_match('abc', 'B', 'i'), regexp_match('abc', 'x')",
                json!([[null, "c", ["b"], null]]),
            ),
            (
                "select regexp_match(s, '(x)|(y)') from (values ('ax'), ('y'), (null)) q(s) order by s",
                json!([[["x", null]], [[null, "y"]], [null]]),
            ),
        ],
    )
    .await;
    let error = fixture.error("select regexp_match('a', '(')").await;
    assert_eq!(error.code(), "sql_failed");
    fixture.end().await;
}

#[tokio::test]
async fn any_of_an_array_with_a_null_is_null_where_that_might_have_been_it() {
    let fixture = Fixture::new();
    answers(
        &fixture,
        &[
            (
                "select 3 = any(array[1, null]), 3 > any(array[4, null]), 3 = any(array[3, null]), 3 = any(array[1, 2])",
                json!([[null, null, true, false]]),
            ),
            (
                "select x from (values (1), (2), (null)) q(x) where x = any(array[2, null])",
                json!([[2]]),
            ),
            (
                "select x = any(array[2]), x <> any(array[2, 3]) from (values (2), (null)) q(x) order by x",
                json!([[true, true], [null, null]]),
            ),
            (
                "select 3 = any(array[]::int[]), null = any(array[1]), 3 = any(null::int[]), null = any(array[]::int[])",
                json!([[false, null, null, false]]),
            ),
        ],
    )
    .await;
    // Neither side is written more than twice.
    let nested = (0..6).fold("1 = any(array[1, 2])".to_owned(), |inner, _| {
        format!("({inner}) = any(array[true, null])")
    });
    let query = format!("select {nested}");
    answers(&fixture, &[(&query, json!([[true]]))]).await;
    let deeper = (0..20).fold("true".to_owned(), |inner, _| {
        format!("({inner}) = any(array[true, null])")
    });
    for query in [
        format!("select {deeper}"),
        "select random() > any(array[0.5])".to_owned(),
    ] {
        let error = fixture.error(&query).await;
        assert_eq!(error.code(), "sql_invalid", "{error}");
        assert!(error.to_string().contains("FROM (SELECT"), "{error}");
    }
    fixture.end().await;
}

#[tokio::test]
async fn nulls_are_removed_from_arrays_like_other_values() {
    let fixture = Fixture::new();
    answers(
        &fixture,
        &[
            (
                "select array_remove(array[1, null], null), array_remove(array[1, null, 2], 2)",
                json!([[[1], [1, null]]]),
            ),
            (
                "select array_remove(array[1, null, 2], x) from (values (1), (2), (null)) q(x) order by x",
                json!([[[null, 2]], [[1, null]], [[1, 2]]]),
            ),
        ],
    )
    .await;
    fixture.end().await;
}

#[tokio::test]
async fn a_decimal_may_gain_a_digit_when_it_is_rounded_up() {
    let fixture = Fixture::new();
    answers(
        &fixture,
        &[(
            "select ceil(9.99::decimal(3, 2)) = 10, floor((-9.99)::decimal(3, 2)) = -10",
            json!([[true, true]]),
        )],
    )
    .await;
    fixture.end().await;
}

#[tokio::test]
async fn conditions_and_computed_columns_may_be_keys_of_groups() {
    let fixture = with_table(vec![
        ("id", Arc::new(Int64Array::from(vec![1, 2, 3]))),
        ("qty", Arc::new(Int64Array::from(vec![10, 7, 3]))),
        (
            "vip",
            Arc::new(BooleanArray::from(vec![Some(true), Some(false), None])),
        ),
    ]);
    answers(
        &fixture,
        &[
            (
                "select vip is true, count(distinct qty) from t group by vip is true order by 1",
                json!([[false, 2], [true, 1]]),
            ),
            (
                "select vip is not false, vip is false, count(distinct qty) from t group by 1, 2 order by 1",
                json!([[false, true, 1], [true, false, 2]]),
            ),
            (
                "select not (id::text like '2%') g, count(*) from t group by rollup (not (id::text like '2%')) order by 2",
                json!([[false, 1], [true, 2], [null, 3]]),
            ),
            (
                "select qty % 2, count(*), grouping(qty % 2) from t group by cube (qty % 2) order by 2, 1",
                json!([[0, 1, 0], [1, 2, 0], [null, 3, 1]]),
            ),
        ],
    )
    .await;
    fixture.end().await;
}

#[tokio::test]
async fn a_real_is_finite() {
    let fixture = Fixture::new();
    answers(
        &fixture,
        &[(
            "select try_cast(1e39 as real), (1e308 * 10)::real, 1.5::real",
            json!([[null, "Infinity", 1.5]]),
        )],
    )
    .await;
    let error = fixture.error("select 1e39::real").await;
    assert_eq!(error.code(), "sql_failed", "{error}");
    fixture.end().await;
}

#[tokio::test]
async fn a_constant_is_explained_by_whatever_varies() {
    let fixture = Fixture::new();
    answers(
        &fixture,
        &[(
            "select regr_r2(7, x), regr_r2(x, 7), regr_r2(x, y), regr_r2(7, x) filter (where x > 1)
             from (values (1, 2), (2, 4)) q(x, y)",
            json!([[1.0, null, 1.0, null]]),
        )],
    )
    .await;
    fixture.end().await;
}
