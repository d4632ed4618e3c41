//! The side of the service.

mod oom;
mod process;
mod scratch;

pub use oom::OomKills;
pub use process::{Death, Frame, Process, Program};
pub use scratch::Scratch;
