//! Conditions that protect others from values for which these would fail.

use std::sync::Arc;

use arrow::array::{Int64Array, StringArray};
use serde_json::json;

use crate::fixture::{answers, with_table};

#[tokio::test]
async fn a_condition_protects_what_it_is_joined_with() {
    let fixture = with_table(vec![
        ("id", Arc::new(Int64Array::from(vec![1, 2, 3, 4]))),
        (
            "x",
            Arc::new(Int64Array::from(vec![Some(0), Some(5), Some(2), None])),
        ),
        ("s", Arc::new(StringArray::from(vec!["a", "7", "12", "3"]))),
    ]);
    answers(
        &fixture,
        &[
            ("select id from t where x <> 0 and 10 / x > 1 order by id", json!([[2], [3]])),
            ("select id from t where 10 / x > 1 and x <> 0 order by id", json!([[2], [3]])),
            (
                "select id from (select * from t where x <> 0) z where 10 / x > 1 order by id",
                json!([[2], [3]]),
            ),
            (
                "with z as (select * from t where x <> 0)
                 select z.id from z join t on t.id = z.id where 10 / z.x > 1 order by 1",
                json!([[2], [3]]),
            ),
            ("select id from t where x = 0 or 10 / x > 1 order by id", json!([[1], [2], [3]])),
            (
                "select x = 0 or 10 / x > 1, x <> 0 and 10 / x > 1, not (x <> 0 and 10 / x > 1) from t order by id",
                json!([[true, false, true], [true, true, false], [true, true, false], [null, null, null]]),
            ),
            (
                "select case when x <> 0 then 10 / x > 1 else false end from t order by id",
                json!([[false], [true], [true], [false]]),
            ),
            (
                "select id from t where case when s ~ '^[0-9]+$' then cast(s as int) > 6 else false end order by id",
                json!([[2], [3]]),
            ),
            ("select id from t where s ~ '^[0-9]+$' and cast(s as int) > 6 order by id", json!([[2], [3]])),
            (
                "select a.id, b.id from t a left join t b on a.id = b.id and a.x <> 0 and 10 / a.x > 3 order by 1",
                json!([[1, null], [2, null], [3, 3], [4, null]]),
            ),
            (
                "select a.id, b.id from t a, t b where a.x <> b.x and 10 / (a.x - b.x) > 3 order by 1",
                json!([[3, 1]]),
            ),
            (
                "select a.id, b.id from t a join t b on a.s = b.s and 10 / (a.x + b.x) > 1 and a.x <> 0",
                json!([[3, 3]]),
            ),
            (
                "select count(*) filter (where x <> 0 and 10 / x > 1) from t",
                json!([[2]]),
            ),
        ],
    )
    .await;
    // Each part of a long chain is written a bounded number of times.
    let chain = vec!["x <> 0 and 10 / x > 3"; 60].join(" or ");
    let query = format!("select count(*), count(*) filter (where {chain}) from t where {chain}");
    assert_eq!(fixture.rows(&query).await.rows, [[json!(1), json!(1)]]);
    let nested = (0..40).fold("10 / x > 3".to_owned(), |inner, depth| {
        let op = if depth % 2 == 0 {
            "and x <> 0"
        } else {
            "or x = 7"
        };
        format!("({inner} {op})")
    });
    let query = format!("select count(*) from t where x > 0 and {nested}");
    assert_eq!(fixture.rows(&query).await.rows, [[json!(1)]]);
    // A random value is drawn once.
    for drawn in [
        "case when random() < 0.5 then true end",
        "nullif(random() < 0.5, false) or 1 / (n + 1) > 9",
    ] {
        let query = format!("select count(*) from (select {drawn} x from numbers) z where not x");
        assert_eq!(fixture.rows(&query).await.rows, [[json!(0)]], "{drawn}");
    }
    let unprotected = "select id from t where 10 / x > 1";
    assert_eq!(fixture.error(unprotected).await.code(), "sql_failed");
    fixture.end().await;
}
