//! Lastcall: analyses and reports behind an API that never loses an accepted job.
//!
//! Start reading at `boot`: it builds the parts up and takes them down.

pub mod boot;
pub mod cli;
pub mod config;
pub mod exit;
mod logging;
mod memory;
mod work;
