//! Timestamps, dates and intervals: text, time zones, comparisons and range.

use std::sync::Arc;

use arrow::array::{Date32Array, Int64Array, TimestampMicrosecondArray};
use serde_json::json;

use crate::fixture::{Fixture, answers, with_table};

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

#[tokio::test]
async fn intervals_are_compared_by_their_length() {
    let day = 86_400_000_000;
    let fixture = with_table(vec![
        ("id", Arc::new(Int64Array::from(vec![1, 2, 3]))),
        (
            "a",
            Arc::new(TimestampMicrosecondArray::from(vec![0, 0, 0]).with_timezone("UTC")),
        ),
        (
            "b",
            Arc::new(
                TimestampMicrosecondArray::from(vec![5 * day / 2, day / 24, 74 * day])
                    .with_timezone("UTC"),
            ),
        ),
    ]);
    answers(
        &fixture,
        &[
            ("select id from t where b - a > interval '2 days' order by id", json!([[1], [3]])),
            ("select id from t where b - a < interval '1 day' order by id", json!([[2]])),
            ("select id from t where interval '1 month' < b - a", json!([[3]])),
            ("select id from t where b - a between interval '1 hour' and interval '60 hours' order by id", json!([[1], [2]])),
            ("select id from t where b - a in (interval '1 hour', interval '74 days') order by id", json!([[2], [3]])),
            ("select count(*) from t where now() - a > interval '7 days'", json!([[3]])),
            (
                "select interval '1 month' = interval '30 days', interval '24 hours' = interval '1 day',
                        interval '25 hours' > interval '1 day'",
                json!([[true, true, true]]),
            ),
            (
                "select v from (values (interval '1 month'), (interval '2 days'), (interval '1000 hours')) q(v)
                 order by v",
                json!([["P2D"], ["P1M"], ["PT1000H"]]),
            ),
            ("select id from t where date '2024-03-10' - date '2024-03-01' > interval '7 days' and id = 1", json!([[1]])),
            (
                "select extract(day from b - a), extract(hour from b - a), extract(minute from a - b),
                        extract(epoch from b - a), date_part('month', b - a) from t order by id",
                json!([[2, 12, 0, 216_000.0, 0], [0, 1, 0, 3_600.0, 0], [74, 0, 0, 6_393_600.0, 0]]),
            ),
            (
                "select extract(epoch from timestamp '9999-12-31 23:59:59' - timestamp '2021-05-01'),
                        extract(hour from timestamp '9999-12-31 23:59:59' - timestamp '2021-05-01'),
                        extract(second from timestamp '2021-05-01' - timestamp '2021-05-01 00:00:01.5'),
                        extract(millisecond from timestamp '2021-05-01' - timestamp '2021-05-01 00:00:01.5')",
                json!([[251_782_473_599.0, 23, -1, -1_500]]),
            ),
            (
                "select extract(epoch from interval '14 months 2 days'), extract(epoch from interval '60 hours'),
                        extract(hour from interval '60 hours')",
                json!([[36_914_400.0, 216_000.0, 60]]),
            ),
        ],
    )
    .await;
    fixture.end().await;
}

