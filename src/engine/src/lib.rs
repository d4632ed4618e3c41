//! The profile of a dataset in one streaming pass, and its readers.

mod batch;
mod cell;
mod convert;
mod ctl;
mod engine;
mod error;
mod limits;
mod pipeline;
mod profile;
mod read;
mod schema;
mod source;

pub use engine::{Engine, EngineConfig};
pub use error::EngineError;
pub use source::Source;
