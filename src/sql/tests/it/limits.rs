//! Rows, bytes, disk, time.

use std::time::Duration;

use lastcall_domain::{Cancel, Progress};
use lastcall_sql::{ResultFormat, Sql, SqlConfig, SqlError};

use crate::fixture::{Fixture, LONG};

#[tokio::test]
async fn rows_beyond_the_limit_are_cut_off_and_reported() {
    let fixture = Fixture::with(|config| config.max_rows = 10_000);
    for format in ResultFormat::ALL {
        let answer = fixture
            .ask("select n from numbers", format, LONG)
            .await
            .unwrap();
        assert_eq!(
            (answer.row_count, answer.truncated),
            (10_000, true),
            "{format:?}"
        );
        let answer = fixture
            .ask("select n from numbers where n < 10000", format, LONG)
            .await
            .unwrap();
        assert_eq!(
            (answer.row_count, answer.truncated),
            (10_000, false),
            "{format:?}"
        );
    }
    let answer = fixture.rows("select n from numbers order by n desc").await;
    assert_eq!(
        (
            answer.rows.len(),
            answer.rows[0][0].as_i64(),
            answer.truncated
        ),
        (10_000, Some(99_999), true)
    );
    fixture.end().await;
}

#[tokio::test]
async fn an_answer_of_more_bytes_than_the_limit_fails() {
    let fixture = Fixture::with(|config| config.max_bytes = 100_000);
    for format in [ResultFormat::Json, ResultFormat::Csv, ResultFormat::Arrow] {
        let error = fixture
            .ask("select * from numbers", format, LONG)
            .await
            .unwrap_err();
        assert_eq!(error.code(), "resource_exhausted", "{format:?}: {error}");
    }
    fixture
        .ask("select * from numbers limit 10", ResultFormat::Json, LONG)
        .await
        .unwrap();
    fixture.end().await;
}

/// A sort of 100,000 rows, each with about 1,000 characters: more than the memory below.
const LARGE_SORT: &str = "select count(*), max(t), sum(r) from (
    select repeat(text, 60) as t, row_number() over (order by repeat(text, 60) desc) as r from numbers)";

#[tokio::test]
async fn a_sort_that_does_not_fit_in_memory_spills_within_the_limit_of_disk() {
    let fixture = Fixture::with(|config| config.memory = 64 << 20);
    let answer = fixture.rows(LARGE_SORT).await;
    assert_eq!(answer.rows[0][0].as_i64(), Some(100_000));
    fixture.end().await;

    let fixture = Fixture::with(|config| {
        config.memory = 64 << 20;
        config.max_spill = 1 << 20;
    });
    let error = fixture.error(LARGE_SORT).await;
    assert_eq!(error.code(), "resource_exhausted", "{error}");
    fixture.end().await;
}

#[tokio::test]
async fn a_query_that_takes_too_long_times_out() {
    let fixture = Fixture::new();
    let timeout = Duration::from_millis(700);
    let query = "select count(*) from numbers a, numbers b where (a.n * b.n) % 7 = a.n % 3";
    let error = fixture
        .ask(query, ResultFormat::Json, timeout)
        .await
        .unwrap_err();
    assert!(
        matches!(error, SqlError::Timeout(limit) if limit == timeout),
        "{error}"
    );
    fixture.end().await;
}

#[tokio::test]
async fn a_timeout_of_nothing_is_a_timeout() {
    let fixture = Fixture::new();
    let error = fixture
        .ask("select 1", ResultFormat::Json, Duration::ZERO)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "timeout");
    fixture.end().await;
}

#[tokio::test]
async fn progress_grows_and_stays_below_one() {
    let fixture = Fixture::new();
    let progress = Progress::new();
    let query =
        "select max(a.text || b.text) from numbers a join numbers b on a.n % 100 = b.n % 100";
    let (cancel, watched) = (Cancel::new(), progress.clone());
    let running = fixture.sql.query(
        query,
        &fixture.tables,
        ResultFormat::Json,
        LONG,
        &cancel,
        &progress,
    );
    let watching = async {
        while watched.get() == 0.0 {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
    };
    let answer = {
        let mut running = std::pin::pin!(running);
        tokio::select! {
            early = &mut running => panic!("it ended without progress: {early:?}"),
            () = watching => running.await,
        }
    };
    assert_eq!(answer.unwrap_err().code(), "cancelled");
    assert!(
        progress.get() > 0.0 && progress.get() < 1.0,
        "{}",
        progress.get()
    );
    fixture.end().await;
}

#[tokio::test]
async fn a_program_that_is_no_child_is_unavailable_and_worth_a_retry() {
    let folder = tempfile::tempdir().unwrap();
    for program in ["/does/not/exist", "/bin/true"] {
        let sql = Sql::new(SqlConfig::new(program, Vec::new(), folder.path())).unwrap();
        let tables = crate::fixture::Files(Vec::new());
        let error = sql
            .query(
                "select 1",
                &tables,
                ResultFormat::Json,
                LONG,
                &Cancel::new(),
                &Progress::new(),
            )
            .await
            .unwrap_err();
        assert_eq!(
            (error.code(), error.retryable()),
            ("sql_unavailable", true),
            "{program}: {error}"
        );
        sql.shutdown().await;
    }
}
