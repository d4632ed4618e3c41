//! Hostile queries fail with a code and have no other effect.

use lastcall_sql::{MAX_QUERY_BYTES, ResultFormat};
use serde_json::json;

use crate::fixture::{Fixture, LONG, files_below};

/// Asserts the code of each query, and that the next query works.
async fn all_are(fixture: &Fixture, code: &str, queries: &[&str]) {
    for query in queries {
        let error = fixture.error(query).await;
        assert_eq!(error.code(), code, "{query}: {error}");
    }
    assert_eq!(fixture.cell("1").await, json!(1));
}

#[tokio::test]
async fn only_a_single_query_is_let_through() {
    let fixture = Fixture::new();
    all_are(
        &fixture,
        "sql_refused",
        &[
            "select 1; select 2",
            "select 1; drop table penguins",
            "copy penguins to 'out.csv'",
            "copy (select 1) to '/tmp/out.csv' stored as csv",
            "create external table x stored as csv location '/etc/passwd'",
            "create table x as select 1",
            "create view x as select 1",
            "create schema x",
            "create function f() returns int return 1",
            "select * into x from penguins",
            "insert into penguins values (1)",
            "with a as (insert into penguins values (1) returning *) select * from a",
            "with a as (delete from penguins) select * from a",
            "update penguins set name = 'x'",
            "delete from penguins",
            "truncate table penguins",
            "drop table penguins",
            "set datafusion.execution.batch_size = 1",
            "reset datafusion.execution.batch_size",
            "show all",
            "show tables",
            "explain select 1",
            "explain analyze select 1",
            "prepare p as select 1",
            "execute p",
            "begin",
            "select * from penguins for update",
        ],
    )
    .await;
    all_are(
        &fixture,
        "sql_syntax",
        &["", ";", "-- nothing", "/* open", "select \u{0}"],
    )
    .await;
    fixture.end().await;
}

#[tokio::test]
async fn only_the_tables_of_the_session_can_be_read() {
    let fixture = Fixture::new();
    all_are(
        &fixture,
        "unknown_table",
        &[
            "select * from '/etc/passwd'",
            "select * from \"/etc/passwd\"",
            "select * from 'file.csv'",
            "select * from \"file:///etc/passwd\"",
            "select * from \"http://127.0.0.1/x.parquet\"",
            "select * from \"../penguins\"",
            "select * from information_schema.tables",
            "select * from session.datasets.penguins",
            "select * from datasets.penguins",
            "select (select count(*) from other) from penguins",
        ],
    )
    .await;
    all_are(
        &fixture,
        "sql_refused",
        &[
            "select * from range(1, 10)",
            "select * from generate_series(1, 10000000000)",
            "select * from read_csv('/etc/passwd')",
            "select * from penguins, lateral generate_series(1, 3)",
            "select * from table(range(1, 2))",
        ],
    )
    .await;
    fixture.end().await;
}

#[tokio::test]
async fn functions_that_tell_about_the_machine_are_not_there() {
    let fixture = Fixture::new();
    all_are(
        &fixture,
        "sql_refused",
        &["select version()", "select input_file_name() from penguins"],
    )
    .await;
    all_are(
        &fixture,
        "unknown_function",
        &[
            "select getenv('HOME')",
            "select readfile('/etc/passwd')",
            "select pg_sleep(9)",
        ],
    )
    .await;
    fixture.end().await;
}

#[tokio::test]
async fn queries_that_would_be_planned_for_ever_are_refused_before() {
    let fixture = Fixture::new();
    let chain = |start: &str, link: &str, n: usize| format!("{start}{}", link.repeat(n));
    let nested = (0..24).fold("select 1".to_owned(), |inner, i| {
        format!("with t{i} as ({inner}) select * from t{i}")
    });
    all_are(
        &fixture,
        "sql_refused",
        &[
            &chain("select 1", "+1", 3_000),
            &chain("select n from numbers where n = 0", " or n = 1", 3_000),
            &chain("select n from numbers where n = 0", " and n > 1", 3_000),
            &chain("select 'a'", " || 'a'", 3_000),
            &chain("select 1", " union all select 1", 2_000),
            &format!("select {}1{}", "(".repeat(1_000), ")".repeat(1_000)),
            &format!("select {}1", "- ".repeat(3_000)),
            &format!("select {}1{}", "abs(".repeat(3_000), ")".repeat(3_000)),
            &nested,
            "with recursive t as (select 1 as n union all select n + 1 from t) select * from t",
            &" ".repeat(MAX_QUERY_BYTES + 1),
        ],
    )
    .await;
    let list: Vec<_> = (0..10_000).map(|n| n.to_string()).collect();
    let answer = fixture
        .rows(&format!(
            "select count(*) from numbers where n in ({})",
            list.join(",")
        ))
        .await;
    assert_eq!(answer.rows, vec![vec![json!(10_000)]]);
    fixture.end().await;
}

#[tokio::test]
async fn queries_that_want_more_memory_than_they_may_have_fail_alone() {
    let fixture = Fixture::with(|config| config.memory = 128 << 20);
    let doubling: String = (1..25)
        .map(|i| format!(", t{i} as (select x.a from t{0} x, t{0} y)", i - 1))
        .collect();
    all_are(
        &fixture,
        "resource_exhausted",
        &[
            "select repeat('x', 1000000000)",
            "select length(repeat('x', 1000000000))",
            "select repeat('x', 10000000) from numbers",
            "select lpad('x', 2000000000, 'y')",
            "select range(1, 1000000000000)",
            "select array_agg(a.text || b.text) from numbers a, numbers b",
            &format!("with t0 as (select 1 as a){doubling} select * from t24"),
        ],
    )
    .await;
    fixture.end().await;
}

#[tokio::test]
async fn a_hostile_neighbour_does_not_disturb_other_queries() {
    let fixture = Fixture::with(|config| config.memory = 128 << 20);
    let bomb = fixture.error("select repeat('x', 1000000000)");
    let good = fixture.rows("select sum(n) from numbers");
    let wrong = fixture.error("select nothing from numbers");
    let csv = fixture.ask("select 1", ResultFormat::Csv, LONG);
    let (bomb, good, wrong, csv) = tokio::join!(bomb, good, wrong, csv);
    assert_eq!(bomb.code(), "resource_exhausted");
    assert_eq!(good.rows, vec![vec![json!(4_999_950_000_i64)]]);
    assert_eq!(wrong.code(), "unknown_column");
    assert_eq!(csv.unwrap().row_count, 1);
    fixture.end().await;
}

#[tokio::test]
async fn no_query_has_written_anything() {
    let fixture = Fixture::new();
    let before = files_below(fixture.folder.path())
        .into_iter()
        .filter(|path| path.is_file())
        .count();
    let out = fixture.folder.path().join("out.csv");
    let copy = format!("copy penguins to '{}'", out.display());
    all_are(
        &fixture,
        "sql_refused",
        &[&copy, "create external table x stored as csv location 'x'"],
    )
    .await;
    assert!(!out.exists());
    let after = files_below(fixture.folder.path())
        .into_iter()
        .filter(|path| path.is_file())
        .count();
    assert_eq!(before, after);
    fixture.end().await;
}
