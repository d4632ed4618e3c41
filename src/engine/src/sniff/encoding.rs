//! Step one: the encoding, or that the data is not text.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE};
use lastcall_domain::{Certainty, ReadOptions, ReadReport, ReadStep, ReadWarning, encoding};

use crate::read::text::Encoded;
use crate::{EngineError, Source};

/// The result of the step.
pub(crate) struct Found {
    pub(crate) encoded: Encoded,
    pub(crate) step: ReadStep,
    pub(crate) warning: Option<ReadWarning>,
}

impl Found {
    fn new(encoding: &'static Encoding, mark: usize, certainty: Certainty) -> Self {
        let guess = certainty == Certainty::Likely;
        Self {
            encoded: Encoded::new(encoding, mark, certainty),
            step: ReadStep {
                step: "encoding".into(),
                decision: encoding.name().into(),
                certainty,
            },
            warning: guess.then(|| guessed(encoding)),
        }
    }
}

impl Found {
    /// Replaces an earlier decision in the report.
    pub(crate) fn note(self, report: &mut ReadReport) {
        report.encoding = Some(self.encoded.name().into());
        report.warnings.extend(self.warning);
        report.steps.retain(|step| step.step != self.step.step);
        report.steps.insert(0, self.step);
    }
}

/// Detects the encoding of a text from its first bytes: by the options; by a byte order mark; by
/// the zeros of UTF-16; by the escapes of ISO-2022-JP; as UTF-8 if nearly all bytes are valid; by a
/// guess.
///
/// # Errors
/// If the bytes are not text.
pub(crate) fn decide(sample: &[u8], options: &ReadOptions) -> Result<Found, EngineError> {
    let given = options.encoding.as_deref().and_then(encoding);
    let found = match (Encoding::for_bom(sample), given) {
        (Some((encoding, mark)), given) => {
            let certainty = given.map_or(Certainty::Certain, |_| Certainty::Given);
            Found::new(encoding, mark, certainty)
        }
        (None, Some(encoding)) => Found::new(encoding, 0, Certainty::Given),
        (None, None) => by_bytes(sample),
    };
    check_controls(&found.encoded.decode(sample), options)?;
    Ok(found)
}

fn not_text(detail: String) -> EngineError {
    EngineError::Unsupported {
        detail: format!("it is not text: {detail}"),
    }
}

fn by_bytes(sample: &[u8]) -> Found {
    if let Some(wide) = utf_16(sample) {
        return Found::new(wide, 0, Certainty::Certain);
    }
    if is_iso_2022_jp(sample) {
        return Found::new(ISO_2022_JP, 0, Certainty::Likely);
    }
    match std::str::from_utf8(sample) {
        Ok(_) => Found::new(UTF_8, 0, Certainty::Certain),
        // The end of the sample may cut a character.
        Err(error) if error.error_len().is_none() => Found::new(UTF_8, 0, Certainty::Certain),
        Err(_) if strays_among_utf8(sample) => Found::new(UTF_8, 0, Certainty::Assumed),
        Err(_) => Found::new(guess(&[sample]), 0, Certainty::Likely),
    }
}

/// Whether it is ASCII that escapes to Japanese and back. Terminals have escapes as well, between
/// which there is no Japanese.
fn is_iso_2022_jp(sample: &[u8]) -> bool {
    let first = |escape: &[u8]| memchr::memmem::find(sample, escape);
    let last = |escape: &[u8]| memchr::memmem::rfind(sample, escape);
    let japanese = [b"\x1b$B", b"\x1b$@"].into_iter().filter_map(|e| first(e));
    let back = [b"\x1b(B", b"\x1b(J"].into_iter().filter_map(|e| last(e));
    match (japanese.min(), back.max()) {
        // What follows may be cut by the end of the sample.
        (Some(from), Some(to)) if from < to && sample.is_ascii() => {
            !ISO_2022_JP.decode_without_bom_handling(&sample[..to]).1
        }
        _ => false,
    }
}

/// Whether most of the text beyond ASCII is UTF-8. A stray byte does not imply another encoding,
/// nor do two letters of Latin-1 that happen to be valid UTF-8 imply UTF-8.
fn strays_among_utf8(sample: &[u8]) -> bool {
    let (mut characters, mut strays) = (0, 0);
    for part in sample.utf8_chunks() {
        characters += part.valid().chars().filter(|c| !c.is_ascii()).count();
        strays += usize::from(!part.invalid().is_empty());
    }
    characters >= strays
}

