//! `DESCRIBE` and `SUMMARIZE`.

use serde_json::json;

use crate::fixture::Fixture;

#[tokio::test]
async fn describe_names_the_columns_and_their_types() {
    let fixture = Fixture::new();
    for query in [
        "describe penguins",
        "DESC Penguins",
        "describe select * from penguins",
    ] {
        let answer = fixture.rows(query).await;
        assert_eq!(
            serde_json::to_value(answer.rows).unwrap(),
            json!([
                ["Name", "string"],
                ["species", "string"],
                ["island", "integer"],
                ["body mass", "float"],
                ["hatched", "date"],
                ["seen", "timestamp"]
            ]),
            "{query}"
        );
    }
    let answer = fixture
        .rows("describe select count(*) as n, now() as t")
        .await;
    assert_eq!(
        serde_json::to_value(answer.rows).unwrap(),
        json!([["n", "integer"], ["t", "timestamp"]])
    );
    assert_eq!(
        fixture.error("describe nosuch").await.code(),
        "unknown_table"
    );
    fixture.end().await;
}

#[tokio::test]
async fn summarize_answers_a_row_for_each_column() {
    let fixture = Fixture::new();
    let answer = fixture.rows("summarize penguins").await;
    let names: Vec<_> = answer.columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "name", "type", "count", "nulls", "distinct", "min", "max", "mean", "std", "p25",
            "p50", "p75"
        ]
    );
    let rows = serde_json::to_value(answer.rows).unwrap();
    assert_eq!(
        rows[0],
        json!([
            "Name", "string", 3, 1, 3, "Ada", "Émil", null, null, null, null, null
        ])
    );
    assert_eq!(
        rows[2],
        json!([
            "island",
            "integer",
            4,
            0,
            3,
            "1",
            "3",
            1.75,
            0.957_427_107_756_338,
            1.0,
            1.5,
            2.25
        ])
    );
    assert_eq!(
        rows[4],
        json!([
            "hatched",
            "date",
            3,
            1,
            3,
            "1969-12-31",
            "2022-01-08",
            null,
            null,
            null,
            null,
            null
        ])
    );
    let answer = fixture
        .rows("summarize select n from numbers where n < 5")
        .await;
    assert_eq!(
        serde_json::to_value(answer.rows).unwrap(),
        json!([[
            "n",
            "integer",
            5,
            0,
            5,
            "0",
            "4",
            2.0,
            1.581_138_830_084_189_8,
            1.0,
            2.0,
            3.0
        ]])
    );
    fixture.end().await;
}

#[tokio::test]
async fn a_column_is_summarized_by_its_final_type() {
    let fixture = Fixture::new();
    let query =
        "summarize select case when n = 0 then 1 else 0.5 end as v from numbers where n < 2";
    let rows = fixture.rows(query).await.rows;
    let rows = serde_json::to_value(rows).unwrap();
    assert_eq!(
        (&rows[0][1], &rows[0][5], &rows[0][7]),
        (&json!("float"), &json!("0.5"), &json!(0.75))
    );
    fixture.end().await;
}
