//! Error messages.

use lastcall_sql::Position;

use crate::fixture::Fixture;

/// The code, the position and the suggestion of an error.
async fn error(
    fixture: &Fixture,
    query: &str,
) -> (&'static str, Option<(u64, u64)>, Option<String>) {
    let error = fixture.error(query).await;
    assert!(!error.retryable(), "{query}");
    let fault = error.fault().unwrap_or_else(|| panic!("{query}: {error}"));
    let position = fault
        .position
        .map(|Position { line, column }| (line, column));
    (error.code(), position, fault.suggestion.clone())
}

#[tokio::test]
async fn an_error_has_a_position_and_a_suggestion() {
    let fixture = Fixture::new();
    for (query, code, position, suggestion) in [
        ("select * form penguins", "sql_syntax", Some((1, 10)), None),
        ("select\n  1 +", "sql_syntax", Some((2, 6)), None),
        ("select 'open", "sql_syntax", Some((1, 8)), None),
        ("", "sql_syntax", None, None),
        (
            "select * from islands-2024",
            "sql_syntax",
            Some((1, 22)),
            Some("a table of this name is written \"Islands-2024\""),
        ),
        (
            "select 1\nfrom pengins",
            "unknown_table",
            Some((2, 6)),
            Some("did you mean penguins?"),
        ),
        (
            "select * from \"islands-2024\"",
            "unknown_table",
            Some((1, 15)),
            Some("did you mean \"Islands-2024\"?"),
        ),
        (
            "select spcies from penguins",
            "unknown_column",
            Some((1, 8)),
            Some("did you mean species?"),
        ),
        (
            "select p.nam from penguins p",
            "unknown_column",
            Some((1, 8)),
            Some("did you mean Name?"),
        ),
        (
            "select i.species from penguins p, \"Islands-2024\" i",
            "unknown_column",
            Some((1, 8)),
            Some("did you mean p.species?"),
        ),
        (
            "select body from penguins",
            "unknown_column",
            Some((1, 8)),
            Some("did you mean \"body mass\"?"),
        ),
        (
            "select 1 from penguins where name = \"Ada\"",
            "unknown_column",
            Some((1, 37)),
            Some("text is written in single quotes: 'Ada'"),
        ),
        (
            "select name from penguins p, \"Islands-2024\" i",
            "unknown_column",
            Some((1, 8)),
            Some("write the table's name and a dot before it"),
        ),
        (
            "select cuont(*) from penguins",
            "unknown_function",
            Some((1, 8)),
            Some("did you mean count?"),
        ),
        (
            "select year(hatched) from penguins",
            "unknown_function",
            Some((1, 8)),
            Some("write extract(year from …)"),
        ),
        ("select sum(name) from penguins", "sql_invalid", None, None),
        ("select $1", "sql_invalid", Some((1, 8)), None),
    ] {
        let suggestion = suggestion.map(str::to_owned);
        assert_eq!(
            error(&fixture, query).await,
            (code, position, suggestion),
            "{query}"
        );
    }
    fixture.end().await;
}

#[tokio::test]
async fn errors_in_the_data_are_failures() {
    let fixture = Fixture::new();
    for query in [
        "select 1 / 0",
        "select n / (n - 5) from numbers",
        "select cast(text as bigint) from numbers",
        "select date '2024-02-30'",
        "select regexp_replace(text, '(', '') from numbers",
        "select factorial(100)",
    ] {
        assert_eq!(error(&fixture, query).await.0, "sql_failed", "{query}");
    }
    fixture.end().await;
}

