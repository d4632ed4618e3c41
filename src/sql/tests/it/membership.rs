//! `IN`, `ANY`, `ALL` and `EXISTS` over a query, with nulls, and `IS DISTINCT FROM`.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray};
use serde_json::json;

use crate::fixture::{Fixture, answers, parquet};

/// `n(a, b)`, `m(a, c)` and `mn(a, z)`; the first and the last have a null in `a`.
fn fixture() -> Fixture {
    let mut fixture = Fixture::new();
    let numbers =
        |values: &[Option<i64>]| -> ArrayRef { Arc::new(Int64Array::from(values.to_vec())) };
    let texts = |values: [&str; 3]| -> ArrayRef { Arc::new(StringArray::from(values.to_vec())) };
    let tables = [
        (
            "n",
            vec![
                ("a", numbers(&[Some(1), None, Some(3)])),
                ("b", texts(["x", "y", "z"])),
            ],
        ),
        (
            "m",
            vec![
                ("a", numbers(&[Some(1), Some(2), Some(1)])),
                ("c", texts(["p", "q", "r"])),
            ],
        ),
        (
            "mn",
            vec![
                ("a", numbers(&[Some(1), None])),
                ("z", numbers(&[Some(1), Some(2)])),
            ],
        ),
    ];
    for (name, columns) in tables {
        let path = parquet(fixture.folder.path(), name, columns);
        fixture.tables.0.push((name.into(), path));
    }
    fixture
}

#[tokio::test]
async fn nulls_in_a_membership_are_neither_true_nor_false() {
    let fixture = fixture();
    answers(
        &fixture,
        &[
            ("select b from n where a not in (select a from mn) or b = 'q'", json!([])),
            ("select b from n where a not in (select a from m) or b = 'q'", json!([["z"]])),
            (
                "select b from n where not (a in (select a from m) and b = 'y') order by b",
                json!([["x"], ["z"]]),
            ),
            (
                "select b from n where (a in (select a from mn)) is null order by b",
                json!([["y"], ["z"]]),
            ),
            (
                "select case when a not in (select a from mn) then 1 else 0 end from n",
                json!([[0], [0], [0]]),
            ),
            (
                "select b from n where coalesce(a in (select a from mn), true) order by b",
                json!([["x"], ["y"], ["z"]]),
            ),
            ("select b from n where 5 not in (select a from mn)", json!([])),
            (
                "select b from n where 5 not in (select a from m) order by b",
                json!([["x"], ["y"], ["z"]]),
            ),
            (
                "select b, a in (select a from mn), a not in (select a from m where false) from n order by b",
                json!([["x", true, true], ["y", null, true], ["z", null, true]]),
            ),
            // Of a query that refers to the row around it, which may have no rows for one.
            (
                "select b from n where a not in (select m.a from m where m.a = n.a) order by b",
                json!([["y"], ["z"]]),
            ),
            (
                "select b from n where not (a in (select a from m where m.c > n.b)) order by b",
                json!([["x"], ["y"], ["z"]]),
            ),
            (
                "select b, a = any (select a from m), a <> all (select a from m) from n order by b",
                json!([["x", true, false], ["y", null, null], ["z", false, true]]),
            ),
            // As before.
            ("select b from n where a not in (select a from m) and b > 'a'", json!([["z"]])),
            (
                "select b from n where a in (select a from m) or b = 'y' order by b",
                json!([["x"], ["y"]]),
            ),
        ],
    )
    .await;
    for query in [
        "select a in (select m.a from m where m.c > n.b) from n",
        "select a > all (select a from m) from n",
        "select count(*) filter (where a in (select a from m)) from n",
    ] {
        let error = fixture.error(query).await;
        assert_eq!(error.code(), "sql_invalid", "{query}: {error}");
        assert!(
            error.to_string().contains("not supported"),
            "{query}: {error}"
        );
    }
    fixture.end().await;
}

