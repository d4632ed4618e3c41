//! Joins of tables that share names of columns.

use std::sync::Arc;

use arrow::array::{Int64Array, StringArray};
use serde_json::json;

use crate::fixture::{Fixture, answers, parquet};

fn two_tables() -> Fixture {
    let mut fixture = Fixture::new();
    let folder = fixture.folder.path();
    let t = parquet(
        folder,
        "t",
        vec![
            ("id", Arc::new(Int64Array::from(vec![1, 2, 3]))),
            (
                "x",
                Arc::new(Int64Array::from(vec![Some(1), Some(5), None])),
            ),
            (
                "s",
                Arc::new(StringArray::from(vec![Some("a"), Some("b"), None])),
            ),
            ("v", Arc::new(Int64Array::from(vec![1, 2, 3]))),
        ],
    );
    let u = parquet(
        folder,
        "u",
        vec![
            ("id", Arc::new(Int64Array::from(vec![1, 2, 3]))),
            ("x", Arc::new(Int64Array::from(vec![2, 5, 7]))),
            ("s", Arc::new(StringArray::from(vec!["a", "c", "b"]))),
            ("k", Arc::new(Int64Array::from(vec![1, 2, 3]))),
        ],
    );
    fixture.tables.0.extend([("t".into(), t), ("u".into(), u)]);
    fixture
}

#[tokio::test]
async fn a_filter_on_a_join_compares_the_columns_that_it_names() {
    let fixture = two_tables();
    let different = "u.k >= 1 and t.x is distinct from u.x order by u.k";
    let rows = json!([[1, 1], [null, 2], [2, 3]]);
    answers(
        &fixture,
        &[
            (
                &format!("select t.v, u.k from t right join u on t.s = u.s where {different}"),
                rows.clone(),
            ),
            (
                &format!("select t.v, u.k from u left join t on t.s = u.s where {different}"),
                rows.clone(),
            ),
            (
                &format!("select t.v, u.k from t full join u on t.s = u.s where {different}"),
                rows,
            ),
            (
                &format!("select t.v, u.k from t join u on t.s = u.s where {different}"),
                json!([[1, 1], [2, 3]]),
            ),
            (
                "select t.id, u.id from t right join u on t.s = u.s where length(t.s) <> 7 order by 1",
                json!([[1, 1], [2, 3]]),
            ),
            (
                "select t.v, u.k from t right join u on t.x = u.x where t.x + 1 <> 7",
                json!([[2, 2]]),
            ),
            (
                "select t.v, u.k from t left join u on t.s = u.s where length(u.s) <> 7 order by 1",
                json!([[1, 1], [2, 3]]),
            ),
            (
                "select count(*) from t full join u on t.x = u.x
                 where u.k >= 0 and coalesce(t.id, 0) < coalesce(u.id, 5)",
                json!([[2]]),
            ),
            (
                "select t.v, u.k from t right join u on t.s = u.s order by t.x, u.x limit 1",
                json!([[1, 1]]),
            ),
        ],
    )
    .await;
    fixture.end().await;
}
