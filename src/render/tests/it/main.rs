//! Reports as those who get them meet them: every format is read back by another library.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod associations;
mod cancelling;
mod charts;
mod environment;
mod fixture;
mod fonts;
mod formats;
mod hostile;
mod read;
mod sizes;
mod tables;
mod templates;
mod typesetter;