#[tokio::test]
async fn any_and_all_compare_with_the_column_of_their_query() {
    let fixture = fixture();
    answers(
        &fixture,
        &[
            (
                "select a from n where a >= all (select a from n where a is not null)",
                json!([[3]]),
            ),
            (
                "select a from n where a >= all (select a from n)",
                json!([]),
            ),
            (
                "select a from n where a < any (select a from n)",
                json!([[1]]),
            ),
            (
                "select a from m where a >= all (select a from m)",
                json!([[2]]),
            ),
        ],
    )
    .await;
    fixture.end().await;
}

#[tokio::test]
async fn an_aggregate_without_groups_always_has_a_row() {
    let fixture = fixture();
    answers(
        &fixture,
        &[
            (
                "select b from n where exists (select count(*) from m where m.a = n.a) order by b",
                json!([["x"], ["y"], ["z"]]),
            ),
            (
                "select b from n where not exists (select max(c) from m where m.a = n.a)",
                json!([]),
            ),
            (
                "select exists (select count(*) from n where a = 99)",
                json!([[true]]),
            ),
        ],
    )
    .await;
    for query in [
        "select b from n where exists (select 1 from m where m.a = n.a having count(*) = 0)",
        "select b from n where exists (select * from (select count(*) from m where m.a = n.a) q)",
        "select b from n where 0 in (select count(*) from m where m.a = n.a)",
    ] {
        let error = fixture.error(query).await;
        assert_eq!(error.code(), "sql_invalid", "{query}: {error}");
        assert!(error.to_string().contains("aggregate"), "{query}: {error}");
    }
    fixture.end().await;
}

#[tokio::test]
async fn is_distinct_from_ends_before_and_and_or() {
    let fixture = fixture();
    answers(
        &fixture,
        &[
            (
                "select true is distinct from false and false",
                json!([[false]]),
            ),
            (
                "select 1 is not distinct from 1 or false, not 1 is distinct from 2",
                json!([[true, false]]),
            ),
            ("select null is distinct from 1 = 2", json!([[true]])),
            (
                "select b from n where a is distinct from 1 and b = 'y'",
                json!([["y"]]),
            ),
        ],
    )
    .await;
    fixture.end().await;
}

#[tokio::test]
async fn a_star_over_shared_columns_has_them_first_and_of_every_row() {
    let fixture = fixture();
    answers(
        &fixture,
        &[
            (
                "select * from n left join m using (a) where a = 3",
                json!([[3, "z", null]]),
            ),
            (
                "select * from n join m using (a) left join mn using (a) order by c",
                json!([[1, "x", "p", 1], [1, "x", "r", 1]]),
            ),
            (
                "select * from n left join m using (a) left join mn using (a) where b = 'z'",
                json!([[3, "z", null, null]]),
            ),
            (
                "select *, 0 from n left join (select a from m) q using (a) where b = 'z'",
                json!([[3, "z", 0]]),
            ),
            (
                "select a, c from (n left join m using (a)) where b = 'z'",
                json!([[3, null]]),
            ),
            (
                "select b from n left join m using (a) where b <> 'y' order by a desc, c",
                json!([["z"], ["x"], ["x"]]),
            ),
        ],
    )
    .await;
    let columns = fixture
        .rows("select * from n left join m using (a)")
        .await
        .columns;
    let names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    for query in [
        "select * exclude (b) from n left join m using (a)",
        "select * from n natural left join m",
        "select * from (n left join m using (a)) join mn using (a)",
    ] {
        assert_eq!(fixture.error(query).await.code(), "sql_invalid", "{query}");
    }
    fixture.end().await;
}

#[tokio::test]
async fn columns_that_the_engine_gives_one_name_stay_apart() {
    let fixture = fixture();
    answers(
        &fixture,
        &[
            (
                "select (select count(*) from n), (select count(*) from mn)",
                json!([[3, 2]]),
            ),
            (
                "select exists (select 1 from n), exists (select 1 from m)",
                json!([[true, true]]),
            ),
            (
                "select substr(b, 1, 1), substring(b, 1, 1) from n where a = 1",
                json!([["x", "x"]]),
            ),
            (
                "select distinct left(b, 1), right(b, 1) from n where a = 1 order by left(b, 1), right(b, 1)",
                json!([["x", "x"]]),
            ),
        ],
    )
    .await;
    fixture.end().await;
}
