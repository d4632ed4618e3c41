//! Reports as their readers see them: every format is read by another library.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod associations;
mod cancelling;
mod charts;
mod environment;
mod figures;
mod fixture;
mod fonts;
mod formats;
mod hostile;
mod read;
mod sizes;
mod tables;
mod templates;
mod typesetter;
