//! Sliding windows.

use std::sync::Arc;

use arrow::array::{Date32Array, Int64Array};
use serde_json::json;

use crate::fixture::{Fixture, answers, with_table};

#[tokio::test]
async fn a_value_that_has_left_the_window_has_no_effect() {
    let fixture = Fixture::new();
    let large = "(values (1, 1e9), (2, 1.0), (3, 2.0), (4, 4.0)) z(k, v)";
    let infinite = "(values (1, 1e308 * 10), (2, 1.0), (3, 3.0)) z(k, v)";
    let frame = "over (order by k rows between 1 preceding and current row)";
    answers(
        &fixture,
        &[
            (
                &format!("select round(stddev(v) {frame} * 1e4) from {large} order by k offset 2"),
                json!([[7071.0], [14142.0]]),
            ),
            (
                &format!("select corr(k, v) {frame}, regr_slope(v, k) {frame}, covar_pop(k, v) {frame} from {large} order by k offset 2"),
                json!([[1.0, 1.0, 0.25], [1.0, 2.0, 0.5]]),
            ),
            (
                &format!("select var(v) {frame}, covar_samp(k, v) {frame} from {infinite} order by k offset 2"),
                json!([[2.0, 1.0]]),
            ),
            (
                &format!("select var_pop(v) {frame} from (values (1, 0.1), (2, 0.1), (3, 0.1), (4, 0.3), (5, 0.3)) z(k, v) order by k desc limit 1"),
                json!([[0.0]]),
            ),
            (
                &format!("select sum(v) {frame}, avg(v) {frame} from (values (1, 1e308), (2, 1e308), (3, 1.0), (4, 3.0)) z(k, v) order by k desc limit 1"),
                json!([[4.0, 2.0]]),
            ),
            (
                "select sum(v) over (order by k rows between 2 preceding and current row)
                 from (values (1, 1e200), (2, 1e100), (3, 1.0), (4, null), (5, 2.0)) z(k, v) order by k desc limit 1",
                json!([[3.0]]),
            ),
        ],
    )
    .await;
    fixture.end().await;
}

#[tokio::test]
async fn aggregates_that_only_grow_are_computed_anew_for_each_window() {
    let fixture = Fixture::new();
    let rows = "(values (1, 2), (2, 1), (3, 4)) z(k, v)";
    let frame = "over (order by k rows between 1 preceding and current row)";
    answers(
        &fixture,
        &[
            (
                &format!("select bool_and(v > 1) {frame}, bit_or(v) {frame}, median(v) {frame}, string_agg(v::text, ',') {frame} from {rows} order by k"),
                json!([[true, 2, 2.0, "2"], [false, 3, 1.5, "2,1"], [false, 5, 2.5, "1,4"]]),
            ),
        ],
    )
    .await;
    fixture.end().await;
}

#[tokio::test]
async fn the_distance_between_dates_is_in_days() {
    let fixture = with_table(vec![
        ("qty", Arc::new(Int64Array::from(vec![10, 7, 3]))),
        (
            "d",
            Arc::new(Date32Array::from(vec![19_723, 19_742, 19_783])),
        ),
    ]);
    answers(
        &fixture,
        &[
            (
                "select sum(qty) over (order by d range between 7 preceding and current row) from t order by d",
                json!([[10], [7], [3]]),
            ),
            (
                "select sum(qty) over (order by d range between 30 preceding and 1 following) from t order by d",
                json!([[10], [17], [3]]),
            ),
            (
                "select lag(qty, 1, 0.5) over (order by d) from t order by d limit 1",
                json!([[0.5]]),
            ),
        ],
    )
    .await;
    let error = fixture
        .error("select sum(qty) over (order by d::timestamp range 7 preceding) from t")
        .await;
    assert!(error.to_string().contains("INTERVAL '7 days'"), "{error}");
    fixture.end().await;
}
