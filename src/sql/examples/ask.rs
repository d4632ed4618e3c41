//! Runs queries over Parquet files: `ask NAME=FILE… < QUERIES`. Each line is a query as a JSON
//! string; each line of the output is its result or error as JSON. `scripts/compare_sql.py` uses
//! it.

use std::error::Error;
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use lastcall_domain::{Cancel, Progress};
use lastcall_sql::{ResultFormat, Sql, SqlConfig, TableError, Tables};
use serde_json::json;

struct Files(Vec<(String, PathBuf)>);

#[async_trait]
impl Tables for Files {
    async fn names(&self) -> Result<Vec<String>, TableError> {
        Ok(self.0.iter().map(|(name, _)| name.clone()).collect())
    }

    async fn open(&self, name: &str) -> Result<PathBuf, TableError> {
        let found = self.0.iter().find(|(table, _)| table == name);
        found.map(|(_, path)| path.clone()).ok_or(TableError {
            code: "table_unavailable",
            message: "there is no such table".into(),
            retryable: false,
            unavailable: None,
        })
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    // The program is also its own child process.
    if std::env::args().nth(1).as_deref() == Some("--child") {
        lastcall_sql::child::main();
        return Ok(());
    }
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(answer())
}

async fn answer() -> Result<(), Box<dyn Error>> {
    let tables = std::env::args().skip(1).filter_map(|argument| {
        let (name, path) = argument.split_once('=')?;
        Some((name.to_owned(), PathBuf::from(path)))
    });
    let tables = Files(tables.collect());
    let scratch = tempfile::tempdir()?;
    let config = SqlConfig::new(
        std::env::current_exe()?,
        vec!["--child".into()],
        scratch.path(),
    );
    let sql = Sql::new(config)?;
    for line in std::io::stdin().lock().lines() {
        let query: String = serde_json::from_str(&line?)?;
        let answer = sql
            .query(
                &query,
                &tables,
                ResultFormat::Json,
                Duration::from_secs(60),
                &Cancel::new(),
                &Progress::new(),
            )
            .await;
        let said = match answer {
            // On one line, with every digit: line ends occur between rows only.
            Ok(answer) => String::from_utf8(answer.body.read()?)?.replace('\n', " "),
            Err(error) => json!({"error": error.code(), "message": error.to_string()}).to_string(),
        };
        writeln!(std::io::stdout(), "{said}")?;
    }
    sql.shutdown().await;
    Ok(())
}
