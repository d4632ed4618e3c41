//! Text datasets as a stream of UTF-8.

use std::sync::Arc;

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8};
use lastcall_domain::{Certainty, content};

use super::line_ends::{LineEnds, LineFeeds};
use crate::batch::{ChunkText, PLACES_NAMED, ReadDiagnostics};
use crate::source::Stored;
use crate::{EngineError, Source};

/// The size of the sample for sniffing, in bytes.
pub(crate) const SAMPLE: usize = 256 << 10;

/// The encoding and line ends of a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Encoded {
    encoding: &'static Encoding,
    /// The length of the byte order mark.
    mark: usize,
    /// Whether UTF-8 is only assumed.
    doubtful: bool,
    /// Line ends other than line feeds.
    ends: Option<LineEnds>,
}

impl Encoded {
    pub(crate) fn new(encoding: &'static Encoding, mark: usize, certainty: Certainty) -> Self {
        Self {
            encoding,
            mark,
            doubtful: encoding == UTF_8 && mark == 0 && certainty != Certainty::Given,
            ends: None,
        }
    }

    pub(crate) fn ends(self) -> Option<LineEnds> {
        self.ends
    }

    /// Sets the line ends to convert.
    pub(crate) fn with_ends(self, ends: Option<LineEnds>) -> Self {
        Self { ends, ..self }
    }

    /// Its name in the WHATWG Encoding Standard.
    pub(crate) fn name(self) -> &'static str {
        self.encoding.name()
    }

    /// Whether text that is not UTF-8 may have another encoding.
    pub(crate) fn is_doubtful(self) -> bool {
        self.doubtful
    }

    pub(crate) fn is_utf8(self) -> bool {
        self.encoding == UTF_8
    }

    /// The text of the sample, without an incomplete character at its end.
    pub(crate) fn decode(self, sample: &[u8]) -> Vec<u8> {
        let sample = &sample[self.mark.min(sample.len())..];
        let text = if self.is_utf8() {
            sample.to_vec()
        } else {
            // At most three bytes for each byte, and the minimum space for the decoder.
            let mut text = vec![0; sample.len() * 3 + 16];
            let mut decoder = self.encoding.new_decoder_without_bom_handling();
            let (_, _, written, _) = decoder.decode_to_utf8(sample, &mut text, false);
            text.truncate(written);
            text
        };
        match self.ends {
            Some(ends) => ends.all(&text),
            None => text,
        }
    }

    /// The stream as UTF-8, except for invalid bytes, which the parser replaces and counts.
    pub(crate) fn stream(self, source: &Source) -> Result<TextStream, EngineError> {
        let mut stored = source.open()?;
        let mut mark = [0; 3];
        stored.fill(&mut mark[..self.mark])?;
        let decoder = || self.encoding.new_decoder_without_bom_handling();
        Ok(TextStream {
            stored,
            decoder: (!self.is_utf8()).then(decoder),
            ends: self.ends.map(LineFeeds::new),
            raw: Vec::new(),
            raw_start: 0,
            ended: false,
        })
    }
}

/// Decoded text.
pub(crate) struct TextStream {
    stored: Stored,
    decoder: Option<Decoder>,
    ends: Option<LineFeeds>,
    raw: Vec<u8>,
    raw_start: usize,
    ended: bool,
}

impl TextStream {
    pub(crate) fn done(&self) -> f64 {
        self.stored.done()
    }

    /// Appends up to `most` bytes; 0 means the end.
    pub(crate) fn read(&mut self, buffer: &mut Vec<u8>, most: usize) -> Result<usize, EngineError> {
        let Some(ends) = &mut self.ends else {
            return read_text(
                &mut self.stored,
                &mut self.decoder,
                (&mut self.raw, &mut self.raw_start, &mut self.ended),
                buffer,
                most,
            );
        };
        let start = buffer.len();
        // A part may only have the start of a line end.
        loop {
            let mut part = Vec::new();
            let read = read_text(
                &mut self.stored,
                &mut self.decoder,
                (&mut self.raw, &mut self.raw_start, &mut self.ended),
                &mut part,
                most,
            )?;
            ends.push(&part, buffer);
            if read == 0 {
                ends.end(buffer);
            }
            if read == 0 || buffer.len() > start {
                return Ok(buffer.len() - start);
            }
        }
    }
}

/// A byte that does not occur in UTF-8.
const NO_TEXT: u8 = 0xff;

/// Appends up to `most` bytes of text with its original line ends.
fn read_text(
    stored: &mut Stored,
    decoder: &mut Option<Decoder>,
    (raw, raw_start, ended): (&mut Vec<u8>, &mut usize, &mut bool),
    buffer: &mut Vec<u8>,
    most: usize,
) -> Result<usize, EngineError> {
    let start = buffer.len();
    let Some(decoder) = decoder else {
        return stored.append(buffer, most);
    };
    // At most three bytes of UTF-8 for each byte of input, and space for one more character.
    let most = most.max(64);
    while buffer.len() < start + most && !*ended {
        if *raw_start == raw.len() {
            raw.resize(64 << 10, 0);
            let read = stored.fill(raw)?;
            raw.truncate(read);
            *raw_start = 0;
        }
        let last = raw.is_empty();
        let at = buffer.len();
        buffer.resize(at + (start + most - at).max(16), 0);
        let from = &raw[*raw_start..];
        let (result, read, written) =
            decoder.decode_to_utf8_without_replacement(from, &mut buffer[at..], last);
        buffer.truncate(at + written);
        *raw_start += read;
        if matches!(result, DecoderResult::Malformed(..)) {
            // Invalid as well, so that the parser replaces and counts it.
            buffer.push(NO_TEXT);
        }
        // A decoder must not be called again after the last input.
        *ended = last && result == DecoderResult::InputEmpty;
    }
    Ok(buffer.len() - start)
}

/// The first bytes of the dataset, decompressed.
pub(crate) fn sample(source: &Source) -> Result<Vec<u8>, EngineError> {
    let mut stored = source.open()?;
    let mut sample = vec![0; SAMPLE];
    let read = stored.fill(&mut sample)?;
    sample.truncate(read);
    match content::identify(&sample[..read.min(content::HEAD)]) {
        Some(what) => Err(EngineError::Unsupported {
            detail: format!("it is {what}, not text"),
        }),
        None => Ok(sample),
    }
}

/// Invalid text that was replaced in a chunk.
#[derive(Default)]
pub(crate) struct Replaced {
    count: u64,
    first: Vec<u64>,
    beyond_ascii: bool,
}

impl Replaced {
    /// Records a replacement on this line.
    fn on(&mut self, line: u64) {
        self.count += 1;
        if self.first.len() < PLACES_NAMED {
            self.first.push(line);
        }
    }

    /// Records escapes on this line that are not valid characters; they are no evidence of another
    /// encoding.
    pub(crate) fn escapes(&mut self, count: u64, line: u64) {
        (0..count).for_each(|_| self.on(line));
        self.beyond_ascii |= count > 0;
    }

    pub(crate) fn note(self, notes: &mut ReadDiagnostics) {
        notes.replaced = self.count;
        notes.replaced_first = self.first;
        notes.beyond_ascii = self.beyond_ascii;
    }
}

/// Makes the data valid UTF-8: invalid sequences become U+FFFD and are counted. `ascii` says that
/// it is ASCII, where that is known.
pub(crate) fn valid(data: Vec<u8>, ascii: bool, first_line: u64) -> (Arc<ChunkText>, Replaced) {
    let shared = |bytes, ascii| Arc::new(ChunkText { bytes, ascii });
    if ascii || data.is_ascii() {
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
