//! Converts JSON documents to NDJSON: the objects of an array, or of a sequence, one per line,
//! streamed in constant memory.

use std::io::{self, BufRead, BufReader, Read};

/// Converts a document of objects to lines.
pub(crate) struct JsonLines<R> {
    input: BufReader<R>,
    state: ParseState,
    /// Brackets and braces that are open.
    depth: u64,
    string: bool,
    escaped: bool,
    /// Lines that are written and not yet read.
    out: Vec<u8>,
    taken: usize,
    /// The current line of the document.
    line: u64,
}

/// The state of the parser.
#[derive(Clone, Copy, PartialEq)]
enum ParseState {
    /// Before the first value.
    Start,
    /// After the opening bracket: a value or the end of the array may follow.
    ArrayStart,
    /// After a comma in the array: a value has to follow.
    AfterComma,
    /// After a value in the array.
    AfterValue,
    /// Between values outside an array.
    BetweenValues,
    /// Inside a value.
    InValue { array: bool },
    /// After the closing bracket.
    ArrayEnd,
}

/// How many bytes are converted at a time.
const PIECE: usize = 64 << 10;
const MARK: &[u8] = b"\xef\xbb\xbf";

impl<R: Read> JsonLines<R> {
    pub(crate) fn new(input: R) -> Self {
        Self {
            input: BufReader::with_capacity(PIECE, input),
            state: ParseState::Start,
            depth: 0,
            string: false,
            escaped: false,
            out: Vec::new(),
            taken: 0,
            line: 1,
        }
    }

    fn fault(&self, what: &str) -> io::Error {
        let detail = format!("line {}: {what}", self.line);
        io::Error::new(io::ErrorKind::InvalidData, InvalidJson(detail))
    }

    /// Reads a piece of the document; false at its end.
    fn advance(&mut self) -> io::Result<bool> {
        let piece = self.input.fill_buf()?;
        let length = piece.len();
        if length == 0 {
            return match self.state {
                ParseState::Start | ParseState::BetweenValues | ParseState::ArrayEnd => Ok(false),
                ParseState::InValue { array: false } if self.depth == 0 && !self.string => {
                    self.out.push(b'\n');
                    self.state = ParseState::BetweenValues;
                    Ok(true)
                }
                _ => Err(self.fault("the document is incomplete")),
            };
        }
        let mut piece = piece.to_vec();
        self.input.consume(length);
        if self.state == ParseState::Start && is_wide(&piece) {
            return Err(self.fault("it is UTF-16, but JSON has to be UTF-8"));
        }
        if self.state == ParseState::Start && self.line == 1 && piece.starts_with(MARK) {
            piece.drain(..MARK.len());
        }
        for byte in piece {
            self.take(byte)?;
        }
        Ok(true)
    }

