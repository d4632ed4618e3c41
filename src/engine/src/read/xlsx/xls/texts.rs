//! Texts: since Excel 97 in UTF-16, with one byte for each character if all are below U+0100;
//! before, in a code page.

use std::borrow::Cow;
use std::io::{Read, Seek};

use encoding_rs::Encoding;

use super::malformed;
use super::records::{Record, Records, cut_short};
use crate::EngineError;
use crate::job::JobContext;

/// The encoding of texts.
#[derive(Clone, Copy)]
pub(super) enum Charset {
    Utf16,
    CodePage(&'static Encoding),
}

impl Charset {
    /// The charset of a Windows code page; unknown ones are Western European.
    pub(super) fn of_code_page(number: u16) -> Self {
        let label = match number {
            866 => Cow::Borrowed("ibm866"),
            874 => "windows-874".into(),
            932 => "shift_jis".into(),
            936 => "gbk".into(),
            949 => "euc-kr".into(),
            950 => "big5".into(),
            10_000 => "macintosh".into(),
            10_007 => "x-mac-cyrillic".into(),
            number => format!("windows-{number}").into(),
        };
        let known = Encoding::for_label(label.as_bytes());
        Self::CodePage(known.unwrap_or(encoding_rs::WINDOWS_1252))
    }
}

/// The bytes of a record and its continuations.
pub(super) struct Bytes<'r, R> {
    records: &'r mut Records<R>,
    data: Vec<u8>,
    at: usize,
}

impl<'r, R: Read + Seek> Bytes<'r, R> {
    /// The bytes from an offset of the record, which `records` has just returned.
    pub(super) fn new(records: &'r mut Records<R>, record: Record, at: usize) -> Self {
        Self {
            records,
            data: record.data,
            at,
        }
    }

    /// Whether nothing is left in the record and its continuations.
    fn is_at_end(&mut self) -> Result<bool, EngineError> {
        while self.at >= self.data.len() {
            match self.records.continued()? {
                Some(data) => (self.data, self.at) = (data, 0),
                None => return Ok(true),
            }
        }
        Ok(false)
    }

    pub(super) fn u8(&mut self) -> Result<u8, EngineError> {
        if self.is_at_end()? {
            return Err(cut_short());
        }
        let byte = self.data.get(self.at).copied().ok_or_else(cut_short)?;
        self.at += 1;
        Ok(byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, EngineError> {
        Ok(u16::from_le_bytes([self.u8()?, self.u8()?]))
    }

    fn u32(&mut self) -> Result<u32, EngineError> {
        let low = self.u16()?;
        Ok(u32::from(low) | u32::from(self.u16()?) << 16)
    }

    fn skip(&mut self, mut count: u64) -> Result<(), EngineError> {
        while count > 0 {
            if self.is_at_end()? {
                return Err(cut_short());
            }
            let here = (self.data.len() - self.at) as u64;
            let some = here.min(count);
            self.at += usize::try_from(some).map_err(|_| cut_short())?;
            count -= some;
        }
        Ok(())
    }

    /// A text of `characters` characters, with its encoding flags.
    pub(super) fn text(
        &mut self,
        characters: u16,
        charset: Charset,
    ) -> Result<String, EngineError> {
        match charset {
            Charset::Utf16 if characters == 0 => Ok(String::new()),
            Charset::Utf16 => {
                let is_wide = self.u8()? & 1 != 0;
                self.utf16(characters, is_wide)
            }
            Charset::CodePage(encoding) => {
                let mut bytes = Vec::new();
                for _ in 0..characters {
                    bytes.push(self.u8()?);
                }
                Ok(encoding.decode_without_bom_handling(&bytes).0.into_owned())
            }
        }
    }

    fn utf16(&mut self, characters: u16, mut is_wide: bool) -> Result<String, EngineError> {
        let mut units = Vec::with_capacity(usize::from(characters));
        while units.len() < usize::from(characters) {
            if self.at >= self.data.len() {
                // A continuation of a text repeats the encoding flags.
                if self.is_at_end()? {
                    return Err(malformed("a text does not end"));
                }
                is_wide = self.u8()? & 1 != 0;
                continue;
            }
            let here = self.data.get(self.at..).unwrap_or_default();
            let wanted = usize::from(characters) - units.len();
            if is_wide {
                let (pairs, _) = here.as_chunks::<2>();
                let some = &pairs[..wanted.min(pairs.len())];
                if some.is_empty() {
                    return Err(malformed("a character is cut in two"));
                }
                units.extend(some.iter().map(|pair| u16::from_le_bytes(*pair)));
                self.at += 2 * some.len();
            } else {
                let some = &here[..wanted.min(here.len())];
                units.extend(some.iter().map(|byte| u16::from(*byte)));
                self.at += some.len();
            }
        }
        Ok(String::from_utf16_lossy(&units))
    }
}

/// The shared texts, to which cells refer by index.
#[derive(Default)]
pub(super) struct SharedTexts {
    all: String,
    /// The end of each text.
    ends: Vec<usize>,
}

impl SharedTexts {
    /// Reads the record `SST`, within a memory limit.
    pub(super) fn read<R: Read + Seek>(
        mut bytes: Bytes<'_, R>,
        most: usize,
        context: JobContext<'_>,
    ) -> Result<Self, EngineError> {
        let mut texts = Self::default();
        // The counts of uses and of texts are not needed.
        bytes.skip(8)?;
        while !bytes.is_at_end()? {
            if texts.ends.len() % 1024 == 0 {
                context.check()?;
            }
            let characters = bytes.u16()?;
            let flags = bytes.u8()?;
            let runs = if flags & 8 == 0 { 0 } else { bytes.u16()? };
            let extension = if flags & 4 == 0 { 0 } else { bytes.u32()? };
            texts.all += &bytes.utf16(characters, flags & 1 != 0)?;
            texts.ends.push(texts.all.len());
            if texts.all.len() + texts.ends.len() * size_of::<usize>() > most {
                return Err(EngineError::ResourceExhausted {
                    detail: format!("the workbook's texts take more than {most} bytes"),
                });
            }
            bytes.skip(4 * u64::from(runs) + u64::from(extension))?;
        }
        Ok(texts)
    }

    pub(super) fn get(&self, place: u32) -> Option<&str> {
        let place = usize::try_from(place).ok()?;
        let end = *self.ends.get(place)?;
        let begin = match place.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.all.get(begin..end)
    }
}
