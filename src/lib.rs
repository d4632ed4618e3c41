//! Lastcall: analyses and reports behind an API, and no accepted job is ever lost.
//!
//! Start reading at `boot`: it builds the parts up and takes them down.

pub mod boot;
pub mod cli;
pub mod config;
pub mod exit;
mod logging;
mod memory;
mod work;
