//! Phases of an attempt as spans.

use lastcall_domain::JobError;
use lastcall_domain::trace;
use lastcall_sql::SqlError;

/// An error that has a code.
pub(super) trait HasCode {
    /// A stable name.
    fn code(&self) -> &str;
}

impl HasCode for JobError {
    fn code(&self) -> &str {
        &self.code
    }
}

impl HasCode for SqlError {
    fn code(&self) -> &str {
        Self::code(self)
    }
}

/// Runs a phase in its own span, which records the code of its error.
pub(super) async fn traced<T, E: HasCode>(
    name: &'static str,
    phase: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let span = trace::child(name);
    let done = span.run(phase).await;
    if let Err(error) = &done {
        span.fail(error.code());
    }
    done
}
