//! The bytes of an upload on their way to the blob store: decompressed, bounded, hashed and
//! inspected. Plain computation, one bounded piece at a time.

use std::io::Write;

use bytes::{Bytes, BytesMut};
use flate2::write::MultiGzDecoder;
use lastcall_domain::{Format, content};
use sha2::{Digest, Sha256};

use crate::digest::ContentDigest;
use crate::errors::Code;
use crate::problem::{ApiResult, Problem};
use crate::unpack::{Unpacker, ZSTD};

/// Decoded bytes that are handed on at a time, about.
const PIECE: usize = 512 * 1024;
/// Compressed bytes that are decoded at a time. Deflate makes at most 1,032 times as many of
/// them, so a hostile body makes a piece of 4 MiB at most.
const SLICE: usize = 4 * 1024;
/// How every gzip member begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// How a Parquet file begins and ends.
const PARQUET: &[u8] = b"PAR1";
/// The same of one that is encrypted, which is told where it is read.
const ENCRYPTED: &[u8] = b"PARE";
/// How a workbook of before 2007 begins, and one with a password.
const COMPOUND: &[u8] = b"\xd0\xcf\x11\xe0";
/// How a file of Arrow IPC begins; a stream begins with a length.
const ARROW: &[u8] = b"ARROW1";
/// How a ZIP archive begins, and so a workbook.
const ZIP: &[u8] = b"PK\x03\x04";

/// What is known of an upload once it is complete.
#[derive(Debug)]
pub(crate) struct Received {
    /// Bytes after decoding.
    pub(crate) bytes: u64,
    /// Their SHA-256, in hexadecimal.
    pub(crate) sha256: String,
}

enum Decoder {
    /// Not enough has come to tell.
    Undecided,
    /// The bytes are as they are.
    Plain,
    /// One or more gzip members.
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
    /// One or more frames of zstd.
    Zstd(Box<Unpacker>),
}

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Gzip,
    Zstd,
}

impl Decoder {
    fn of(encoding: Encoding) -> ApiResult<Self> {
        Ok(match encoding {
            Encoding::Gzip => Self::Gzip(Box::new(MultiGzDecoder::new(Vec::new()))),
            Encoding::Zstd => Self::Zstd(Box::new(Unpacker::new().map_err(broken_zstd)?)),
        })
    }
}

/// One upload.
pub(crate) struct Ingest {
    format: Format,
    max_bytes: u64,
    decoder: Decoder,
    pending: BytesMut,
    ended: bool,
    raw: u64,
    bytes: u64,
    hash: Sha256,
    head: Vec<u8>,
    tail: Vec<u8>,
    expected: Option<ContentDigest>,
}

impl Ingest {
    /// An upload of that format, of at most `max_bytes` as sent and as decoded, in the encoding that
    /// its sender says it has; it is found out otherwise.
    ///
    /// # Errors
    /// Where there is no memory for a decoder.
    pub(crate) fn new(
        format: Format,
        encoding: Option<Encoding>,
        max_bytes: u64,
    ) -> ApiResult<Self> {
        Ok(Self {
            format,
            max_bytes,
            decoder: match encoding {
                Some(encoding) => Decoder::of(encoding)?,
                None => Decoder::Undecided,
            },
            pending: BytesMut::new(),
            ended: false,
            raw: 0,
            bytes: 0,
            hash: Sha256::new(),
            head: Vec::new(),
            tail: Vec::new(),
            expected: None,
        })
    }

    /// The same, of a body that its sender has announced the digest of.
    pub(crate) fn expecting(mut self, digest: Option<ContentDigest>) -> Self {
        self.expected = digest;
        self
    }

