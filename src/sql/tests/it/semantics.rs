//! Semantics in which the engine alone would differ from PostgreSQL and DuckDB.

use std::sync::Arc;

use arrow::array::{Float64Array, Int64Array};
use serde_json::json;

use crate::fixture::{Fixture, answers, with_table};

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
async fn exists_is_supported_in_the_select_list() {
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
