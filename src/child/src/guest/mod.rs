//! The child's side.
//!
//! The order matters: [`limits::prepare`] before any thread is started, [`limits::apply`] before
//! any input from a caller is read, [`sandbox::enter`] before anything is computed from it. Threads
//! that work on it are started after that, because landlock applies to a thread and its
//! descendants, not to the process.

pub mod limits;
pub mod sandbox;
#[cfg(target_os = "linux")]
mod syscalls;
mod wire;

pub use wire::{Output, Wire};