/// UTF-16 without a mark: text has no zeros, and in one byte order every two bytes are a character,
/// including line ends and delimiters.
fn utf_16(sample: &[u8]) -> Option<&'static Encoding> {
    if !sample.contains(&0) || is_text_with_zeros(sample) {
        return None;
    }
    let little = marks_in(sample, u16::from_le_bytes);
    let big = marks_in(sample, u16::from_be_bytes);
    match (little, big) {
        (Some(little), Some(big)) if little == big => None,
        (Some(little), big) if Some(little) > big => Some(UTF_16LE),
        (_, Some(_)) => Some(UTF_16BE),
        _ => None,
    }
}

/// Whether it is UTF-8 with stray zeros.
fn is_text_with_zeros(sample: &[u8]) -> bool {
    let is_valid = match std::str::from_utf8(sample) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    is_valid && is_text(sample.len(), controls(sample, &[]))
}

/// The number of ASCII characters, if all units are characters and some of them end lines or cells.
fn marks_in(sample: &[u8], unit: fn([u8; 2]) -> u16) -> Option<usize> {
    let units = sample.as_chunks::<2>().0.iter().map(|pair| unit(*pair));
    let mut ascii = 0;
    let mut ends = false;
    let mut before = 0;
    for decoded in char::decode_utf16(units) {
        let c = match decoded {
            Ok(c) => c,
            // The end of the sample cuts a character.
            Err(error) if error.unpaired_surrogate() < 0xdc00 && before + 2 >= sample.len() / 2 => {
                break;
            }
            Err(_) => return None,
        };
        before += c.len_utf16();
        let private = matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{fff0}'..='\u{ffff}');
        if private && c != '\u{feff}' && c != '\u{fffd}' || is_control(c) {
            return None;
        }
        ascii += usize::from(c.is_ascii());
        ends |= matches!(c, '\n' | '\r' | ',' | ';' | '\t' | '|');
    }
    (ends && ascii > 0).then_some(ascii)
}

/// A character that does not occur in text. File and record separators and the DOS end-of-file mark
/// do occur.
fn is_control(c: char) -> bool {
    matches!(c, '\0'..='\u{8}' | '\u{e}'..='\u{19}' | '\u{7f}')
}

/// The number of control characters, except those in `wanted`.
fn controls(text: &[u8], wanted: &[Option<char>]) -> usize {
    let control = |byte: &&u8| {
        let c = char::from(**byte);
        is_control(c) && !wanted.contains(&Some(c))
    };
    text.iter().filter(control).count()
}

/// Whether it is text: at most one control character in a hundred bytes, or a few in a short text.
fn is_text(bytes: usize, controls: usize) -> bool {
    controls * 100 <= bytes + 100
}

fn check_controls(text: &[u8], options: &ReadOptions) -> Result<(), EngineError> {
    let count = controls(text, &[options.delimiter, options.comment]);
    if is_text(text.len(), count) {
        return Ok(());
    }
    let share = count as f64 * 100.0 / text.len() as f64;
    Err(not_text(format!(
        "{share:.1} % of its first bytes are control characters"
    )))
}

/// The most likely encoding other than UTF-8.
fn guess(parts: &[&[u8]]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    for part in parts {
        detector.feed(part, false);
    }
    detector.feed(b"", true);
    detector.guess(None, Utf8Detection::Deny)
}

/// How much text beyond ASCII is inspected after the sample.
const ENOUGH: usize = 1 << 20;

/// Another encoding for a text that seemed to be UTF-8, but whose characters beyond ASCII come late
/// and are not valid.
pub(crate) fn late(encoded: Encoded, source: &Source) -> Option<Found> {
    if !encoded.is_doubtful() {
        return None;
    }
    // The next reader reports a file that cannot be read.
    let mut stored = source.open().ok()?;
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    let mut buffer = vec![0; 64 << 10];
    let mut seen = 0;
    while seen < ENOUGH {
        let read = stored.fill(&mut buffer).ok()?;
        let part = &buffer[..read];
        if part.is_empty() {
            break;
        }
        if !part.is_ascii() {
            detector.feed(part, false);
            seen += read;
        }
    }
    detector.feed(b"", true);
    let encoding = detector.guess(None, Utf8Detection::Deny);
    let found = Found::new(encoding, 0, Certainty::Likely);
    Some(Found {
        encoded: found.encoded.with_ends(encoded.ends()),
        ..found
    })
}

fn guessed(encoding: &'static Encoding) -> ReadWarning {
    ReadWarning {
        code: "guessed_encoding".into(),
        line: None,
        count: 1,
        detail: format!(
            "the text is not UTF-8 and does not declare its encoding; {0} is a guess; \
             `encoding` sets it",
            encoding.name()
        ),
    }
}
