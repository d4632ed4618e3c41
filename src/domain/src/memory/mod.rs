//! The in-memory store and blob store, for tests in virtual time. Nothing survives the process.

mod blobs;
mod faults;
mod jobs;
mod sessions;
mod state;
mod store;
#[cfg(test)]
mod tests;

pub use blobs::MemoryBlobs;
pub use faults::{Fault, Faults};
pub use store::MemoryStore;
