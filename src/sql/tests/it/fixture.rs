//! Tables in a temporary folder, and a `Sql` over them that must leave nothing behind.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{
    ArrayRef, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use async_trait::async_trait;
use lastcall_domain::{Cancel, Progress, SqlResult};
use lastcall_sql::{
    Capabilities, QueryResult, ResultFormat, Sql, SqlConfig, SqlError, TableError, Tables,
};
use parquet::arrow::ArrowWriter;
use tempfile::TempDir;

/// Long enough for a busy machine; only a hang uses it up.
pub const LONG: Duration = Duration::from_secs(120);

/// Parquet files under the names of tables.
pub struct Files(pub Vec<(String, PathBuf)>);

#[async_trait]
impl Tables for Files {
    async fn names(&self) -> Result<Vec<String>, TableError> {
        Ok(self.0.iter().map(|(name, _)| name.clone()).collect())
    }

    async fn open(&self, name: &str) -> Result<PathBuf, TableError> {
        let found = self.0.iter().find(|(table, _)| table == name);
        Ok(found.expect("only tables that there are").1.clone())
    }
}

/// A `Sql` with tables, and the folder that both are in.
pub struct Fixture {
    pub sql: Arc<Sql>,
    pub tables: Files,
    pub folder: TempDir,
    ended: bool,
}

impl Fixture {
    /// The usual tables and limits.
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    /// The usual tables, with limits of its own.
    pub fn with(change: impl FnOnce(&mut SqlConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tables = Files(vec![
            ("penguins".into(), penguins(folder.path())),
            ("Islands-2024".into(), islands(folder.path())),
            ("numbers".into(), numbers(folder.path())),
        ]);
        let mut config = SqlConfig::new(child(), Vec::new(), folder.path().join("scratch"));
        config.spares = 1;
        change(&mut config);
        Self {
            sql: Arc::new(Sql::new(config).unwrap()),
            tables,
            folder,
            ended: false,
        }
    }

    pub async fn ask(
        &self,
        query: &str,
        format: ResultFormat,
        timeout: Duration,
    ) -> Result<QueryResult, SqlError> {
        let (cancel, progress) = (Cancel::new(), Progress::new());
        self.sql
            .query(query, &self.tables, format, timeout, &cancel, &progress)
            .await
    }

    /// Runs a query without an end until it is cancelled.
    pub async fn spin(&self, cancel: &Cancel) -> Result<QueryResult, SqlError> {
        let (format, progress) = (ResultFormat::Json, Progress::new());
        self.sql
            .query(SPIN, &self.tables, format, LONG, cancel, &progress)
            .await
    }

    /// The answer as rows.
    pub async fn rows(&self, query: &str) -> SqlResult {
        let answer = self.ask(query, ResultFormat::Json, LONG).await;
        let answer = answer.unwrap_or_else(|error| panic!("{query}: {} {error}", error.code()));
        serde_json::from_slice(&answer.body.read().unwrap()).unwrap()
    }

    /// The only cell of the answer.
    pub async fn cell(&self, expression: &str) -> serde_json::Value {
        self.rows(&format!("select {expression}"))
            .await
            .rows
            .remove(0)
            .remove(0)
    }

    /// The error.
    pub async fn error(&self, query: &str) -> SqlError {
        match self.ask(query, ResultFormat::Json, LONG).await {
            Ok(answer) => panic!(
                "{query}: {}",
                String::from_utf8_lossy(&answer.body.read().unwrap())
            ),
            Err(error) => error,
        }
    }

    pub async fn capabilities(&self) -> Capabilities {
        self.sql.capabilities().await.unwrap()
    }

    /// The number of children's temporary folders.
    pub fn child_folders(&self) -> usize {
        files_below(&self.folder.path().join("scratch"))
            .iter()
            .filter(|path| named(path, "query-"))
            .count()
    }

    /// Shuts down, and checks that no process and no file is left.
    pub async fn end(mut self) {
        self.sql.shutdown().await;
        self.ended = true;
        assert_eq!(
            children_in(self.folder.path()),
            Vec::<u32>::new(),
            "children that live on"
        );
        let left: Vec<_> = files_below(&self.folder.path().join("scratch"))
            .into_iter()
            .filter(|path| !named(path, ".sweep"))
            .collect();
        assert_eq!(left, Vec::<PathBuf>::new(), "files that are left");
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        assert!(
            self.ended || std::thread::panicking(),
            "a test has to end its fixture"
        );
    }
}

/// Runs each query and compares the rows.
pub async fn answers(fixture: &Fixture, cases: &[(&str, serde_json::Value)]) {
    for (query, rows) in cases {
        let answer = fixture.rows(query).await.rows;
        assert_eq!(serde_json::to_value(answer).unwrap(), *rows, "{query}");
    }
}

/// A fixture with one more table, `t`.
pub fn with_table(columns: Vec<(&str, ArrayRef)>) -> Fixture {
    let mut fixture = Fixture::new();
    let path = parquet(fixture.folder.path(), "t", columns);
    fixture.tables.0.push(("t".into(), path));
    fixture
}

/// Keeps all threads busy for longer than any test waits.
pub const SPIN: &str =
    "select count(*) from numbers a, numbers b, numbers c where (a.n * b.n) % 7 = c.n % 3";

/// Processor time that a process has used, in ticks.
fn ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<_> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    fields.get(11).map_or(0, |user| user.parse().unwrap())
}

