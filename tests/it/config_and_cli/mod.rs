//! The configuration, the commands, and the exit codes of both.

mod auth_faults;
mod check;
mod check_data;
mod commands;
mod compare;
mod faults;
mod profile;
mod start;
