//! Every signal in every phase of the process's life, and what clients see of it.
//!
//! | phase | first signal | second | third | what else |
//! |---|---|---|---|---|
//! | starting | [`starting`] | | [`starting`] | a store that never answers |
//! | running | [`running`] | [`running`] | [`running`] | jobs in hand, jobs queued, `queued = "finish"` |
//! | lame duck | [`lame_duck`] | [`lame_duck`] | [`lame_duck`] | requests, jobs, waiting, streams |
//! | draining | [`running`] | [`running`] | [`running`] | [`requests`] in progress, a report that requests a profile |
//! | handing back | [`hand_back`] | [`hand_back`] | [`hand_back`] | jobs that ignore cancellation |
//!
//! In each of them the store may be unavailable ([`store_gone`]), and the log may not be read
//! ([`blocked_log`]). Whatever hangs, the [`deadline`] holds, and the stream of the system shows
//! all of it ([`watched`]).

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

/// The tolerance for a busy machine.
const ROOM: Duration = Duration::from_secs(3);
/// What the contract allows beyond a deadline.
const EXIT_TIMEOUT: Duration = Duration::from_millis(500);
