//! Lastcall: analyses and reports behind an API that never loses an accepted job.
//!
//! Start reading at `boot`, which starts and stops all parts.

pub mod boot;
pub mod cli;
pub mod config;
pub mod exit;
mod logging;
mod memory;
mod work;
