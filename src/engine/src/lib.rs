//! The profile of a dataset in one streaming pass, and its readers.

mod batch;
mod cell;
mod compare;
mod convert;
mod correlation;
mod ctl;
mod engine;
mod error;
mod figures;
mod keys;
mod limits;
mod passes;
mod pipeline;
mod profile;
mod read;
mod schema;
mod source;

pub use engine::{Engine, EngineConfig};
pub use error::EngineError;
pub use source::Source;
