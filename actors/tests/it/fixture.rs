//! A tree on one arbiter in paused time, over the in-memory store, with work that does what the
//! job's query says.

mod blobs;
mod logs;
mod parking;
mod parts;
mod script;
mod world;

pub(crate) use blobs::{Large, TestBlobs};
pub(crate) use logs::capture;
pub(crate) use parking::Parking;
pub(crate) use parts::Parts;
pub(crate) use script::{Script, quiet_panic};
pub(crate) use world::{
    World, dataset, drain, finish, in_real_time, in_virtual_time, service, timeline,
};
