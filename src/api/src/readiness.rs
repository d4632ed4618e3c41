//! The latest readiness of the dependencies.

use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::Instant;
use utoipa::ToSchema;

/// A failing check.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = FailingCheck)]
pub(crate) struct Failing {
    /// `store`, `blobs`, `scratch`, `file_descriptors`, `threads`, `disk` (there is less room than
    /// `store.min_free`), `clock` (it is more than a second from the database's) or `jwks` (the
    /// keys of the token issuer are not known, and there are no others).
    pub(crate) name: &'static str,
    /// `failing`.
    pub(crate) status: &'static str,
    /// The error.
    pub(crate) detail: String,
}

/// The result of the last checks.
#[derive(Debug, Default)]
pub(crate) struct Readiness {
    pub(crate) last: Mutex<Option<(Instant, Vec<Failing>)>>,
}
