//! Detects the kind of a workbook by its content, as names and media types are often wrong.

use std::fs::File;
use std::io::Seek;

use lastcall_domain::{Format, content};

use crate::EngineError;
use crate::source::{is_open_document, read_full};

/// The magic of files of Office before 2007, and of newer ones with a password.
const COMPOUND: &[u8] = &[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];

/// A kind of workbook.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Excel 2007 and later.
    Xlsx,
    /// Excel before 2007, or a newer file with a password.
    Xls,
    /// OpenDocument.
    Ods,
}

pub(super) fn protected() -> EngineError {
    EngineError::Unsupported {
        detail: "the workbook is protected by a password".into(),
    }
}

impl Kind {
    /// The kind of a file that was uploaded as this format.
    pub(super) fn of(mut file: &File, format: Format) -> Result<Self, EngineError> {
        file.rewind()?;
        let mut head = [0; 128];
        let read = read_full(&mut file, &mut head)?;
        let head = &head[..read];
        if head.starts_with(COMPOUND) {
            return Ok(Self::Xls);
        }
        if let Some(what) = what_else(head) {
            return Err(EngineError::Unsupported {
                detail: format!("it is {what}, not a workbook"),
            });
        }
        Ok(if format == Format::Ods || is_open_document(head) {
            Self::Ods
        } else {
            Self::Xlsx
        })
    }
}

/// What a file is that is no archive: many programs name a page or a text `.xls`.
fn what_else(head: &[u8]) -> Option<&'static str> {
    let text = head.strip_prefix("\u{feff}".as_bytes()).unwrap_or(head);
    if head.is_empty() || head.starts_with(b"PK") {
        return None;
    }
    if let Some(known) = content::identify(&head[..head.len().min(content::HEAD)]) {
        return Some(known);
    }
    let utf_16 = head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]);
    let is_text = |&byte: &u8| byte >= 32 || byte.is_ascii_whitespace();
    match text.trim_ascii_start().first() {
        Some(b'<') => Some("an HTML page or an XML document"),
        _ if utf_16 || head.iter().all(is_text) => Some("text"),
        _ => None,
    }
}
