//! The table of docs/sql.md.

use serde_json::Value;

use crate::fixture::{Fixture, LONG};

#[tokio::test]
async fn the_table_of_the_documentation_is_true() {
    let page = include_str!("../../../../docs/sql.md");
    let (_, table) = page.split_once("| statement | answer |").unwrap();
    let fixture = Fixture::new();
    let mut rows = 0;
    for line in table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'))
    {
        let mut parts = line.split('`');
        let (query, answer) = (parts.nth(1).unwrap(), parts.nth(1).unwrap());
        let found = fixture
            .ask(query, lastcall_sql::ResultFormat::Json, LONG)
            .await;
        match (found, serde_json::from_str::<Value>(answer)) {
            (Ok(found), Ok(expected)) => {
                let found: Value = serde_json::from_slice(&found.body.read().unwrap()).unwrap();
                assert_eq!(found["rows"], expected, "{query}");
            }
            (Err(error), Err(_)) => assert_eq!(error.code(), answer, "{query}: {error}"),
            (found, _) => panic!("{query}: {:?}", found.map(|found| found.row_count)),
        }
        rows += 1;
    }
    assert!(rows > 20, "the table has {rows} rows");
    fixture.end().await;
}
