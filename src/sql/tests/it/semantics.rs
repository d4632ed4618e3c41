//! Semantics in which the engine alone would differ from PostgreSQL and DuckDB.

use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Float64Array, Int64Array, TimestampMicrosecondArray};
use serde_json::json;

use crate::fixture::{Fixture, answers, parquet};

/// A fixture with one more table, `t`.
fn with_table(columns: Vec<(&str, ArrayRef)>) -> Fixture {
    let mut fixture = Fixture::new();
    let path = parquet(fixture.folder.path(), "t", columns);
    fixture.tables.0.push(("t".into(), path));
    fixture
}

#[tokio::test]
async fn sums_and_means_of_whole_numbers_are_exact() {
    let most = i64::MAX;
    let fixture = with_table(vec![
        ("id", Arc::new(Int64Array::from(vec![1, 2, 3]))),
        ("n", Arc::new(Int64Array::from(vec![most, most, 5]))),
    ]);
    // Two times the greatest number, and five.
    let sum = "18446744073709551619";
    answers(
        &fixture,
        &[
            (
                "select cast(sum(n) as text), sum(n) = 18446744073709551614 + 5, sum(n) - 5 = 18446744073709551614 from t",
                json!([[sum, true, true]]),
            ),
            ("select avg(n) from t where id = 3", json!([[5.0]])),
            (
                "select avg(v) from (values (9007199254740993), (9007199254740995)) q(v)",
                json!([[9_007_199_254_740_994.0]]),
            ),
            (
                "select cast(sum(n) over (order by id) as text) from t order by id",
                json!([["9223372036854775807"], ["18446744073709551614"], [sum]]),
            ),
            (
                "select cast(sum(n) over (order by id rows 1 preceding) as text) from t order by id",
                json!([["9223372036854775807"], ["18446744073709551614"], ["9223372036854775812"]]),
            ),
            (
                "select avg(id) over (order by id rows 1 preceding) from t order by id",
                json!([[1.0], [1.5], [2.5]]),
            ),
            ("select sum(distinct n) - 5, avg(distinct id) from t", json!([[most, 2.0]])),
            ("select sum(id) + 1, sum(id) * 2, sum(id) / 4, sum(id) % 4 from t", json!([[7, 12, 1.5, 2]])),
            ("select coalesce(sum(n), 0) from t where id > 3", json!([[0]])),
            ("select id % 2, sum(id), avg(id) from t group by 1 order by 1", json!([[0, 2, 2.0], [1, 4, 2.0]])),
        ],
    )
    .await;
    for query in [
        "select n + 1 from t",
        "select n * 2 from t",
        "select -(-9223372036854775807 - 1) - 1 from t",
        "select 9223372036854775807 + 1",
    ] {
        assert_eq!(fixture.error(query).await.code(), "sql_failed", "{query}");
    }
    fixture.end().await;
}

#[tokio::test]
async fn floats_are_added_with_their_rounding_errors_carried_along() {
    let fixture = with_table(vec![(
        "x",
        Arc::new(Float64Array::from(vec![
            Some(0.1),
            Some(0.2),
            None,
            Some(0.3),
        ])),
    )]);
    answers(
        &fixture,
        &[
            (
                "select sum(x) s, sum(cast(x as int)) i from t",
                json!([[0.6, 0]]),
            ),
            (
                "select sum(x), avg(x), sum(x) from t",
                json!([[0.6, 0.2, 0.6]]),
            ),
            (
                "select sum(x + 1e308 * 10), avg(x) from t where x < 0",
                json!([[null, null]]),
            ),
            (
                "select sum(v) from (values (1e308), (1e308)) q(v)",
                json!([["Infinity"]]),
            ),
            (
                "select sum(v) over (order by k rows 1 preceding)
                 from (values (1, 1e308 * 10), (2, 1.0), (3, 2.0)) q(k, v) order by k",
                json!([["Infinity"], ["Infinity"], [3.0]]),
            ),
        ],
    )
    .await;
    fixture.end().await;
}