#[tokio::test]
async fn messages_do_not_speak_of_the_engine() {
    let fixture = Fixture::new();
    for query in [
        "select sum(name) from penguins",
        "select name, count(*) from penguins",
        "select top 5 * from numbers",
        "select * from (select name as a, species as a from penguins)",
        "select exists (select 1 from penguins limit 1)",
        "select sum(hatched) from penguins",
        "select median(name) from penguins",
        "select * from numbers pivot (count(*) for text in ('x'))",
    ] {
        let message = fixture.error(query).await.to_string();
        for word in [
            "DataFusion",
            "Utf8",
            "Int64",
            "Internal error",
            "backtrace",
            "{",
        ] {
            assert!(!message.contains(word), "{query}: {message}");
        }
    }
    fixture.end().await;
}

#[tokio::test]
async fn what_the_engine_would_pass_over_or_do_wrong_is_refused() {
    let fixture = Fixture::new();
    for (query, code) in [
        ("from numbers", "sql_invalid"),
        ("select count(*) from numbers prewhere n = 1", "sql_invalid"),
        (
            "select n from numbers start with n = 1 connect by prior n = n",
            "sql_invalid",
        ),
        (
            "select count(*) from numbers group by n % 2 with rollup",
            "sql_invalid",
        ),
        (
            "select count(*) from numbers group by all with totals",
            "sql_invalid",
        ),
        ("values (1), (1) except all values (1)", "sql_invalid"),
        (
            "values (1) union (values (1), (1) intersect all values (1))",
            "sql_invalid",
        ),
        (
            "values (1) union values (1), (1) intersect all values (1)",
            "sql_invalid",
        ),
        (
            "select * from numbers a full join numbers b using (n)",
            "sql_invalid",
        ),
        (
            "select * from numbers a natural right join numbers b",
            "sql_invalid",
        ),
        (
            "select * from (numbers a right outer join numbers b using (n))",
            "sql_invalid",
        ),
        ("select n from numbers for json auto", "sql_invalid"),
        ("select n from numbers format CSV", "sql_invalid"),
        (
            "select n from numbers settings max_threads = 1",
            "sql_refused",
        ),
    ] {
        assert_eq!(error(&fixture, query).await.0, code, "{query}");
    }
    // Similar queries are supported.
    for (query, rows) in [
        ("from numbers select n where n < 2", 2),
        ("values (1), (1), (2) except values (1)", 1),
        ("values (1) union all values (1)", 2),
        (
            "select n from numbers a left join numbers b using (n) where a.n < 3",
            3,
        ),
        (
            "select 1 from numbers a right join numbers b on a.n = b.n where b.n < 3",
            3,
        ),
        ("select count(*) from numbers group by rollup (n % 2)", 3),
    ] {
        assert_eq!(fixture.rows(query).await.rows.len(), rows, "{query}");
    }
    fixture.end().await;
}

#[tokio::test]
async fn what_the_engine_lacks_is_named_with_what_to_write_instead() {
    let fixture = Fixture::new();
    for (query, message, suggestion) in [
        (
            "select n, (select max(i.id) from \"Islands-2024\" i where i.id < n) from numbers",
            "a subquery that refers to the query around it",
            "join the tables",
        ),
        (
            "select n, l.q from numbers, lateral (select n * 2 as q) l",
            "LATERAL with LIMIT",
            "SELECT list",
        ),
        (
            "select unnest(array[1, 2]) order by 1",
            "unnest() here",
            "FROM (SELECT unnest",
        ),
        (
            "select count(*) from numbers group by n in (select id from \"Islands-2024\")",
            "IN (SELECT …) here",
            "a subquery of FROM",
        ),
        (
            "select coalesce(hatched, '2024-01-01') from penguins",
            "no function matches",
            "DATE '…'",
        ),
        (
            "select true = 'true'",
            "incompatible types",
            "cast one of them",
        ),
    ] {
        let error = fixture.error(query).await;
        assert_eq!(error.code(), "sql_invalid", "{query}: {error}");
        let fault = error.fault().unwrap();
        let suggested = fault.suggestion.clone().unwrap_or_default();
        assert!(fault.message.contains(message), "{query}: {error}");
        assert!(suggested.contains(suggestion), "{query}: {error}");
    }
    fixture.end().await;
}
