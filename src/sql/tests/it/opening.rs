//! Tables that cannot be opened, and relative paths.

use std::path::PathBuf;

use async_trait::async_trait;
use lastcall_domain::{Cancel, Progress};
use lastcall_sql::{ResultFormat, TableError, Tables};

use crate::fixture::{Fixture, LONG};

/// Tables that cannot be opened.
struct Broken;

#[async_trait]
impl Tables for Broken {
    async fn names(&self) -> Result<Vec<String>, TableError> {
        Ok(vec!["broken".into(), "gone".into()])
    }

    async fn open(&self, name: &str) -> Result<PathBuf, TableError> {
        match name {
            "gone" => Ok("/does/not/exist".into()),
            _ => Err(TableError {
                code: "bad_data",
                message: "line 3 is ragged".into(),
                retryable: false,
                unavailable: None,
            }),
        }
    }
}

/// A table by a path that is relative to this process.
struct Relative(PathBuf);

#[async_trait]
impl Tables for Relative {
    async fn names(&self) -> Result<Vec<String>, TableError> {
        Ok(vec!["t".into()])
    }

    async fn open(&self, _: &str) -> Result<PathBuf, TableError> {
        Ok(self.0.clone())
    }
}

#[tokio::test]
async fn a_table_may_be_given_by_a_relative_path() {
    let fixture = Fixture::new();
    let up: PathBuf = std::env::current_dir()
        .unwrap()
        .components()
        .skip(1)
        .map(|_| "..")
        .collect();
    let path = up.join(fixture.tables.0[0].1.strip_prefix("/").unwrap());
    let tables = Relative(path);
    let query = fixture
        .sql
        .query(
            "select * from t",
            &tables,
            ResultFormat::Json,
            LONG,
            &Cancel::new(),
            &Progress::new(),
        )
        .await;
    assert_eq!(query.unwrap().row_count, 4);
    fixture.end().await;
}

#[tokio::test]
async fn a_table_that_cannot_be_opened_has_a_reason() {
    let fixture = Fixture::new();
    let ask = async |query| {
        let cancel = Cancel::new();
        fixture
            .sql
            .query(
                query,
                &Broken,
                ResultFormat::Json,
                LONG,
                &cancel,
                &Progress::new(),
            )
            .await
            .unwrap_err()
    };
    let error = ask("select * from broken").await;
    assert_eq!(
        (error.code(), error.to_string().as_str()),
        ("bad_data", "table broken: line 3 is ragged")
    );
    assert_eq!(ask("select * from gone").await.code(), "table_unavailable");
    fixture.end().await;
}
