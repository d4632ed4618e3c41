//! What queries answer.

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
async fn every_type_has_its_name_and_its_form_in_json() {
    let fixture = Fixture::new();
    let answer = fixture
        .rows("select *, island > 1 as big from penguins order by species, island, \"Name\"")
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
    assert_eq!(
        answer.rows,
        vec![
            vec![
                json!("Ada"),
                json!("adelie"),
                json!(1),
                json!(3.5),
                json!("2020-01-01"),
                json!("1970-01-01T00:00:00Z"),
                json!(false)
            ],
            vec![
                Value::Null,
                json!("adelie"),
                json!(1),
                Value::Null,
                Value::Null,
                Value::Null,
                json!(false)
            ],
            vec![
                json!("Bo"),
                json!("gentoo"),
                json!(2),
                json!(5.25),
                json!("1969-12-31"),
                json!("1970-01-01T00:00:01.500Z"),
                json!(true)
            ],
            vec![
                json!("Émil"),
                json!("gentoo"),
                json!(3),
                Value::Null,
                json!("2022-01-08"),
                json!("1969-12-31T23:59:59.999999Z"),
                json!(true)
            ],
        ]
    );
    fixture.end().await;
}