    /// Takes bytes as they were sent.
    ///
    /// # Errors
    /// `payload_too_large`.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> ApiResult<()> {
        self.raw += bytes.len() as u64;
        self.check_size(self.raw)?;
        self.pending.extend_from_slice(bytes);
        Ok(())
    }

    /// Bytes that were fed and not yet taken.
    pub(crate) fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// Says that no more will be fed.
    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    /// The next piece of the decoded bytes; `None` where more has to be fed first, or, after the
    /// end, where that was all.
    ///
    /// # Errors
    /// `invalid_encoding`, `payload_too_large`, `format_mismatch`.
    pub(crate) fn step(&mut self) -> ApiResult<Option<Bytes>> {
        if matches!(self.decoder, Decoder::Undecided) {
            if self.pending.len() < ZSTD.len() && !self.ended {
                return Ok(None);
            }
            self.decoder = if self.pending.starts_with(&GZIP) {
                Decoder::of(Encoding::Gzip)?
            } else if self.pending.starts_with(&ZSTD) {
                Decoder::of(Encoding::Zstd)?
            } else {
                Decoder::Plain
            };
        }
        let piece = match &mut self.decoder {
            Decoder::Gzip(decoder) => {
                let digest = self.expected.as_mut();
                inflate(decoder, &mut self.pending, self.ended, digest)?
            }
            Decoder::Zstd(decoder) => {
                let mut digest = self.expected.as_mut();
                let taken = |bytes: &[u8]| {
                    if let Some(digest) = &mut digest {
                        digest.update(bytes);
                    }
                };
                let piece = decoder.unpack(&mut self.pending, PIECE, taken);
                let piece = piece.map_err(broken_zstd)?;
                if piece.is_empty() && self.ended && !decoder.is_whole() {
                    return Err(Problem::new(
                        Code::InvalidEncoding,
                        "the zstd data ends early",
                    ));
                }
                piece.into()
            }
            _ => {
                let piece = self.pending.split().freeze();
                if let Some(digest) = &mut self.expected {
                    digest.update(&piece);
                }
                piece
            }
        };
        if piece.is_empty() {
            return Ok(None);
        }
        self.bytes += piece.len() as u64;
        self.check_size(self.bytes)?;
        self.hash.update(&piece);
        self.look(&piece)?;
        Ok(Some(piece))
    }

    /// What has come, all in all. To be asked after the end, once [`step`](Self::step) had
    /// nothing more.
    ///
    /// # Errors
    /// `digest_mismatch`, `empty_dataset`, `format_mismatch`.
    pub(crate) fn finish(mut self) -> ApiResult<Received> {
        if let Some(digest) = self.expected.take() {
            digest.check()?;
        }
        if self.bytes == 0 {
            return Err(Problem::new(
                Code::EmptyDataset,
                "the body has no bytes; a dataset without rows still has a header",
            ));
        }
        if self.format == Format::Parquet && self.tail != PARQUET && self.tail != ENCRYPTED {
            return Err(self.mismatch("it does not end as a Parquet file does"));
        }
        if self.head.len() < content::HEAD {
            self.check_head()?;
        }
        Ok(Received {
            bytes: self.bytes,
            sha256: hexadecimal(&self.hash.finalize()),
        })
    }

    fn check_size(&self, bytes: u64) -> ApiResult<()> {
        if bytes > self.max_bytes {
            return Err(too_large(self.max_bytes));
        }
        Ok(())
    }

    /// Keeps the first bytes, and the last four.
    fn look(&mut self, piece: &[u8]) -> ApiResult<()> {
        if self.head.len() < content::HEAD {
            let wanted = (content::HEAD - self.head.len()).min(piece.len());
            self.head.extend_from_slice(&piece[..wanted]);
            if self.head.len() == content::HEAD {
                self.check_head()?;
            }
        }
        self.tail
            .extend_from_slice(&piece[piece.len().saturating_sub(4)..]);
        self.tail.drain(..self.tail.len().saturating_sub(4));
        Ok(())
    }

    fn check_head(&self) -> ApiResult<()> {
        match self.format {
            Format::Parquet
                if !self.head.starts_with(PARQUET) && !self.head.starts_with(ENCRYPTED) =>
            {
                Err(self.mismatch("it does not begin as a Parquet file does"))
            }
            // Those with a password are told as such where they are read, and of what Excel wrote
            // the content decides.
            Format::Xlsx | Format::Xls | Format::Ods
                if !self.head.starts_with(ZIP) && !self.head.starts_with(COMPOUND) =>
            {
                Err(self.mismatch("it does not begin as a workbook does"))
            }
            Format::Arrow
                if !self.head.starts_with(ARROW)
                    && (content::identify(&self.head).is_some() || is_text(&self.head)) =>
            {
                Err(self.mismatch("it does not begin as Arrow IPC does"))
            }
            Format::Json if content::identify(&self.head).is_none() && !is_json(&self.head) => {
                Err(self.mismatch("it does not begin as objects or an array of them do"))
            }
            Format::Csv | Format::Tsv | Format::Ndjson | Format::Json => {
                match content::identify(&self.head) {
                    Some(what) => Err(self.mismatch(&format!("it is {what}"))),
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    fn mismatch(&self, what: &str) -> Problem {
        Problem::new(
            Code::FormatMismatch,
            format!("the data is said to be {}, but {what}", self.format),
        )
    }
}

impl std::fmt::Debug for Ingest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ingest")
            .field("raw", &self.raw)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

/// The problem that too large a body is.
pub(crate) fn too_large(max_bytes: u64) -> Problem {
    Problem::new(
        Code::PayloadTooLarge,
        format!("an upload has at most {max_bytes} bytes, as sent and as decoded"),
    )
}

/// Whether these bytes are printable: the length that a stream of Arrow begins with is not.
fn is_text(head: &[u8]) -> bool {
    head.iter()
        .all(|&byte| byte >= b' ' && byte != 0xff || byte.is_ascii_whitespace())
}

/// Whether a document may begin so: objects, or an array of them.
fn is_json(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    matches!(head.trim_ascii_start(), [] | [b'[' | b'{', ..])
}

fn broken_zstd(error: std::io::Error) -> Problem {
    Problem::new(Code::InvalidEncoding, format!("bad zstd data: {error}"))
}

fn inflate(
    decoder: &mut MultiGzDecoder<Vec<u8>>,
    pending: &mut BytesMut,
    ended: bool,
    mut digest: Option<&mut ContentDigest>,
) -> ApiResult<Bytes> {
    let broken = |error: std::io::Error| {
        Problem::new(Code::InvalidEncoding, format!("bad gzip data: {error}"))
    };
    while !pending.is_empty() && decoder.get_ref().len() < PIECE {
        let slice = pending.split_to(SLICE.min(pending.len()));
        if let Some(digest) = &mut digest {
            digest.update(&slice);
        }
        decoder.write_all(&slice).map_err(broken)?;
    }
    if pending.is_empty() {
        if ended {
            decoder.try_finish().map_err(|_| {
                Problem::new(
                    Code::InvalidEncoding,
                    "the gzip data ends early, or its checksum is wrong",
                )
            })?;
        } else {
            decoder.flush().map_err(broken)?;
        }
    }
    Ok(std::mem::take(decoder.get_mut()).into())
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
