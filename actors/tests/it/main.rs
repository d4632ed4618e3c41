//! The tree as its users see it: in virtual time, over the in-memory store.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod chaos;
mod drain;
mod fair_share;
mod faults;
mod fixture;
mod gate;
mod hand_back;
mod jobs;
mod outages;
mod pauses;
mod poison;
mod profile_requests;
mod report_file;
mod running_time;
mod silence;
mod supervision;
mod threads;
mod traces;
mod ttl;
