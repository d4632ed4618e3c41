//! Text datasets as a stream of UTF-8.

use std::io::{self, Read};
use std::sync::Arc;

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use lastcall_domain::content;

use crate::batch::{ChunkText, Notes, PLACES_NAMED};
use crate::source::Stored;
use crate::{EngineError, Source};

/// How much of the beginning is looked at before reading begins.
pub(crate) const SAMPLE: usize = 256 << 10;

/// How bytes become text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Encoded {
    encoding: &'static Encoding,
    /// Bytes of the byte order mark.
    mark: usize,
    /// Lines end with a carriage return alone.
    lone_returns: bool,
}

impl Encoded {
    /// Tells the encoding from the first bytes: a byte order mark; else every second byte zero
    /// for UTF-16; else UTF-8 where the bytes are valid but for a few, and Windows-1252 (which is
    /// Latin-1 with printable characters where Latin-1 has control characters) where they are not.
    pub(crate) fn sniff(sample: &[u8]) -> Self {
        let (encoding, mark) = match Encoding::for_bom(sample) {
            Some(found) => found,
            None => (without_mark(sample), 0),
        };
        let text = &sample[mark..];
        let lone_returns = text.contains(&b'\r') && !text.contains(&b'\n');
        Self {
            encoding,
            mark,
            lone_returns,
        }
    }

    /// What to read text as that was taken for UTF-8 and is not.
    pub(crate) fn or_latin(self) -> Option<Self> {
        (self.is_utf8() && self.mark == 0).then_some(Self {
            encoding: WINDOWS_1252,
            ..self
        })
    }

    pub(crate) fn is_utf8(self) -> bool {
        self.encoding == UTF_8
    }

    /// The text of the sample, a character that was cut off at its end left out.
    pub(crate) fn decode(self, sample: &[u8]) -> Vec<u8> {
        // Three bytes at most for one, and room without which the decoder does not begin.
        let mut text = vec![0; sample.len() * 3 + 16];
        let mut decode = Decode::new(self);
        let (_, written, _) = decode.step(&sample[self.mark..], &mut text, false);
        text.truncate(written);
        text
    }

    /// The stream as UTF-8. Bytes that are no UTF-8 pass through where the encoding is UTF-8;
    /// the parser replaces and counts them.
    pub(crate) fn stream(self, source: &Source) -> Result<TextStream, EngineError> {
        let mut stored = source.open()?;
        let mut mark = [0; 3];
        stored.fill(&mut mark[..self.mark])?;
        let decode = (!self.is_utf8() || self.lone_returns).then(|| Decode::new(self));
        Ok(TextStream {
            stored,
            decode,
            raw: Vec::new(),
            raw_start: 0,
            ended: false,
        })
    }
}

fn without_mark(sample: &[u8]) -> &'static Encoding {
    let pairs = sample.len() / 2;
    let zeros = |first: usize| {
        sample
            .iter()
            .skip(first)
            .step_by(2)
            .filter(|&&b| b == 0)
            .count()
    };
    // Text in western scripts has a zero in nearly every pair.
    if pairs >= 2 && zeros(1) * 10 > pairs * 7 && zeros(0) * 10 < pairs {
        return UTF_16LE;
    }
    if pairs >= 2 && zeros(0) * 10 > pairs * 7 && zeros(1) * 10 < pairs {
        return UTF_16BE;
    }
    match std::str::from_utf8(sample) {
        Ok(_) => UTF_8,
        // A character cut off by the end of the sample is no fault.
        Err(error) if error.error_len().is_none() => UTF_8,
        Err(_) if strays_among_utf8(sample) => UTF_8,
        Err(_) => WINDOWS_1252,
    }
}

/// Whether what is beyond ASCII is UTF-8 more often than not. A stray byte does not make another
/// encoding of all the rest, nor do two letters of Latin-1 that happen to be one of UTF-8.
fn strays_among_utf8(sample: &[u8]) -> bool {
    let (mut characters, mut strays) = (0, 0);
    for part in sample.utf8_chunks() {
        characters += part.valid().chars().filter(|c| !c.is_ascii()).count();
        strays += usize::from(!part.invalid().is_empty());
    }
    characters >= strays
}

struct Decode {
    decoder: Decoder,
    lone_returns: bool,
}

impl Decode {
    fn new(encoded: Encoded) -> Self {
        Self {
            decoder: encoded.encoding.new_decoder_without_bom_handling(),
            lone_returns: encoded.lone_returns,
        }
    }

