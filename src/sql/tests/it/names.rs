//! Names of tables and columns in queries, and names of result columns.

use serde_json::json;

use crate::fixture::Fixture;

async fn columns(fixture: &Fixture, query: &str) -> Vec<String> {
    fixture
        .rows(query)
        .await
        .columns
        .into_iter()
        .map(|column| column.name)
        .collect()
}

#[tokio::test]
async fn names_without_quotes_are_found_in_any_case() {
    let fixture = Fixture::new();
    let answer = fixture
        .rows("select NAME, p.Species from PENGUINS as P where Island = 2")
        .await;
    assert_eq!(answer.rows, vec![vec![json!("Bo"), json!("gentoo")]]);
    let answer = fixture
        .rows("with Two as (select Name as N from penguins) select two.n from TWO order by n")
        .await;
    assert_eq!(answer.row_count, 4);
    fixture.end().await;
}

#[tokio::test]
async fn names_in_quotes_are_found_as_they_are_written() {
    let fixture = Fixture::new();
    let answer = fixture.rows("select i.\"Name\", \"body mass\" from penguins, \"Islands-2024\" i where island = id and id = 2").await;
    assert_eq!(answer.rows, vec![vec![json!("Biscoe"), json!(5.25)]]);
    assert_eq!(
        fixture.error("select \"name\" from penguins").await.code(),
        "unknown_column"
    );
    assert_eq!(
        fixture.error("select * from \"PENGUINS\"").await.code(),
        "unknown_table"
    );
    fixture.end().await;
}

#[tokio::test]
async fn a_column_is_called_as_its_table_or_its_query_calls_it() {
    let fixture = Fixture::new();
    assert_eq!(
        columns(&fixture, "select NAME, species from penguins").await,
        ["Name", "species"]
    );
    assert_eq!(
        columns(
            &fixture,
            "select upper(name) as name from penguins order by name"
        )
        .await,
        ["name"]
    );
    assert_eq!(
        columns(&fixture, "select 1 + 1, *, count(*) over (), date_trunc('month', d) Month from (select hatched as d from penguins)").await,
        ["1 + 1", "d", "count(*) OVER ()", "Month"]
    );
    assert_eq!(
        columns(&fixture, "(select 1 as one union all select 2)").await,
        ["one"]
    );
    fixture.end().await;
}

#[tokio::test]
async fn a_query_without_tables_does_not_ask_for_any() {
    let fixture = Fixture::new();
    assert_eq!(fixture.cell("'it''s ' || 1").await, json!("it's 1"));
    fixture.end().await;
}
