//! Detects the kind of a workbook by its content, as names and media types are often wrong.

use std::fs::File;
use std::io::Seek;

use lastcall_domain::Format;

use crate::EngineError;
use crate::source::read_full;

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
        let mut head = [0; 8];
        let read = read_full(&mut file, &mut head)?;
        if head[..read] == *COMPOUND {
            return Ok(Self::Xls);
        }
        Ok(match format {
            Format::Ods => Self::Ods,
            _ => Self::Xlsx,
        })
    }
}
