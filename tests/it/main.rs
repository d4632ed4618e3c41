//! The real process: every test starts the binary on a free port with a folder of its own, sends it
//! HTTP requests and real signals, and reads its log, its exit code and the files that it leaves.
//!
//! Run with `cargo test --test it`. [`replicas`], [`drain_matrix`] and [`outages`] need PostgreSQL,
//! HAProxy and an S3 server, which `scripts/test.sh` starts. A test that fails prints the log of
//! its processes. No process outlives its test, and its folder is deleted with it. Every wait is
//! bounded, generously, because the machine may be busy. The only times that are asserted are the
//! hard bounds of the contract (a deadline, with room for a busy machine); the benchmarks measure
//! the real ones.
//!
//! | suite | what it shows |
//! |---|---|
//! | [`first_session`] | a session from its first request to its end, with the right statistics |
//! | [`shutdown_lines`] | the lines of the log, the exit code and the report of a shutdown |
//! | [`drain_matrix`] | every signal in every phase, and its effects on clients |
//! | [`outages`] | temporary outages of blobs and file descriptors |
//! | [`pauses`] | SIGSTOP and SIGCONT, longer than a lease |
//! | [`kill9`] | `kill -9` at random moments under load (`LASTCALL_KILLS=10000` for the long run) |
//! | [`large_reports`] | reports on large results: their memory and their effect on other jobs |
//! | [`config_and_cli`] | the configuration, the commands and their exit codes |
//! | [`one_owner`] | one process on a database file, under whatever name; copies of it |
//! | [`disks`] | disks that are full, and a damaged database |
//! | [`fair_share`] | fair scheduling between owners |
//! | [`error_codes`] | that every code of a failed job is described |
//! | [`image`] | the files of the container image |
//! | [`pooler`] | a database behind PgBouncer |
//! | [`readme`] | the README's first session, as it stands there |
//! | [`replaced_program`] | a program whose file is replaced or removed while it runs |
//! | [`replicas`] | several of them on one PostgreSQL, behind a real HAProxy |
//! | [`resources`] | memory, threads, processes and files |
//! | [`service_manager`] | the notifications to systemd |
//! | [`traces`] | distributed traces, and an unavailable collector |
//! | [`typesetting`] | PDFs, whose processes are killed and replaced |
//! | [`sessions_ttl`] | the end of sessions, and that nothing is left of them |
//! | [`auth`] | keys, roles, and that others' things are not there |
//! | [`tokens`] | tokens of an issuer: rotated keys, an unavailable issuer, scopes |
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    missing_docs
)]

mod audit;
mod auth;
mod clients;
mod config_and_cli;
mod disks;
mod drain_matrix;
mod error_codes;
mod fair_share;
mod first_session;
mod image;
mod kill9;
mod large_reports;
mod one_owner;
mod outages;
mod pauses;
mod pooler;
mod readme;
mod reloaded_limits;
mod replaced_program;
mod replicas;
mod resources;
mod runbook;
mod service_manager;
mod sessions_ttl;
mod shutdown_lines;
mod support;
mod templates;
mod tls;
mod tokens;
mod traces;
mod typesetting;
