//! Results of queries.

use serde_json::{Value, json};

use crate::fixture::Fixture;

#[tokio::test]
async fn a_query_answers_with_columns_rows_and_counts() {
    let fixture = Fixture::new();
    let answer = fixture
        .rows("select species, count(*) as n from penguins group by species order by species")
        .await;
    assert_eq!(
        serde_json::to_value(&answer).unwrap(),
        json!({
            "columns": [{"name": "species", "type": "string"}, {"name": "n", "type": "integer"}],
            "rows": [["adelie", 2], ["gentoo", 2]],
            "row_count": 2,
            "truncated": false,
        })
    );
    fixture.end().await;
}

#[tokio::test]
async fn the_types_of_datasets_have_their_names_and_their_forms() {
    let fixture = Fixture::new();
    let answer = fixture
        .rows("select *, island > 1 as big from penguins order by species, island, name")
        .await;
    let types: Vec<_> = answer
        .columns
        .iter()
        .map(|column| column.kind.as_str())
        .collect();
    assert_eq!(
        types,
        [
            "string",
            "string",
            "integer",
            "float",
            "date",
            "timestamp",
            "boolean"
        ]
    );
    let expected = json!([
        [
            "Ada",
            "adelie",
            1,
            3.5,
            "2020-01-01",
            "1970-01-01T00:00:00Z",
            false
        ],
        [null, "adelie", 1, null, null, null, false],
        [
            "Bo",
            "gentoo",
            2,
            5.25,
            "1969-12-31",
            "1970-01-01T00:00:01.500Z",
            true
        ],
        [
            "Émil",
            "gentoo",
            3,
            "NaN",
            "2022-01-08",
            "1969-12-31T23:59:59.999999Z",
            true
        ],
    ]);
    assert_eq!(serde_json::to_value(answer.rows).unwrap(), expected);
    fixture.end().await;
}

#[tokio::test]
async fn every_other_type_has_a_name_and_a_form_too() {
    let fixture = Fixture::new();
    for (expression, kind, value) in [
        ("cast(5 as decimal(10))", "integer", json!(5)),
        ("x'00ff'", "binary", json!("00ff")),
        ("cast(1.5 as decimal(10, 3))", "decimal", json!(1.5)),
        ("cast('10:30:00.25' as time)", "time", json!("10:30:00.250")),
        (
            "interval '1 year 2 days 3 seconds'",
            "interval",
            json!("P1Y2DT3S"),
        ),
        ("[1, null, 3]", "list", json!([1, null, 3])),
        (
            "named_struct('a', 1, 'b', ['x'])",
            "struct",
            json!({"a": 1, "b": ["x"]}),
        ),
        (
            "map(['k', 'l'], [1, 2])",
            "map",
            json!([["k", 1], ["l", 2]]),
        ),
        ("null", "null", Value::Null),
        (
            "arrow_cast('a', 'Dictionary(Int32, Utf8)')",
            "string",
            json!("a"),
        ),
        (
            "9007199254740993",
            "integer",
            json!(9_007_199_254_740_993_i64),
        ),
        ("18446744073709551615", "integer", json!(u64::MAX)),
        ("cast(0.1 as real)", "float", json!(0.1)),
        ("1e308 * 10", "float", json!("Infinity")),
        ("cast('NaN' as double)", "float", json!("NaN")),
        (
            "to_timestamp('2020-01-01T10:00:00.5+02:00')",
            "timestamp",
            json!("2020-01-01T08:00:00.500Z"),
        ),
        (
            "arrow_cast(0, 'Timestamp(Second, Some(\"+02:00\"))')",
            "timestamp",
            json!("1970-01-01T00:00:00Z"),
        ),
        (
            "'\u{1F600} \"quoted\" \u{1}'",
            "string",
            json!("\u{1F600} \"quoted\" \u{1}"),
        ),
    ] {
        let answer = fixture.rows(&format!("select {expression}")).await;
        assert_eq!(answer.columns[0].kind, kind, "{expression}");
        assert_eq!(answer.rows, vec![vec![value]], "{expression}");
    }
    fixture.end().await;
}

#[tokio::test]
async fn joins_windows_dates_expressions_and_regular_expressions_work() {
    let fixture = Fixture::new();
    for (query, rows) in [
        (
            "select p.name, i.name as island from penguins p join \"Islands-2024\" i on p.island = i.id
             where p.name is not null order by 1",
            json!([["Ada", "Torgersen"], ["Bo", "Biscoe"], ["Émil", "Dream"]]),
        ),
        (
            "select n, sum(n) over (order by n rows between 1 preceding and current row) s,
                    row_number() over (partition by n % 2 order by n desc) r
             from numbers where n < 3 order by n",
            json!([[0, 0, 2], [1, 1, 1], [2, 3, 1]]),
        ),
        (
            "select date_trunc('month', hatched), extract(year from hatched),
                    cast(hatched + interval '1 month' as date), hatched < now()
             from penguins where name = 'Ada'",
            json!([["2020-01-01T00:00:00Z", 2020, "2020-02-01", true]]),
        ),
        (
            "select name from penguins where name ~ '^[A-B]' and not regexp_like(name, 'o$')",
            json!([["Ada"]]),
        ),
        (
            "with recent as (select * from penguins where hatched >= '2000-01-01')
             select species, max(hatched) from recent group by species having count(*) > 0 order by 1",
            json!([["adelie", "2020-01-01"], ["gentoo", "2022-01-08"]]),
        ),
        (
            "select count(*), count(distinct n % 10), median(n) from numbers
             where n in (select n from numbers where n % 2 = 0)",
            json!([[50_000, 5, 49_999.0]]),
        ),
        ("select 1 union select 1 union all values (2) order by 1", json!([[1], [2]])),
    ] {
        assert_eq!(serde_json::to_value(fixture.rows(query).await.rows).unwrap(), rows, "{query}");
    }
    fixture.end().await;
}
