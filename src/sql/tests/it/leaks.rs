//! Nothing of a query is left, however it ends.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lastcall_domain::{Cancel, Dependency, Progress};
use lastcall_sql::{ResultFormat, Sql, SqlConfig, SqlError};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::fixture::{Fixture, LONG, SPIN, child, children_in, exists, spinning};

/// The folder of a child.
fn folder_of(pid: u32) -> PathBuf {
    std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap()
}

#[tokio::test]
async fn a_cancelled_query_leaves_no_process_and_no_folder() {
    let fixture = Fixture::new();
    let cancel = Cancel::new();
    let query = fixture.spin(&cancel);
    let watch = async {
        let pid = spinning(fixture.folder.path()).await;
        let folder = folder_of(pid);
        cancel.cancel();
        (pid, folder)
    };
    let (answer, (pid, folder)) = tokio::join!(query, watch);
    assert!(matches!(answer, Err(SqlError::Cancelled)));
    assert!(!exists(pid), "the child lives or was not reaped");
    assert!(!folder.exists());
    fixture.end().await;
}

/// A service manager sends the stop signal to every process of the service, while the drain still
/// waits for this one's result.
#[tokio::test]
async fn a_stop_that_reaches_a_child_too_does_not_end_its_query() {
    let fixture = Fixture::new();
    let cancel = Cancel::new();
    let query = fixture.spin(&cancel);
    let stop = async {
        let pid = spinning(fixture.folder.path()).await;
        let stops = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP];
        for stop in stops {
            kill(Pid::from_raw(pid.try_into().unwrap()), stop).unwrap();
        }
        let waiting = pending(pid);
        cancel.cancel();
        stops.map(|stop| waiting >> (stop as u32 - 1) & 1)
    };
    let (answer, waiting) = tokio::join!(query, stop);
    assert_eq!(waiting, [1, 1, 1]);
    assert!(matches!(answer, Err(SqlError::Cancelled)), "{answer:?}");
    fixture.end().await;
}

/// The pending signals of a process as bits; none for a dead process.
fn pending(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("ShdPnd:"));
    line.map_or(0, |bits| u64::from_str_radix(bits.trim(), 16).unwrap())
}

#[tokio::test]
async fn a_query_whose_future_is_dropped_is_ended() {
    let fixture = Fixture::with(|config| config.spares = 0);
    let cancel = Cancel::new();
    let pid = {
        let query = fixture.spin(&cancel);
        tokio::select! {
            answer = query => panic!("{answer:?}"),
            pid = spinning(fixture.folder.path()) => pid,
        }
    };
    while exists(pid) || fixture.child_folders() > 0 {
        tokio::task::yield_now().await;
    }
    fixture.end().await;
}

#[tokio::test]
async fn shutting_down_ends_a_query_that_runs() {
    let fixture = Fixture::new();
    let cancel = Cancel::new();
    let query = fixture.spin(&cancel);
    let stop = async {
        let pid = spinning(fixture.folder.path()).await;
        fixture.sql.shutdown().await;
        pid
    };
    let (answer, pid) = tokio::join!(query, stop);
    assert_eq!(answer.unwrap_err().code(), "sql_unavailable");
    assert!(!exists(pid));
    assert_eq!(fixture.error("select 1").await.code(), "sql_unavailable");
    fixture.end().await;
}

#[tokio::test]
async fn a_child_that_is_killed_fails_its_query_alone() {
    let fixture = Fixture::new();
    let query = fixture.error(SPIN);
    let killing = async {
        let pid = spinning(fixture.folder.path()).await;
        kill(Pid::from_raw(pid.try_into().unwrap()), Signal::SIGKILL).unwrap();
        pid
    };
    let (error, pid) = tokio::join!(query, killing);
    assert_eq!((error.code(), error.retryable()), ("sql_unavailable", true));
    assert!(!exists(pid));
    assert_eq!(fixture.cell("1").await, json!(1));
    fixture.end().await;
}

