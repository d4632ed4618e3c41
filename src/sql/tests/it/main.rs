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
mod guards;
mod hostile;
mod joins;
mod leaks;
mod limits;
mod membership;
mod names;
mod opening;
mod out_of_memory;
mod parameters;
mod postgresql;
mod semantics;
mod summary;
mod timestamps;
mod types;
mod windows;
