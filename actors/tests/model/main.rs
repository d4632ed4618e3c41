//! The protocol between workers and the rows of the store, checked exhaustively.
//!
//! Workers claim, send heartbeats, finish, complete, hand back, are drained, crash and restart;
//! leases expire at any moment (a clock that may show anything is every clock); responses get lost
//! after the store has done its part. Every change of a row is made by the real
//! [`Lifecycle::apply`](lastcall_domain::Lifecycle::apply): this models what happens around it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod protocol;

use protocol::Protocol;
use stateright::{Checker, Model};

fn holds(protocol: Protocol, at_least: usize) {
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let checker = protocol.checker().threads(threads).spawn_bfs().join();
    checker.assert_properties();
    assert!(checker.is_done());
    let states = checker.unique_state_count();
    assert!(
        states >= at_least,
        "only {states} states: the model has lost its meaning"
    );
}

#[test]
fn two_workers_and_two_jobs_keep_every_promise() {
    holds(Protocol::new(2, 2, 2), 1_000_000);
}

#[test]
fn three_workers_and_one_job_keep_every_promise() {
    holds(Protocol::new(3, 2, 1), 400_000);
}
