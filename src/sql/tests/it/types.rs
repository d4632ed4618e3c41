//! Types that are final only when the whole query is known: of `CASE`, `UNION` and what is made of
//! them.

use std::sync::Arc;

use arrow::array::{BooleanArray, Int64Array};
use serde_json::json;

use crate::fixture::{Fixture, answers, with_table};

fn orders() -> Fixture {
    with_table(vec![
        ("id", Arc::new(Int64Array::from(vec![1, 2, 3]))),
        ("qty", Arc::new(Int64Array::from(vec![10, 7, 3]))),
        (
            "vip",
            Arc::new(BooleanArray::from(vec![Some(true), Some(false), None])),
        ),
    ])
}

const PRICE: &str = "case when vip then 1 else 0.5 end";

#[tokio::test]
async fn arithmetic_with_a_case_keeps_the_fraction_of_any_branch() {
    let fixture = orders();
    let cases = [
        (
            format!("select qty * {PRICE} from t order by id"),
            json!([[10.0], [3.5], [1.5]]),
        ),
        (
            format!("select -{PRICE} from t order by id"),
            json!([[-1.0], [-0.5], [-0.5]]),
        ),
        (
            format!("select 1 + {PRICE}, {PRICE} - 1 from t where id = 2"),
            json!([[1.5, -0.5]]),
        ),
        (
            format!("select min({PRICE}) * 2, sum({PRICE} * qty) from t"),
            json!([[1.0, 15.0]]),
        ),
        (
            format!("select lag({PRICE}) over (order by id) * 2 from t order by id"),
            json!([[null], [2.0], [1.0]]),
        ),
        (
            format!("select array_agg({PRICE} order by id)[2] * 2 from t"),
            json!([[1.0]]),
        ),
        (
            format!("select coalesce({PRICE}, 1) + 1 from t where id = 3"),
            json!([[1.5]]),
        ),
        (
            format!("select id from t where 1 * {PRICE} < 1 order by id"),
            json!([[2], [3]]),
        ),
        (
            format!("select id from t order by qty * {PRICE} / {PRICE}, id"),
            json!([[3], [2], [1]]),
        ),
        (
            format!(
                "with c as (select {PRICE} v from t) select v * 3, count(*) from c group by v * 3 order by 1"
            ),
            json!([[1.5, 2], [3.0, 1]]),
        ),
        (
            "select qty * case when vip then 1 else 0.25::decimal(5, 2) end from t order by id"
                .into(),
            json!([[10.0], [1.75], [0.75]]),
        ),
        (
            "select v * 2 from (values (case when false then 1 else 0.5 end), (2)) q(v) order by 1"
                .into(),
            json!([[1.0], [4.0]]),
        ),
    ];
    for (query, rows) in &cases {
        let answer = fixture.rows(query).await.rows;
        let numbers: Vec<Vec<Option<f64>>> = answer
            .iter()
            .map(|row| row.iter().map(serde_json::Value::as_f64).collect())
            .collect();
        let expected: Vec<Vec<Option<f64>>> = serde_json::from_value(rows.clone()).unwrap();
        assert_eq!(numbers, expected, "{query}");
    }
    fixture.end().await;
}

#[tokio::test]
async fn arithmetic_with_a_union_keeps_the_fraction_of_any_query() {
    let fixture = orders();
    answers(
        &fixture,
        &[
            (
                "select v * 2 from (select 1 v union all select 0.5) q order by 1",
                json!([[1.0], [2.0]]),
            ),
            (
                "select v + 1 from (select 1 v union select 2.5 union select 3) q order by 1",
                json!([[2.0], [3.5], [4.0]]),
            ),
            (
                "select v * 2 from (select 1 v union all select 0.5) q group by v * 2 order by 1",
                json!([[1.0], [2.0]]),
            ),
            (
                "select v - date '2024-01-01' from
                 (select date '2024-01-02' v union all select timestamp '2024-01-02 12:00:00') q order by v",
                json!([["PT24H"], ["PT36H"]]),
            ),
            // A subquery sees the final type of a column around it.
            (
                "select v from (select 1 v union all select 0.5) q
                 where exists (select 1 from t where t.id = q.v * 2) order by v",
                json!([[0.5], [1.0]]),
            ),
        ],
    )
    .await;
    fixture.end().await;
}

#[tokio::test]
async fn whole_numbers_stay_whole_and_checked() {
    let fixture = orders();
    answers(
        &fixture,
        &[
            (
                "select qty + 1, count(*) from t group by qty + 1 order by qty + 1",
                json!([[4, 1], [8, 1], [11, 1]]),
            ),
            (
                "select distinct on (qty % 2) qty % 2, id * 2 from t order by qty % 2, id",
                json!([[0, 2], [1, 4]]),
            ),
            (
                "select sum(qty + 1) over (order by id * 2) from t order by id",
                json!([[11], [19], [23]]),
            ),
        ],
    )
    .await;
    for query in [
        "select (9223372036854775807) * case when true then 2 else 1 end",
        "select v + 1 from (select 1 v union all select 9223372036854775807) q",
    ] {
        assert_eq!(fixture.error(query).await.code(), "sql_failed", "{query}");
    }
    fixture.end().await;
}
