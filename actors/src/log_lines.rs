//! Log lines that others rely on, verbatim (tests import them from here).
//!
//! The first three and the last are written by the boot: only it knows when they are true.

/// Ready; the address follows.
pub const READY: &str = "Lastcall ready on http://";
/// The same for a listener with TLS.
pub const READY_TLS: &str = "Lastcall ready on https://";
/// The shutdown has begun.
pub const SHUTTING_DOWN: &str = "Application shutting down";
/// TtlCleaner is being drained.
pub const CLEANER_BEGIN: &str = "Shutting down TtlCleaner";
/// TtlCleaner has ended and its thread is joined.
pub const CLEANER_END: &str = "TtlCleaner shutdown complete";
/// ReportService is being drained.
pub const REPORT_BEGIN: &str = "Shutting down ReportService thread pool executor";
/// ReportService has ended and its thread is joined.
pub const REPORT_END: &str = "ReportService shutdown complete";
/// AnalysisService is being drained.
pub const ANALYSIS_BEGIN: &str = "Shutting down AnalysisService thread pool executor";
/// AnalysisService has ended and its thread is joined.
pub const ANALYSIS_END: &str = "AnalysisService shutdown complete";
/// Every message was finished, every actor stopped, every thread joined, the store closed.
pub const ALL_DOWN: &str = "All services shut down successfully";
