//! Every signal in every phase of the process's life, and what clients see of it.
//!
//! | phase | first signal | second | third | what else |
//! |---|---|---|---|---|
//! | starting | [`starting`] | | [`starting`] | a store that never answers |
//! | running | [`running`] | [`running`] | [`running`] | jobs in hand, jobs queued, `queued = "finish"` |
//! | lame duck | [`lame_duck`] | [`lame_duck`] | [`lame_duck`] | requests, jobs, waiting, streams |
//! | draining | [`running`] | [`running`] | [`running`] | [`requests`] in progress, a report that asks |
//! | handing back | [`hand_back`] | [`hand_back`] | [`hand_back`] | jobs that ignore cancellation |
//!
//! In each of them the store may have gone away ([`store_gone`]), and nobody may read the log
//! ([`blocked_log`]). Whatever hangs, the [`deadline`] holds, and whoever follows the system sees all of
//! it ([`watched`]).

mod blocked_log;
mod deadline;
mod hand_back;
mod lame_duck;
mod requests;
mod running;
mod starting;
mod store_gone;
mod watched;

use std::time::Duration;

/// What a busy machine may add to what is done at once before a test calls it late.
const ROOM: Duration = Duration::from_secs(3);
/// What the contract allows beyond a deadline.
const EXIT_TIMEOUT: Duration = Duration::from_millis(500);
