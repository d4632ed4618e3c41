//! What Lastcall is about: sessions, datasets, jobs and their one transition function, the
//! profile, and the ports behind which stores and engines stand.

mod cancel;
mod format;
mod options;
pub mod profile;
mod report;

pub use cancel::{Cancel, Progress};
pub use format::Format;
pub use options::{DEFAULT_MISSING, ProfileOptions, ReadOptions, Thresholds};
pub use report::{ReportFormat, SqlColumn, SqlResult, UnknownReportFormat};