#[tokio::test]
async fn quantiles_are_exact() {
    let fixture = Fixture::new();
    answers(
        &fixture,
        &[
            (
                "select percentile_cont(v, 0.7), percentile_cont(0.7) within group (order by v),
                        percentile_cont(0.25) within group (order by v desc), median(v)
                 from (values (1), (2), (3), (4)) q(v)",
                json!([[3.1, 3.1, 3.25, 2.5]]),
            ),
            (
                "select median(v) from (values (1), (2)) q(v)",
                json!([[1.5]]),
            ),
            ("select median(n) from numbers where n < 0", json!([[null]])),
        ],
    )
    .await;
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
async fn there_is_one_zero_and_one_nan() {
    let fixture = with_table(vec![("x", Arc::new(Float64Array::from(vec![0.0, 1.0])))]);
    answers(
        &fixture,
        &[
            ("select count(*) from t join (select -x as y from t) q on x = y", json!([[1]])),
            ("select count(distinct y) from (select x as y from t union all select -x from t) q", json!([[3]])),
            ("select y, count(*) from (select x as y from t union all select -x from t) q group by y order by y", json!([[-1.0, 1], [0.0, 2], [1.0, 1]])),
            ("select -0.0 = 0.0, 0.0 * -1 = 0, x in (-0.0) from t where x = 0", json!([[true, true, true]])),
            ("select round(-0.4) = 0, -x = 0 from t where x = 0", json!([[true, true]])),
            ("select x / 0 = 'NaN'::double from t where x = 0", json!([[true]])),
            ("select count(*) from (select distinct v / v from (values (0.0), (1e308 * 10)) q(v)) q", json!([[1]])),
        ],
    )
    .await;
    fixture.end().await;
}

#[tokio::test]
async fn powers_patterns_and_casts_are_those_of_postgresql() {
    let fixture = Fixture::new();
    answers(
        &fixture,
        &[
            ("select 2^3, 2*3^2, -2^2, 2^3^2, 2^-1", json!([[8.0, 18.0, 4.0, 64.0, 0.5]])),
            ("select 1 << 2 + 1", json!([[8]])),
            (
                "select 'abc' similar to 'a%', 'foo' similar to 'f', 'foo' similar to '(f|g)o+',
                        'axc' similar to 'a.c', 'abc' not similar to 'a%', 'a%' similar to 'a#%' escape '#'",
                json!([[true, false, true, false, false, true]]),
            ),
            (
                "select cast(1.7 as int), cast(-2.5 as int), (1.5)::bigint, try_cast(2.7 as int), try_cast('x' as int)",
                json!([[2, -3, 2, 3, null]]),
            ),
            ("select 7 / 2, -7 % 3, 7 % -3", json!([[3, -1, 1]])),
            ("select cast(10 as decimal(10, 2)) / 3", json!([[3.333_333_333_333_333_5]])),
            ("select row_number() over (order by n) - row_number() over (order by n desc) from numbers order by n limit 1", json!([[-99_999]])),
        ],
    )
    .await;
    fixture.end().await;
}

#[tokio::test]
async fn columns_may_share_a_name() {
    let fixture = Fixture::new();
    let answer = fixture
        .rows("select species, species, 1, 1, hatched::date, hatched::text, *, name from penguins where name = 'Ada'")
        .await;
    let names: Vec<_> = answer.columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "species",
            "species",
            "1",
            "1",
            "hatched::DATE",
            "hatched::TEXT",
            "Name",
            "species",
            "island",
            "body mass",
            "hatched",
            "seen",
            "Name"
        ]
    );
    answers(
        &fixture,
        &[
            ("select 1, 1 union all select 2, 2 order by 1", json!([[1, 1], [2, 2]])),
            ("select sum(island) s, sum(cast(island as text)::int) s from penguins", json!([[7, 7]])),
            ("select * from (select 1, 1) q", json!([[1, 1]])),
            ("select island from (select cast(island as text) from penguins) q order by 1 limit 1", json!([["1"]])),
            ("select species, round(avg(island)) from penguins group by 1 order by 2", json!([["adelie", 1.0], ["gentoo", 3.0]])),
        ],
    )
    .await;
    fixture.end().await;
}

#[tokio::test]
async fn exists_stands_among_the_columns() {
    let fixture = Fixture::new();
    answers(
        &fixture,
        &[
            (
                "select name, exists (select 1 from \"Islands-2024\" i where i.id = p.island and i.id > 1),
                        not exists (select 1 from \"Islands-2024\" i where i.id = p.island and i.id > 1)
                 from penguins p where name is not null order by name",
                json!([["Ada", false, true], ["Bo", true, false], ["Émil", true, false]]),
            ),
            ("select exists (select * from numbers where n = -1), case when exists (select 1 from numbers) then 'y' end", json!([[false, "y"]])),
        ],
    )
    .await;
    fixture.end().await;
}

#[tokio::test]
async fn a_column_of_using_needs_no_table() {
    let fixture = Fixture::new();
    answers(
        &fixture,
        &[
            ("select n from numbers a join numbers b using (n) where n < 2 order by n", json!([[0], [1]])),
            ("select n, count(*) from numbers a left join numbers b using (n) where n = 3 group by n", json!([[3, 1]])),
        ],
    )
    .await;
    fixture.end().await;
}
