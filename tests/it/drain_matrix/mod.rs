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
//! In each of them the store may have gone away: [`store_gone`].

mod hand_back;
mod lame_duck;
mod requests;
mod running;
mod starting;
mod store_gone;

use std::time::Duration;

/// What a busy machine may add to a deadline before a test calls it missed.
const ROOM: Duration = Duration::from_secs(3);
