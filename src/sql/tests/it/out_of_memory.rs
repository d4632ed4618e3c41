//! Children that the OOM killer kills.

use std::path::Path;

use lastcall_child::host::OomKills;
use lastcall_domain::Cancel;
use lastcall_sql::SqlError;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::fixture::{Fixture, SPIN, children_in, exists, spinning};

/// Kills the spinning child like the OOM killer; returns its id.
async fn run_out_of_memory(folder: &Path, kills: u32) -> u32 {
    let pid = spinning(folder).await;
    std::fs::write(folder.join("kills"), format!("oom_kill {kills}\n")).unwrap();
    kill(Pid::from_raw(pid.try_into().unwrap()), Signal::SIGKILL).unwrap();
    while exists(pid) {
        tokio::task::yield_now().await;
    }
    pid
}

fn short_of_memory() -> Fixture {
    let fixture = Fixture::with(|config| {
        let root = config.scratch.parent().unwrap();
        config.oom_kills = OomKills::in_file(root.join("kills"));
    });
    std::fs::write(fixture.folder.path().join("kills"), "oom_kill 0\n").unwrap();
    fixture
}

#[tokio::test]
async fn a_query_whose_child_the_kernel_kills_for_want_of_memory_runs_once_more() {
    let fixture = short_of_memory();
    let cancel = Cancel::new();
    let query = fixture.spin(&cancel);
    let watch = async {
        run_out_of_memory(fixture.folder.path(), 1).await;
        // Another child has the query and its tables.
        spinning(fixture.folder.path()).await;
        cancel.cancel();
    };
    let (answer, ()) = tokio::join!(query, watch);
    assert!(matches!(answer, Err(SqlError::Cancelled)), "{answer:?}");
    fixture.end().await;
}

#[tokio::test]
async fn a_query_that_the_machine_has_no_memory_for_twice_fails() {
    let fixture = short_of_memory();
    let query = fixture.error(SPIN);
    let kills = async {
        for kills in 1..=2 {
            run_out_of_memory(fixture.folder.path(), kills).await;
        }
    };
    let (error, ()) = tokio::join!(query, kills);
    assert_eq!(error.code(), "resource_exhausted");
    assert!(error.to_string().contains("the machine ran out of memory"));
    fixture.end().await;
}

#[tokio::test]
async fn a_child_is_the_first_to_go_when_memory_runs_out() {
    let fixture = Fixture::new();
    fixture.capabilities().await;
    for pid in children_in(fixture.folder.path()) {
        let score = std::fs::read_to_string(format!("/proc/{pid}/oom_score_adj")).unwrap();
        assert_eq!(score.trim(), "1000");
    }
    fixture.end().await;
}