#[tokio::test]
async fn without_a_folder_for_its_child_a_query_is_not_to_blame() {
    let fixture = Fixture::with(|config| config.spares = 0);
    let folder = fixture.folder.path();
    let (scratch, elsewhere) = (folder.join("scratch"), folder.join("elsewhere"));
    std::fs::rename(&scratch, &elsewhere).unwrap();
    // A folder that is missing is made again; a file in its place stays.
    std::fs::write(&scratch, "").unwrap();
    let error = fixture.error("select 1").await;
    assert_eq!(error.dependency(), Some(Dependency::Scratch), "{error:?}");
    std::fs::remove_file(&scratch).unwrap();
    std::fs::rename(&elsewhere, &scratch).unwrap();
    assert_eq!(fixture.cell("1").await, json!(1));
    fixture.end().await;
}

#[tokio::test]
async fn a_spare_that_has_died_is_replaced() {
    let fixture = Fixture::with(|config| config.spares = 2);
    fixture.capabilities().await;
    let spares = children_in(fixture.folder.path());
    assert_eq!(spares.len(), 2);
    for spare in spares {
        kill(Pid::from_raw(spare.try_into().unwrap()), Signal::SIGKILL).unwrap();
    }
    for _ in 0..3 {
        assert_eq!(fixture.cell("1").await, json!(1));
    }
    fixture.end().await;
}

#[tokio::test]
async fn an_interrupt_from_the_terminal_does_not_reach_a_child() {
    let fixture = Fixture::new();
    fixture.capabilities().await;
    for pid in children_in(fixture.folder.path()) {
        let pid = Pid::from_raw(pid.try_into().unwrap());
        assert_eq!(nix::unistd::getpgid(Some(pid)).unwrap(), pid);
    }
    fixture.end().await;
}

#[tokio::test]
async fn a_child_inherits_no_environment() {
    let fixture = Fixture::new();
    fixture.capabilities().await;
    for pid in children_in(fixture.folder.path()) {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap();
        assert_eq!(
            String::from_utf8_lossy(&environment),
            "MALLOC_ARENA_MAX=2\0"
        );
    }
    fixture.end().await;
}

/// Makes a process of this test a host, with its folder as the value.
const HOST: &str = "LASTCALL_SQL_TEST_HOST";

#[tokio::test]
async fn a_host_that_is_killed_takes_its_children_with_it_and_its_folders_are_swept() {
    if let Some(folder) = std::env::var_os(HOST) {
        be_a_host(Path::new(&folder)).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut host = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "leaks::a_host_that_is_killed_takes_its_children_with_it_and_its_folders_are_swept",
        ])
        .env(HOST, folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = spinning(folder.path()).await;
    host.kill().unwrap();
    host.wait().unwrap();
    // Its children do not inherit this pipe, so that it ends with the host.
    host.stdout
        .take()
        .unwrap()
        .read_to_end(&mut Vec::new())
        .unwrap();
    while exists(pid) || !children_in(folder.path()).is_empty() {
        tokio::task::yield_now().await;
    }
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 2, "the folder of the dead host and the lock");

    let sql = Sql::new(SqlConfig {
        spares: 0,
        ..SqlConfig::new(child(), Vec::new(), folder.path())
    })
    .unwrap();
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        2,
        "the folder of the live host and the lock"
    );
    sql.shutdown().await;
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        1,
        "the lock"
    );
}

/// Runs a query until it is killed.
async fn be_a_host(folder: &Path) {
    let fixture = Fixture::new();
    let sql = Sql::new(SqlConfig::new(child(), Vec::new(), folder)).unwrap();
    let answer = sql
        .query(
            SPIN,
            &fixture.tables,
            ResultFormat::Json,
            LONG,
            &Cancel::new(),
            &Progress::new(),
        )
        .await;
    panic!("it was to be killed before: {answer:?}");
}
