//! The child's side.
//!
//! The order matters: [`limits::prepare`] before any thread is started, [`limits::apply`] before
//! anything is looked at that a caller sent, [`sandbox::enter`] before anything is computed from
//! it. Threads that work on it are started after that, because landlock binds a thread and its
//! descendants, not the process.

pub mod limits;
pub mod sandbox;
#[cfg(target_os = "linux")]
mod syscalls;
mod wire;

pub use wire::{Output, Wire};
