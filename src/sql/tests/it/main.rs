//! Queries in real child processes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub
)]

mod answers;
mod digits;
mod documented;
mod errors;
mod fixture;
mod formats;
mod fuzz;
mod hostile;
mod leaks;
mod limits;
mod membership;
mod names;
mod opening;
mod out_of_memory;
mod parameters;
mod semantics;
mod summary;
mod timestamps;
