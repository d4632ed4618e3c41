//! Names of tables as the session has them.

use unicode_normalization::UnicodeNormalization as _;

/// The name in Unicode's composed form (NFC), which names of datasets have: what looks the same is
/// the same table.
pub(crate) fn composed(name: &str) -> String {
    name.nfc().collect()
}
