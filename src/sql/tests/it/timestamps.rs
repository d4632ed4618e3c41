//! Timestamps as text, and time zones.

use serde_json::json;

use crate::fixture::{Fixture, answers};

#[tokio::test]
async fn timestamps_may_have_no_seconds() {
    let fixture = Fixture::new();
    answers(
        &fixture,
        &[
            (
                "select v = '2024-06-01 23:30', v between '2024-06-01 23:30' and '2024-06-01 23:31', v in ('2024-06-01 23:30')
                 from (values (timestamp '2024-06-01 23:30:00')) q(v)",
                json!([[true, true, true]]),
            ),
            (
                "select timestamp '2024-06-01 23:30', '2024-06-01 23:30'::timestamp",
                json!([["2024-06-01T23:30:00Z", "2024-06-01T23:30:00Z"]]),
            ),
        ],
    )
    .await;
    fixture.end().await;
}

#[tokio::test]
async fn at_time_zone_is_the_time_on_the_clocks_there() {
    let fixture = Fixture::new();
    let there = "(cast('2024-07-01 02:00:00Z' as timestamptz) at time zone 'America/New_York')";
    answers(
        &fixture,
        &[
            (
                &format!(
                    "select {there}, {there}::text, {there}::date, extract(hour from {there}), to_char({there}, '%d %H')"
                ),
                json!([[
                    "2024-06-30T22:00:00Z",
                    "2024-06-30 22:00:00",
                    "2024-06-30",
                    22,
                    "30 22"
                ]]),
            ),
            (
                "select timestamp '2024-07-01 12:00:00' at time zone 'America/New_York'",
                json!([["2024-07-01T16:00:00Z"]]),
            ),
        ],
    )
    .await;
    let error = fixture
        .error("select now() at time zone 'Nowhere/Land'")
        .await;
    assert!(error.to_string().contains("Nowhere/Land"), "{error}");
    fixture.end().await;
}

#[tokio::test]
async fn to_char_knows_the_usual_patterns_and_refuses_others() {
    let fixture = Fixture::new();
    answers(
        &fixture,
        &[(
            "select to_char(t, 'YYYY-MM'), to_char(t, 'DD Mon YYYY HH24:MI:SS'), to_char(t, '%Y')
                 from (values (timestamp '2024-03-05 14:07:09')) q(t)",
            json!([["2024-03", "05 Mar 2024 14:07:09", "2024"]]),
        )],
    )
    .await;
    let error = fixture.error("select date_format(now(), 'Month')").await;
    assert_eq!(error.code(), "sql_invalid", "{error}");
    assert!(error.to_string().contains("strftime"), "{error}");
    fixture.end().await;
}
