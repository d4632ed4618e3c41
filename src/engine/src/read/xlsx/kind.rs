//! Which kind of workbook a file is: its content decides, as names and media types are often wrong.

use std::fs::File;
use std::io::Seek;

use lastcall_domain::Format;
use memchr::memmem;

use crate::EngineError;
use crate::source::read_full;

/// How the files of Office before 2007 begin, and those with a password.
const COMPOUND: &[u8] = &[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];

/// A kind of workbook.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Of Excel since 2007.
    Xlsx,
    /// Of Excel before.
    Xls,
    /// Of OpenDocument.
    Ods,
}

pub(super) fn protected() -> EngineError {
    EngineError::Unsupported {
        detail: "the workbook is protected by a password".into(),
    }
}

impl Kind {
    /// That of a file that was uploaded as one of this format.
    ///
    /// # Errors
    /// Where it is protected by a password.
    pub(super) fn of(mut file: &File, format: Format) -> Result<Self, EngineError> {
        file.rewind()?;
        let mut head = [0; 8];
        let read = read_full(&mut file, &mut head)?;
        if head[..read] == *COMPOUND {
            if is_encrypted_package(file)? {
                return Err(protected());
            }
            return Ok(Self::Xls);
        }
        Ok(match format {
            Format::Ods => Self::Ods,
            _ => Self::Xlsx,
        })
    }
}

/// Whether a compound file is a newer workbook with a password: the name of what is encrypted is
/// somewhere in it, in UTF-16.
fn is_encrypted_package(mut file: &File) -> Result<bool, EngineError> {
    let package: Vec<u8> = "EncryptedPackage"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let mut buffer = vec![0; 64 << 10];
    let mut kept = 0;
    loop {
        let read = read_full(&mut file, &mut buffer[kept..])?;
        if memmem::find(&buffer[..kept + read], &package).is_some() {
            return Ok(true);
        }
        if read == 0 {
            return Ok(false);
        }
        let end = kept + read;
        kept = end.min(package.len());
        buffer.copy_within(end - kept..end, 0);
    }
}
