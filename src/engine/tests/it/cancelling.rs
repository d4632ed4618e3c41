//! Cancelling and shutting down leave nothing behind.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;

use lastcall_domain::{Cancel, ProfileOptions, Progress, ReadOptions};

use crate::support::Bench;

fn large() -> String {
    let mut csv = String::from("a,b,c\n");
    for row in 0..300_000u64 {
        csv.push_str(&format!("{row},{},word {}\n", row * row, row % 1000));
    }
    csv
}

/// Waits until some of the work is done.
fn under_way(progress: &Progress) {
    while progress.get() == 0.0 {
        thread::yield_now();
    }
}

#[test]
fn a_cancelled_profile_ends_and_leaves_the_engine_usable() {
    let bench = Bench::with(2, 1 << 30);
    let source = bench.source("a.csv", large());
    let (cancel, progress) = (Cancel::new(), Progress::new());
    thread::scope(|scope| {
        let running = scope.spawn(|| {
            let options = ProfileOptions::default();
            bench
                .engine
                .profile(source.clone(), &options, &cancel, &progress)
        });
        under_way(&progress);
        cancel.cancel();
        // On a fast machine it may have been done already.
        if let Err(error) = running.join().unwrap() {
            assert_eq!(error.code(), "cancelled");
        }
    });
    assert_eq!(bench.profile("b.csv", "a\n1\n").dataset.rows, 1);
    bench.engine.shutdown();
}

#[test]
fn a_profile_that_was_cancelled_before_it_began_reads_nothing() {
    let bench = Bench::new();
    let cancel = Cancel::new();
    cancel.cancel();
    let source = bench.source("a.csv", "a\n1\n");
    let progress = Progress::new();
    let profile = bench
        .engine
        .profile(source, &ProfileOptions::default(), &cancel, &progress);
    assert_eq!(profile.unwrap_err().code(), "cancelled");
    assert!(progress.get() == 0.0);
}

#[test]
fn shutting_down_ends_what_runs_and_refuses_what_comes() {
    let bench = Bench::with(2, 1 << 30);
    let source = bench.source("a.csv", large());
    let progress = Progress::new();
    thread::scope(|scope| {
        let running = scope.spawn(|| {
            let options = ProfileOptions::default();
            bench
                .engine
                .profile(source.clone(), &options, &Cancel::new(), &progress)
        });
        under_way(&progress);
        bench.engine.shutdown();
        if let Err(error) = running.join().unwrap() {
            assert_eq!(
                (error.code(), error.retryable()),
                ("engine_shut_down", true)
            );
        }
    });
    assert!(
        bench
            .failure("b.csv", "a\n1\n")
            .starts_with("engine_shut_down")
    );
}

#[test]
fn many_analyses_at_once_share_threads_and_memory_and_all_end_right() {
    // Memory for two at a time.
    let bench = Arc::new(Bench::with(2, 64 << 20));
    let csv = large();
    let alone = bench.profile("a.csv", &csv);
    thread::scope(|scope| {
        let all: Vec<_> = (0..6)
            .map(|number| {
                let source = bench.source(&format!("{number}.csv"), &csv);
                let bench = &bench;
                scope.spawn(move || {
                    let progress = Progress::new();
                    let options = ProfileOptions::default();
                    let profile = bench
                        .engine
                        .profile(source, &options, &Cancel::new(), &progress);
                    (profile.unwrap(), progress.get())
                })
            })
            .collect();
        for running in all {
            let (profile, progress) = running.join().unwrap();
            assert_eq!(profile.columns, alone.columns);
            assert!((progress - 1.0).abs() < f64::EPSILON);
        }
    });
}

#[test]
fn a_workbook_that_fails_leaves_no_temporary_file() {
    let bench = Bench::new();
    let workbook = include_bytes!("fixtures/workbook.xlsx");
    let source = bench.source("a.xlsx", workbook);
    let schema = bench
        .engine
        .schema(source, &ReadOptions::default(), &Cancel::new());
    assert_eq!(schema.unwrap().len(), 7);
    assert!(bench.scratch_is_empty());
    let half = bench.source("b.xlsx", &workbook[..workbook.len() / 2]);
    let failed = bench
        .engine
        .schema(half, &ReadOptions::default(), &Cancel::new());
    assert_eq!(failed.unwrap_err().code(), "malformed_data");
    assert!(bench.scratch_is_empty());
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

#[test]
fn no_thread_and_no_file_is_left_wherever_it_is_cancelled() {
    const ALONE: &str = "TEST_IN_A_PROCESS_OF_ITS_OWN";
    if std::env::var_os(ALONE).is_none() {
        // Where no other test has threads.
        let name = "cancelling::no_thread_and_no_file_is_left_wherever_it_is_cancelled";
        let mut alone = Command::new(std::env::current_exe().unwrap());
        alone.args(["--exact", name]).env(ALONE, "1");
        let ended = alone.stdout(Stdio::null()).status().unwrap();
        assert!(ended.success());
        return;
    }
    let bench = Bench::with(3, 1 << 30);
    let source = bench.source("a.csv", large());
    let before = threads();
    let mut cancelled = 0;
    for part in 0..20 {
        let (cancel, progress) = (Cancel::new(), Progress::new());
        thread::scope(|scope| {
            let running = scope.spawn(|| {
                let options = ProfileOptions::default();
                let source = source.clone();
                bench.engine.profile(source, &options, &cancel, &progress)
            });
            while progress.get() < f64::from(part) / 20.0 && !running.is_finished() {
                thread::yield_now();
            }
            cancel.cancel();
            cancelled += u32::from(running.join().unwrap().is_err());
        });
        // A thread that was joined may be in the list for a moment.
        for _ in 0..100_000 {
            if threads() <= before {
                break;
            }
            thread::yield_now();
        }
        assert_eq!(threads(), before);
        assert!(bench.scratch_is_empty());
    }
    assert!(cancelled > 0);
}