/// The child that computes, once one does.
pub async fn spinning(folder: &Path) -> u32 {
    loop {
        if let Some(pid) = children_in(folder).into_iter().find(|pid| ticks(*pid) > 30) {
            return pid;
        }
        tokio::task::yield_now().await;
    }
}

pub fn exists(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

/// The program that the children run.
pub fn child() -> PathBuf {
    env!("CARGO_BIN_EXE_lastcall-sql-child").into()
}

/// The children of this process, dead or alive, whose folder is or was below `folder`.
pub fn children_in(folder: &Path) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let pid = entry.ok()?.file_name().to_str()?.parse::<u32>().ok()?;
        let current = std::fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
        current.starts_with(folder).then_some(pid)
    });
    processes.collect()
}

fn named(path: &Path, prefix: &str) -> bool {
    path.file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with(prefix))
}

/// Everything below a folder, the folder itself not counted.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(files_below(&path));
        }
        found.push(path);
    }
    found
}

/// Writes a table.
pub fn parquet(folder: &Path, name: &str, columns: Vec<(&str, ArrayRef)>) -> PathBuf {
    let path = folder.join(name);
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    );
    let batch = batch.unwrap();
    let mut writer =
        ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    path
}

fn penguins(folder: &Path) -> PathBuf {
    parquet(
        folder,
        "penguins data*[1]?",
        vec![
            (
                "Name",
                Arc::new(StringArray::from(vec![
                    Some("Ada"),
                    Some("Bo"),
                    None,
                    Some("Émil"),
                ])),
            ),
            (
                "species",
                Arc::new(StringArray::from(vec![
                    "adelie", "gentoo", "adelie", "gentoo",
                ])),
            ),
            ("island", Arc::new(Int64Array::from(vec![1, 2, 1, 3]))),
            (
                "body mass",
                Arc::new(Float64Array::from(vec![
                    Some(3.5),
                    Some(5.25),
                    None,
                    Some(f64::NAN),
                ])),
            ),
            (
                "hatched",
                Arc::new(Date32Array::from(vec![
                    Some(18_262),
                    Some(-1),
                    None,
                    Some(19_000),
                ])),
            ),
            (
                "seen",
                Arc::new(
                    TimestampMicrosecondArray::from(vec![Some(0), Some(1_500_000), None, Some(-1)])
                        .with_timezone("UTC"),
                ),
            ),
        ],
    )
}

fn islands(folder: &Path) -> PathBuf {
    parquet(
        folder,
        "islands",
        vec![
            ("ID", Arc::new(Int64Array::from(vec![1, 2, 3]))),
            (
                "Name",
                Arc::new(StringArray::from(vec!["Torgersen", "Biscoe", "Dream"])),
            ),
        ],
    )
}

fn numbers(folder: &Path) -> PathBuf {
    let n = 100_000;
    parquet(
        folder,
        "numbers",
        vec![
            ("n", Arc::new(Int64Array::from_iter_values(0..n))),
            (
                "text",
                Arc::new(StringArray::from_iter_values(
                    (0..n).map(|n| format!("text number {n}")),
                )),
            ),
        ],
    )
}
