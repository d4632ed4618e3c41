//! The work of the services: the ports of `domain` implemented on the engine, the SQL processes
//! and the renderer.

mod analysis;
mod cancellable;
mod check;
mod compute;
mod describe;
mod environment;
mod errors;
mod report;
mod report_input;
mod seen;
mod spool;
mod stored_profile;
mod tables;
mod traced;

pub(crate) use analysis::AnalysisWork;
pub(crate) use check::{QueryChecks, read_options, referenced};
pub(crate) use compute::Compute;
pub(crate) use describe::Describer;
pub(crate) use environment::Parts;
pub(crate) use report::ReportWork;
pub(crate) use tables::Conversions;
