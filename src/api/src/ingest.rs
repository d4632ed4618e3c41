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

/// About how many decoded bytes are passed on at a time.
const CHUNK: usize = 512 * 1024;
/// Compressed bytes that are decoded at a time. Deflate expands at most 1,032 times, so a hostile
/// body makes a chunk of at most 4 MiB.
const DECODE_STEP: usize = 4 * 1024;
/// The first bytes of every gzip member.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// The first and last bytes of a Parquet file.
const PARQUET: &[u8] = b"PAR1";
/// The same for an encrypted one, which is reported when it is read.
const ENCRYPTED: &[u8] = b"PARE";
/// The first bytes of a workbook from before 2007, and of one with a password.
const COMPOUND: &[u8] = b"\xd0\xcf\x11\xe0";
/// The first bytes of an Arrow IPC file; a stream begins with a length.
const ARROW: &[u8] = b"ARROW1";
/// The first bytes of a ZIP archive, and so of a workbook.
const ZIP: &[u8] = b"PK\x03\x04";

/// The facts about a complete upload.
#[derive(Debug)]
pub(crate) struct Received {
    /// Bytes after decoding.
    pub(crate) bytes: u64,
    /// Their SHA-256, in hexadecimal.
    pub(crate) sha256: String,
}

enum Decoder {
    /// Not enough bytes to decide.
    Undecided,
    /// No encoding.
    Plain,
    /// One or more gzip members.
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
    /// One or more frames of zstd.
    Zstd(Box<Unpacker>),
}

/// The encoding of a body.
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
    /// An upload of this format, of at most `max_bytes` as sent and as decoded, with the encoding
    /// that its sender declares; detected otherwise.
    ///
    /// # Errors
    /// If there is no memory for a decoder.
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

    /// Adds the digest that the sender has declared.
    pub(crate) fn expecting(mut self, digest: Option<ContentDigest>) -> Self {
        self.expected = digest;
        self
    }

    /// Adds bytes as they were sent.
    ///
    /// # Errors
    /// `payload_too_large`.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> ApiResult<()> {
        self.raw += bytes.len() as u64;
        self.check_size(self.raw)?;
        self.pending.extend_from_slice(bytes);
        Ok(())
    }

    /// Bytes that were fed and not yet decoded.
    pub(crate) fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// Marks the end of the input.
    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    /// The next chunk of decoded bytes; `None` if more input is needed or, after the end, if that
    /// was all.
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
                let piece = decoder.unpack(&mut self.pending, CHUNK, taken);
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
        self.inspect(&piece)?;
        Ok(Some(piece))
    }

    /// The facts about the upload. Must be called after the end, once [`step`](Self::step) returns
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
    fn inspect(&mut self, piece: &[u8]) -> ApiResult<()> {
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
            // Files with a password are reported when they are read, and for Excel's own files the
            // content decides.
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

/// The error for a body that is too large.
pub(crate) fn too_large(max_bytes: u64) -> Problem {
    Problem::new(
        Code::PayloadTooLarge,
        format!("an upload has at most {max_bytes} bytes, as sent and as decoded"),
    )
}

/// Whether these bytes are printable: the length at the start of an Arrow stream is not.
fn is_text(head: &[u8]) -> bool {
    head.iter()
        .all(|&byte| byte >= b' ' && byte != 0xff || byte.is_ascii_whitespace())
}

/// Whether a JSON document may begin like this: objects, or an array of them.
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
    while !pending.is_empty() && decoder.get_ref().len() < CHUNK {
        let slice = pending.split_to(DECODE_STEP.min(pending.len()));
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
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
