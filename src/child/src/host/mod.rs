//! The service's side.

mod oom;
mod process;
mod scratch;
mod thread;

pub use oom::{Killed, OomKills};
pub use process::{ChildExit, Frame, Process, Program};
pub use scratch::{Scratch, temporary_file};
pub use thread::spawn_owner;
