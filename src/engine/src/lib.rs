//! Readers, and profiles of datasets in one streaming pass.
//!
//! A library of its own, independent of the service.
//!
//! ```
//! use lastcall_domain::{Cancel, Format, ProfileOptions, Progress};
//! use lastcall_engine::{Engine, EngineConfig, Source};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("penguins.csv");
//! # std::fs::write(&path, "species,mass\nAdelie,3750\nGentoo,\n")?;
//! let engine = Engine::new(EngineConfig {
//!     threads: 1,
//!     memory: 1 << 30,
//!     scratch: std::env::temp_dir(),
//! });
//! let profile = engine.profile(
//!     Source::new(path, Format::Csv),
//!     &ProfileOptions::default(),
//!     &Cancel::new(),
//!     &Progress::new(),
//! )?;
//! assert_eq!(profile.columns[1].missing, 1);
//! # Ok(())
//! # }
//! ```

mod batch;
mod check;
mod compare;
mod convert;
mod correlation;
mod engine;
mod error;
mod job;
mod keys;
mod limits;
mod parse;
mod passes;
mod pipeline;
mod profile;
mod read;
mod schema;
mod sniff;
mod source;
mod stats;
mod tail;
mod wording;

pub use check::CheckInput;
pub use engine::{Description, Engine, EngineConfig, Reservation};
pub use error::EngineError;
pub use source::Source;