    fn take(&mut self, byte: u8) -> io::Result<()> {
        if byte == b'\n' {
            self.line += 1;
        }
        if let ParseState::InValue { array } = self.state {
            return self.within(byte, array);
        }
        if matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
            return Ok(());
        }
        match (self.state, byte) {
            (ParseState::Start, b'[') => self.state = ParseState::ArrayStart,
            (ParseState::ArrayStart | ParseState::AfterValue, b']') => {
                self.state = ParseState::ArrayEnd
            }
            (ParseState::AfterValue, b',') => self.state = ParseState::AfterComma,
            (
                ParseState::Start
                | ParseState::BetweenValues
                | ParseState::ArrayStart
                | ParseState::AfterComma,
                b',' | b']',
            ) => {
                return Err(self.fault("a value is missing"));
            }
            (ParseState::Start | ParseState::BetweenValues, _) => return self.begin(byte, false),
            (ParseState::ArrayStart | ParseState::AfterComma, _) => return self.begin(byte, true),
            (ParseState::AfterValue, _) => {
                return Err(self.fault("a comma is missing between two values"));
            }
            (ParseState::ArrayEnd | ParseState::InValue { .. }, _) => {
                return Err(self.fault("unexpected data after the array"));
            }
        }
        Ok(())
    }

    fn begin(&mut self, byte: u8, array: bool) -> io::Result<()> {
        self.state = ParseState::InValue { array };
        self.depth = 0;
        self.within(byte, array)
    }

    fn within(&mut self, byte: u8, array: bool) -> io::Result<()> {
        if self.string {
            self.string = self.escaped || byte != b'"';
            self.escaped = !self.escaped && byte == b'\\';
            if matches!(byte, b'\n' | b'\r') {
                return Err(self.fault("a string contains a line end"));
            }
            self.out.push(byte);
            if !self.string && self.depth == 0 {
                self.end(array);
            }
            return Ok(());
        }
        match byte {
            b'"' => self.string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' if self.depth > 0 => {
                self.depth -= 1;
                self.out.push(byte);
                if self.depth == 0 {
                    self.end(array);
                }
                return Ok(());
            }
            // The end of a number or a word.
            b',' | b']' | b' ' | b'\t' | b'\r' | b'\n' if self.depth == 0 => {
                self.end(array);
                return match byte {
                    b',' | b']' => self.take(byte),
                    _ => Ok(()),
                };
            }
            b'\r' | b'\n' => {
                self.out.push(b' ');
                return Ok(());
            }
            _ => {}
        }
        self.out.push(byte);
        Ok(())
    }

    fn end(&mut self, array: bool) {
        self.out.push(b'\n');
        self.state = if array {
            ParseState::AfterValue
        } else {
            ParseState::BetweenValues
        };
    }
}

/// Whether it begins like UTF-16: with a byte order mark or an ASCII character.
fn is_wide(text: &[u8]) -> bool {
    matches!(
        text,
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, _, ..] | [_, 0, ..]
    )
}

impl<R: Read> Read for JsonLines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.out.len() {
            self.out.clear();
            self.taken = 0;
            if !self.advance()? {
                return Ok(0);
            }
        }
        let ready = &self.out[self.taken..];
        let length = ready.len().min(buffer.len());
        buffer[..length].copy_from_slice(&ready[..length]);
        self.taken += length;
        Ok(length)
    }
}

/// The error of an invalid document, with its line.
#[derive(Debug)]
pub(crate) struct InvalidJson(String);

impl std::fmt::Display for InvalidJson {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidJson {}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Result<String, String> {
        let mut read = String::new();
        let mut input = JsonLines::new(text.as_bytes());
        match input.read_to_string(&mut read) {
            Ok(_) => Ok(read),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn each_value_gets_its_own_line() {
        for (text, expected) in [
            ("[]", ""),
            ("", ""),
            (" [ ] \n", ""),
            ("[{\"a\":1},{\"a\":2}]", "{\"a\":1}\n{\"a\":2}\n"),
            (
                "\u{feff}[\n  {\n    \"a\": [1,\n 2]\n  },\n  {\"a\": \"],[{\\\"\"}\n]\n",
                "{     \"a\": [1,  2]   }\n{\"a\": \"],[{\\\"\"}\n",
            ),
            ("{\"a\":1}\n{\"a\":2}", "{\"a\":1}\n{\"a\":2}\n"),
            ("{\n\"a\": 1\n}", "{ \"a\": 1 }\n"),
            ("[1, \"x\",null]", "1\n\"x\"\nnull\n"),
            ("7", "7\n"),
        ] {
            assert_eq!(lines(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn an_invalid_document_fails_with_the_line_of_the_error() {
        for (text, expected) in [
            ("[{\"a\":1}", "line 1: the document is incomplete"),
            ("[{\"a\":1},\n]", "line 2: a value is missing"),
            ("[,]", "line 1: a value is missing"),
            ("[{} {}]", "line 1: a comma is missing between two values"),
            ("[{}]\n{}", "line 2: unexpected data after the array"),
            (
                "[{\"a\": \"x\ny\"}]",
                "line 2: a string contains a line end",
            ),
            ("[\0]\0", "line 1: it is UTF-16, but JSON has to be UTF-8"),
        ] {
            assert_eq!(lines(text).unwrap_err(), expected, "{text}");
        }
    }
}