#[tokio::test]
async fn timestamps_reach_the_year_9999() {
    let last = 253_402_300_799_000_000;
    let fixture = with_table(vec![
        ("id", Arc::new(Int64Array::from(vec![1, 2]))),
        (
            "valid_to",
            Arc::new(
                TimestampMicrosecondArray::from(vec![last, 1_620_043_200_000_000])
                    .with_timezone("UTC"),
            ),
        ),
    ]);
    let one = || json!([[1]]);
    answers(
        &fixture,
        &[
            ("select id from t where valid_to = timestamp '9999-12-31 23:59:59'", one()),
            ("select id from t where valid_to > '2500-01-01'", one()),
            ("select id from t where valid_to > date '2500-01-01'", one()),
            ("select id from t where valid_to between '2500-01-01' and '9999-12-31 23:59:59'", one()),
            ("select id from t where valid_to in ('9999-12-31 23:59:59', '2000-01-01')", one()),
            ("select id from t where valid_to > now() and id = 1", one()),
            ("select id from t where valid_to > cast('2500-01-01' as timestamp)", one()),
            ("select id from t where valid_to > to_timestamp('2500-01-01T00:00:00')", one()),
            ("select id from t where valid_to > to_timestamp_micros('2500-01-01')", one()),
            ("select id from t where valid_to > to_timestamp_seconds('2500-01-01')", one()),
            ("select id from t where valid_to at time zone 'Europe/Berlin' > '2500-01-01'", one()),
            (
                "select nvl(null, valid_to), ifnull(valid_to, now()), nvl(date '2024-01-01', date '2024-01-02') from t where id = 1",
                json!([["9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z", "2024-01-01"]]),
            ),
            (
                "select to_char(valid_to, '%H%z'), to_char(valid_to at time zone 'Europe/Berlin', '%H') from t where id = 2",
                json!([["12+0000", "14"]]),
            ),
            (
                "select to_char(valid_to, '%Y-%m-%d %H:%M'), date_format(valid_to, '%Y'),
                        greatest(valid_to, timestamp '2024-01-01'), least(date '2024-01-01', valid_to)
                 from t where id = 1",
                json!([[
                    "9999-12-31 23:59",
                    "9999",
                    "9999-12-31T23:59:59Z",
                    "2024-01-01T00:00:00Z",
                ]]),
            ),
            (
                "select valid_to - timestamp '2021-05-01 00:00:00' from t order by id",
                json!([["PT69939575H59M59S"], ["PT60H"]]),
            ),
            (
                "select date_trunc('year', valid_to), extract(year from valid_to),
                        coalesce(valid_to, now())
                 from t where id = 1",
                json!([[
                    "9999-01-01T00:00:00Z",
                    9999,
                    "9999-12-31T23:59:59Z",
                ]]),
            ),
            (
                "select case when id = 1 then valid_to else now() end, cast(valid_to as date) from t where id = 1",
                json!([["9999-12-31T23:59:59Z", "9999-12-31"]]),
            ),
            (
                "select max(v) from (select valid_to v from t union all select timestamp '2024-01-01 00:00:00') q",
                json!([["9999-12-31T23:59:59Z"]]),
            ),
        ],
    )
    .await;
    fixture.end().await;
}

#[tokio::test]
async fn timestamps_beyond_the_calendar_are_shown_as_the_profile_shows_them() {
    let fixture = with_table(vec![
        (
            "at",
            Arc::new(TimestampMicrosecondArray::from(vec![i64::MAX]).with_timezone("UTC")),
        ),
        ("day", Arc::new(Date32Array::from(vec![i32::MAX]))),
    ]);
    answers(
        &fixture,
        &[(
            "select at, day, at is null from t",
            json!([[
                "9223372036854775807 µs since 1970-01-01",
                "2147483647 days since 1970-01-01",
                false,
            ]]),
        )],
    )
    .await;
    fixture.end().await;
}

#[tokio::test]
async fn dates_are_counted_in_days_and_keep_hours() {
    let fixture = Fixture::new();
    answers(
        &fixture,
        &[
            ("select date '2024-03-01' - date '2024-02-01'", json!([[29]])),
            ("select date '2024-01-31' + 1, date '2024-01-31' - 31, 1 + date '2024-01-31'", json!([["2024-02-01", "2023-12-31", "2024-02-01"]])),
            (
                "select date '2024-01-31' + interval '1 month', date '2024-01-31' + interval '90 minutes'",
                json!([["2024-02-29T00:00:00Z", "2024-01-31T01:30:00Z"]]),
            ),
            (
                "select time '10:30:00' > time '05:00:00' a, time '10:30:00' > '05:00:00' b",
                json!([[true, true]]),
            ),
        ],
    )
    .await;
    fixture.end().await;
}

#[tokio::test]
async fn a_zone_has_no_effect_on_a_type_without_one() {
    let fixture = Fixture::new();
    answers(
        &fixture,
        &[(
            "select cast('2024-01-05 10:11:12+02' as timestamp), '2024-01-05T10:11Z'::timestamp,
                    cast('2024-01-05 10:11:12+02' as timestamptz), time '10:00:00.250'::text",
            json!([[
                "2024-01-05T10:11:12Z",
                "2024-01-05T10:11:00Z",
                "2024-01-05T08:11:12Z",
                "10:00:00.25"
            ]]),
        ),
        (
            "select timestamp '2024-01-05T10:11:12+02:00', timestamp '2024-01-05 10:11Z',
                    timestamptz '2024-01-05 10:11+02:00'",
            json!([["2024-01-05T10:11:12Z", "2024-01-05T10:11:00Z", "2024-01-05T08:11:00Z"]]),
        ),
        (
            "select count(*) from penguins where seen = '1970-01-01T02:00:00+02:00'",
            json!([[1]]),
        )],
    )
    .await;
    let offset = "select timestamp '2024-01-05 10:00:00' at time zone '+02:00'";
    let error = fixture.error(offset).await;
    assert!(error.to_string().contains("ambiguous"), "{error}");
    fixture.end().await;
}