    /// Bytes read, bytes written, and whether all that was given has been written.
    fn step(&mut self, from: &[u8], to: &mut [u8], last: bool) -> (usize, usize, bool) {
        let (result, read, written, _) = self.decoder.decode_to_utf8(from, to, last);
        debug_assert!(result == CoderResult::InputEmpty || written > 0 || read > 0);
        if self.lone_returns {
            for byte in &mut to[..written] {
                if *byte == b'\r' {
                    *byte = b'\n';
                }
            }
        }
        (read, written, result == CoderResult::InputEmpty)
    }
}

/// Decoded text.
pub(crate) struct TextStream {
    stored: Stored,
    decode: Option<Decode>,
    raw: Vec<u8>,
    raw_start: usize,
    ended: bool,
}

impl TextStream {
    pub(crate) fn done(&self) -> f64 {
        self.stored.done()
    }

    /// Appends up to `most` bytes; none means the end.
    pub(crate) fn read(&mut self, buffer: &mut Vec<u8>, most: usize) -> Result<usize, EngineError> {
        let start = buffer.len();
        let Some(decode) = &mut self.decode else {
            buffer.resize(start + most, 0);
            let read = self.stored.fill(&mut buffer[start..])?;
            buffer.truncate(start + read);
            return Ok(read);
        };
        // Three bytes of UTF-8 at most for a byte of input, and room for one more character.
        let most = most.max(64);
        while buffer.len() < start + most && !self.ended {
            if self.raw_start == self.raw.len() {
                self.raw.resize(64 << 10, 0);
                let read = self.stored.fill(&mut self.raw)?;
                self.raw.truncate(read);
                self.raw_start = 0;
            }
            let last = self.raw.is_empty();
            let at = buffer.len();
            buffer.resize(at + (start + most - at).max(16), 0);
            let from = &self.raw[self.raw_start..];
            let (read, written, all) = decode.step(from, &mut buffer[at..], last);
            buffer.truncate(at + written);
            self.raw_start += read;
            // A decoder that was told of the end must not be asked again.
            self.ended = last && all;
        }
        Ok(buffer.len() - start)
    }
}

/// The first bytes of the dataset, decompressed.
pub(crate) fn sample(source: &Source) -> Result<Vec<u8>, EngineError> {
    let mut stored = source.open()?;
    let mut sample = vec![0; SAMPLE];
    let read = stored.fill(&mut sample)?;
    sample.truncate(read);
    match content::told_by(&sample[..read.min(content::HEAD)]) {
        Some(what) => Err(EngineError::Unsupported {
            detail: format!("it is {what}, not text"),
        }),
        None => Ok(sample),
    }
}

impl Read for TextStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut bytes = Vec::with_capacity(buffer.len());
        let read = TextStream::read(self, &mut bytes, buffer.len()).map_err(io::Error::other)?;
        buffer[..read].copy_from_slice(&bytes);
        Ok(read)
    }
}

/// What was replaced in a chunk because it was no text.
#[derive(Default)]
pub(crate) struct Replaced {
    count: u64,
    first: Vec<u64>,
    beyond_ascii: bool,
}

impl Replaced {
    /// Something was replaced on this line.
    fn on(&mut self, line: u64) {
        self.count += 1;
        if self.first.len() < PLACES_NAMED {
            self.first.push(line);
        }
    }

    /// So many escapes on this line stood for no character. That they are escapes is no sign of
    /// an encoding.
    pub(crate) fn escapes(&mut self, count: u64, line: u64) {
        (0..count).for_each(|_| self.on(line));
        self.beyond_ascii |= count > 0;
    }

    pub(crate) fn note(self, notes: &mut Notes) {
        notes.replaced = self.count;
        notes.replaced_first = self.first;
        notes.beyond_ascii = self.beyond_ascii;
    }
}

/// Makes the data valid UTF-8: sequences that are not become U+FFFD and are counted.
pub(crate) fn valid(data: Vec<u8>, first_line: u64) -> (Arc<ChunkText>, Replaced) {
    let shared = |bytes, ascii| Arc::new(ChunkText { bytes, ascii });
    if data.is_ascii() {
        return (shared(data, true), Replaced::default());
    }
    let mut replaced = Replaced::default();
    if std::str::from_utf8(&data).is_ok() {
        replaced.beyond_ascii = true;
        return (shared(data, false), replaced);
    }
    let mut text = Vec::with_capacity(data.len() + data.len() / 8);
    let mut line = first_line;
    for part in data.utf8_chunks() {
        replaced.beyond_ascii |= !part.valid().is_ascii();
        text.extend_from_slice(part.valid().as_bytes());
        line += memchr::memchr_iter(b'\n', part.valid().as_bytes()).count() as u64;
        if !part.invalid().is_empty() {
            text.extend_from_slice("\u{fffd}".as_bytes());
            replaced.on(line);
        }
    }
    (shared(text, false), replaced)
}
