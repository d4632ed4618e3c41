//! Child processes for work that cannot be bounded inside one process: SQL and typesetting.
//!
//! A child can be limited from outside and killed at any time, together with its memory, its
//! threads and its files. [`host`] is the service's side: it starts a child, communicates with it
//! and reaps it. [`guest`] is the child's side: it lowers its priority, limits itself and enters
//! its sandbox before it reads its input. Between them, frames go over the child's standard input
//! and output: a kind (one byte), a length (four bytes, little endian) and that many bytes.
//!
//! The contents of the frames are up to the users of this package.

pub mod guest;
pub mod host;
mod threads;

pub use threads::start_and_end;

/// A frame with a message as JSON.
pub const CONTROL: u8 = 1;
/// A frame with bytes of the input or the output.
pub const DATA: u8 = 2;
/// The length of a frame's header.
const HEAD: usize = 5;
/// The longest frame, in bytes.
pub const MAX_FRAME: usize = 1 << 20;
/// The size of a data frame, in bytes.
const CHUNK: usize = 64 * 1024;
