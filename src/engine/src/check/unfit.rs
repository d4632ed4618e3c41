//! Checks that cannot be evaluated.

/// Why a check cannot be evaluated.
#[derive(Debug)]
pub(super) struct Unfit {
    pub(super) code: &'static str,
    pub(super) detail: String,
}
