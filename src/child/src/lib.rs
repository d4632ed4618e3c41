//! Child processes for work that cannot be bounded inside one process: SQL and typesetting.
//!
//! A child can be limited from outside and killed at any moment; with it go its memory, its
//! threads and its files. [`host`] is the side of the service: it starts a child, talks to it and
//! reaps it. [`guest`] is the side of the child: it steps back, limits itself and shuts itself in
//! before it looks at what it was given. Between them go frames over the child's standard input
//! and output: a kind (one byte), a length (four bytes, little endian) and as many bytes.
//!
//! What is said in the frames is no business of this package.

pub mod guest;
pub mod host;

/// A frame with a message as JSON.
pub const CONTROL: u8 = 1;
/// A frame with bytes of what is made, or of what it is made from.
pub const DATA: u8 = 2;
/// The length of a frame's head.
const HEAD: usize = 5;
/// The longest frame, in bytes.
pub const MAX_FRAME: usize = 1 << 20;
/// Bytes of what is made that make up a frame.
const CHUNK: usize = 64 * 1024;
