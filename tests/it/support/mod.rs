//! What the suites have in common: the process, its log, a client, and data.

use std::net::TcpListener;

pub(crate) mod client;
pub(crate) mod collector;
pub(crate) mod command;
pub(crate) mod data;
pub(crate) mod database;
pub(crate) mod events;
pub(crate) mod held;
pub(crate) mod home;
pub(crate) mod issuer;
pub(crate) mod jobs;
pub(crate) mod line;
pub(crate) mod log;
pub(crate) mod process;
pub(crate) mod raw;
pub(crate) mod service;
pub(crate) mod tmpfs;
pub(crate) mod wait;

pub(crate) use client::{Answer, Client};
pub(crate) use command::lastcall;
pub(crate) use database::Database;
pub(crate) use events::Events;
pub(crate) use held::HeldQueries;
pub(crate) use home::Home;
pub(crate) use service::{Ended, Service};
pub(crate) use wait::{TIMEOUT, until, until_within};

/// An address that was free a moment ago, for a service whose ready line nobody reads, or for one
/// that is away.
pub(crate) fn free_address() -> String {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    free.local_addr().unwrap().to_string()
}
