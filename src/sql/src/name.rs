//! Normalises names of tables.

use unicode_normalization::UnicodeNormalization as _;

/// The name in Unicode's composed form (NFC), like the names of datasets: names that look the same
/// are the same table.
pub(crate) fn composed(name: &str) -> String {
    name.nfc().collect()
}
