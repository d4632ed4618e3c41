//! Recognises bytes that are not the text they are declared to be.

/// How many of the first bytes are enough.
pub const HEAD: usize = 16;

/// The first bytes of well-known formats.
const SIGNATURES: &[(&[u8], &str)] = &[
    (b"PK\x03\x04", "a ZIP archive or a workbook"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"PAR1", "a Parquet file"),
    (b"PARE", "an encrypted Parquet file"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"%PDF-", "a PDF document"),
    (b"<!DOCTYPE html", "an HTML page"),
    (b"<!doctype html", "an HTML page"),
    (b"<html", "an HTML page"),
    (b"<?xml", "an XML document"),
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF87a", "a GIF image"),
    (b"GIF89a", "a GIF image"),
    (b"II*\0", "a TIFF image"),
    (b"MM\0*", "a TIFF image"),
    (b"\x1f\x8b", "compressed twice"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
    (b"BZh", "compressed with bzip2"),
    (b"\xfd7zXZ\0", "compressed with xz"),
    (b"\x04\x22\x4d\x18", "compressed with LZ4"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "a document of an older Office",
    ),
    (b"ARROW1", "an Arrow IPC file"),
    (b"FEA1", "a Feather file of version 1"),
    (b"Obj\x01", "an Avro file"),
    (b"ORC", "an ORC file"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x80\x04\x95", "a Python pickle"),
    (b"\x7fELF", "a program"),
];

/// Identifies data by its first bytes; `None` if it may be text.
pub fn identify(head: &[u8]) -> Option<&'static str> {
    let known = SIGNATURES.iter().find(|(start, _)| head.starts_with(start));
    // Texts may begin with a few letters that are also a signature.
    let (start, name) = known?;
    let is_word = start.iter().all(|byte| byte.is_ascii_alphanumeric());
    let binary = head
        .iter()
        .any(|&byte| byte < 9 || (14..32).contains(&byte) || byte == 0x7f);
    (!is_word || binary).then_some(*name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_distinguished_from_similar_texts() {
        assert_eq!(identify(b"%PDF-1.7\n"), Some("a PDF document"));
        assert_eq!(identify(b"PAR1\x15\x04"), Some("a Parquet file"));
        assert_eq!(identify(b"PAR1,PAR2\n1,2\n"), None);
        assert_eq!(identify(b"ORC,elf\n"), None);
        assert_eq!(identify(b"<!DOCTYPE html>\n"), Some("an HTML page"));
        assert_eq!(identify(b"a,b\n1,2\n"), None);
        assert_eq!(identify(b""), None);
    }
}
