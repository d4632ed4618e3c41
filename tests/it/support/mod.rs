//! What the suites have in common: the process, its log, a client, and data.

pub(crate) mod client;
pub(crate) mod collector;
pub(crate) mod command;
pub(crate) mod data;
pub(crate) mod database;
pub(crate) mod held;
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
pub(crate) use held::HeldQueries;
pub(crate) use service::{Ended, Home, Service};
pub(crate) use wait::{TIMEOUT, until, until_within};
