//! Sliding windows.

use std::sync::Arc;

use arrow::array::{Date32Array, Float64Array, Int64Array};
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
            (
                "select string_agg(v, '') over (order by k rows between 2 preceding and 1 preceding),
                        any_value(v) over (order by k rows between 1 following and 2 following)
                 from (values (1, 'a'), (2, null), (3, 'b'), (4, 'c'), (5, 'd')) z(k, v) order by k",
                json!([[null, "b"], ["a", "b"], ["a", "c"], ["b", "d"], ["bc", null]]),
            ),
            (
                &format!("select bit_and(v) {frame}, bit_or(v) {frame}, bool_or(v > 0) {frame}, bit_and(u) {frame}
                          from (values (1, -8, 18446744073709551615), (2, 5, 9223372036854775808), (3, null, null), (4, null, null)) z(k, v, u) order by k"),
                json!([[-8, -8, false, 18_446_744_073_709_551_615_u64], [0, -3, true, 9_223_372_036_854_775_808_u64],
                       [5, 5, true, 9_223_372_036_854_775_808_u64], [null, null, null, null]]),
            ),
            (
                &format!("select var_pop(v) {frame}, stddev(v) {frame}, corr(k, v) {frame}, covar_samp(k, v) {frame}, regr_avgx(k, v) {frame}
                          from (values (1, null), (2, 0.1), (3, 0.1), (4, null), (5, null)) z(k, v) order by k"),
                json!([[null, null, null, null, null], [0.0, null, null, null, 0.1], [0.0, 0.0, null, 0.0, 0.1],
                       [0.0, null, null, null, 0.1], [null, null, null, null, null]]),
            ),
        ],
    )
    .await;
    fixture.end().await;
}

/// The first row of a row's frame, and the one after its last.
type Frame = fn(usize) -> (usize, usize);

/// It takes minutes if each window is computed anew.
#[tokio::test]
async fn long_windows_are_as_precise_as_a_computation_of_each() {
    const ROWS: usize = 30_000;
    let v = |row: usize| 1e4 + (row * 7_919 % 1_009) as f64 / 8.0;
    let w = |row: usize| v(row) * 3.0 - (row * 104_729 % 1_013) as f64;
    let fixture = with_table(vec![
        ("id", Arc::new(Int64Array::from_iter_values(0..ROWS as i64))),
        (
            "v",
            Arc::new(Float64Array::from_iter_values((0..ROWS).map(v))),
        ),
        (
            "w",
            Arc::new(Float64Array::from_iter_values((0..ROWS).map(w))),
        ),
    ]);
    let frames: [(&str, Frame); 2] = [
        ("current row and unbounded following", |row| (row, ROWS)),
        ("4000 preceding and 1 following", |row| {
            (row.saturating_sub(4_000), (row + 2).min(ROWS))
        }),
    ];
    for (frame, window) in frames {
        let query = format!(
            "select stddev(v) {0}, var_pop(w) {0}, covar_pop(v, w) {0}, corr(v, w) {0}, regr_slope(w, v) {0},
                    regr_intercept(w, v) {0}, bit_or(id) {0}, bit_and(id) {0}, bool_and(id > 9) {0}
             from t order by id",
            format_args!("over (order by id rows between {frame})")
        );
        let rows = fixture.rows(&query).await.rows;
        assert_eq!(rows.len(), ROWS);
        for at in (0..ROWS - 2).step_by(997) {
            let (from, to) = window(at);
            let n = (to - from) as f64;
            let mean = |of: &dyn Fn(usize) -> f64| (from..to).map(of).sum::<f64>() / n;
            let (mean_v, mean_w) = (mean(&v), mean(&w));
            let vv = mean(&|row| (v(row) - mean_v).powi(2));
            let ww = mean(&|row| (w(row) - mean_w).powi(2));
            let vw = mean(&|row| (v(row) - mean_v) * (w(row) - mean_w));
            let slope = vw / vv;
            let direct = [
                (vv * n / (n - 1.0)).sqrt(),
                ww,
                vw,
                vw / (vv * ww).sqrt(),
                slope,
                mean_w - slope * mean_v,
            ];
            for (cell, direct) in rows[at].iter().zip(direct) {
                let cell = cell.as_f64().unwrap();
                let near = (cell - direct).abs() <= 1e-9 * direct.abs().max(1.0);
                assert!(near, "{frame}, row {at}: {cell}, not {direct}");
            }
            let bits = [
                json!((from..to).fold(0, |all, row| all | row)),
                json!((from..to).fold(usize::MAX, |all, row| all & row)),
                json!(from > 9),
            ];
            assert_eq!(rows[at][6..], bits, "{frame}, row {at}");
        }
    }
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
