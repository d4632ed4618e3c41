//! The file to analyse.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use lastcall_domain::{Dependency, Format};

use crate::EngineError;
use crate::job::JobContext;
use crate::read::json::{InvalidJson, JsonLines};

/// A dataset in a local file. Text formats may be compressed with gzip or zstd, which is detected
/// by the first bytes.
#[derive(Clone, Debug)]
pub struct Source {
    /// The path of the file.
    pub path: PathBuf,
    /// The format of the file.
    pub format: Format,
    /// The name in results.
    pub name: String,
    /// The seed of hashes: derived from the bytes, it prevents chosen collisions, and gives the
    /// same estimates for the same bytes.
    pub seed: u64,
}

impl Source {
    /// A dataset in a file, named after it.
    pub fn new(path: impl Into<PathBuf>, format: Format) -> Self {
        let path = path.into();
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        Self {
            path,
            format,
            name,
            seed: 0,
        }
    }

    /// The seed for bytes with this SHA-256, in hexadecimal digits.
    pub fn seed_of(sha256: &str) -> u64 {
        let digits = sha256.get(..16).unwrap_or_default();
        u64::from_str_radix(digits, 16).unwrap_or(0)
    }

    /// Detects the format of a file from its extension, otherwise from its first decompressed
    /// bytes. The default is CSV.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn detect_format(path: &Path) -> Result<Format, EngineError> {
        let name = path.to_string_lossy().to_ascii_lowercase();
        if let Some(format) = Format::from_file_name(&name) {
            return Ok(format);
        }
        let mut head = [0; 512];
        let read = Self::new(path, Format::Csv).open()?.fill(&mut head)?;
        Ok(match head[..read].trim_ascii_start() {
            [b'P', b'A', b'R', b'1', ..] => Format::Parquet,
            head @ [b'P', b'K', 3, 4, ..] if is_open_document(head) => Format::Ods,
            [b'P', b'K', 3, 4, ..] => Format::Xlsx,
            [0xd0, 0xcf, 0x11, 0xe0, ..] => Format::Xls,
            [b'A', b'R', b'R', b'O', b'W', b'1', 0, 0, ..]
            | [0xff, 0xff, 0xff, 0xff, ..]
            // Feather of version 1, which the reader refuses by its name.
            | [b'F', b'E', b'A', b'1', 0, ..] => Format::Arrow,
            [b'{', ..] => Format::Ndjson,
            head if is_array(head) => Format::Json,
            _ => Format::Csv,
        })
    }

    /// Its size in bytes, as stored.
    pub(crate) fn size(&self) -> Result<u64, EngineError> {
        Ok(std::fs::metadata(&self.path)?.len())
    }

    /// Whether it is compressed.
    pub(crate) fn is_compressed(&self) -> Result<bool, EngineError> {
        let packed = matches!(
            self.format,
            Format::Parquet | Format::Xlsx | Format::Xls | Format::Ods
        );
        Ok(packed || self.open()?.compressed)
    }

    /// Opens it for reading its decompressed bytes.
    pub(crate) fn open(&self) -> Result<Stored, EngineError> {
        let mut file = File::open(&self.path)?;
        let size = file.metadata()?.len();
        let mut magic = [0; 4];
        let read = read_full(&mut file, &mut magic)?;
        file.rewind()?;
        // Both handles have one position.
        let handle = file.try_clone()?;
        let buffered = |file| BufReader::with_capacity(64 << 10, file);
        let (reader, packed): (Box<dyn Read + Send>, _) = match &magic[..read] {
            [0x1f, 0x8b, ..] => (Box::new(MultiGzDecoder::new(buffered(file))), Some("gzip")),
            ZSTD => {
                let mut decoder = zstd::Decoder::with_buffer(buffered(file))?;
                decoder.window_log_max(WINDOW)?;
                (Box::new(decoder), Some("zstd"))
            }
            _ => (Box::new(file), None),
        };
        let reader: Box<dyn Read + Send> = match self.format {
            Format::Json => Box::new(JsonLines::new(reader)),
            _ => reader,
        };
        Ok(Stored {
            reader,
            handle,
            size,
            compressed: packed.is_some(),
            packed,
        })
    }
}

/// The magic number of a zstd frame.
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// The logarithm of the maximum window of a frame: 8 MiB, which every decoder supports (RFC 8878).
const WINDOW: u32 = 23;

impl Source {
    /// The dataset as a seekable file. A compressed one is decompressed into an unnamed temporary
    /// file, which cannot be left behind.
    pub(crate) fn open_seekable(
        &self,
        scratch: &Path,
        context: JobContext<'_>,
    ) -> Result<File, EngineError> {
        let mut stored = self.open()?;
        if !stored.compressed {
            return Ok(File::open(&self.path)?);
        }
        let mut file = tempfile::tempfile_in(scratch).map_err(of_scratch)?;
        let mut buffer = vec![0; 256 << 10];
        let mut left = decompressed_limit(stored.size);
        loop {
            context.check()?;
            let read = stored.fill(&mut buffer)?;
            if read == 0 {
                break;
            }
            left = left
                .checked_sub(read as u64)
                .ok_or_else(decompression_bomb)?;
            file.write_all(&buffer[..read])?;
        }
        file.rewind()?;
        Ok(file)
    }
}

/// The error of a temporary file, which is no error of the dataset's file.
pub(crate) fn of_scratch(error: io::Error) -> io::Error {
    Dependency::Scratch.mark(error)
}

/// The most bytes that a file of this size may decompress to on disk; legitimate files stay below.
pub(crate) fn decompressed_limit(size: u64) -> u64 {
    size.saturating_mul(200).saturating_add(64 << 20)
}

pub(crate) fn decompression_bomb() -> EngineError {
    EngineError::ResourceExhausted {
        detail: "decompressed it is more than 200 times as large".into(),
    }
}

/// The decompressed bytes of a file, and the progress in the file.
pub(crate) struct Stored {
    pub(crate) reader: Box<dyn Read + Send>,
    /// Of the file that the reader reads.
    handle: File,
    size: u64,
    pub(crate) compressed: bool,
    /// The name of the compression.
    packed: Option<&'static str>,
}

impl Stored {
    /// The share of the file that was read, 0 to 1.
    pub(crate) fn done(&self) -> f64 {
        let position = (&self.handle).stream_position().unwrap_or(0);
        if self.size == 0 {
            1.0
        } else {
            position as f64 / self.size as f64
        }
    }

    /// Reads until the buffer is full or the data ends.
    pub(crate) fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, EngineError> {
        let read = read_full(&mut self.reader, buffer);
        read.map_err(|error| self.explain(error))
    }

    /// Appends up to `most` bytes, fewer only where the data end: without writing zeros first.
    pub(crate) fn append(
        &mut self,
        buffer: &mut Vec<u8>,
        most: usize,
    ) -> Result<usize, EngineError> {
        buffer.reserve(most);
        let mut part = self.reader.by_ref().take(most as u64);
        let read = part.read_to_end(buffer);
        read.map_err(|error| self.explain(error))
    }

    fn explain(&self, error: io::Error) -> EngineError {
        if let Some(broken) = error.get_ref().and_then(|inner| inner.downcast_ref()) {
            let broken: &InvalidJson = broken;
            return EngineError::malformed("JSON", broken.to_string());
        }
        match (self.packed, error.kind()) {
            (Some(packed), io::ErrorKind::UnexpectedEof) => {
                EngineError::malformed(packed, "the file ends in the middle of the compressed data")
            }
            // zstd has no error kind of its own for corrupt data.
            (Some("zstd"), io::ErrorKind::Other)
            | (Some(_), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => {
                EngineError::malformed(self.packed.unwrap_or_default(), error.to_string())
            }
            _ => error.into(),
        }
    }
}

pub(crate) fn read_full(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Whether an archive begins as an OpenDocument spreadsheet does: with its media type.
pub(crate) fn is_open_document(head: &[u8]) -> bool {
    const TYPE: &[u8] = b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet";
    memchr::memmem::find(&head[..head.len().min(128)], TYPE).is_some()
}

/// Whether a document begins like an array of objects.
fn is_array(head: &[u8]) -> bool {
    let inner = head.strip_prefix(b"[").map(<[u8]>::trim_ascii_start);
    inner.is_some_and(|inner| inner.starts_with(b"{") || inner.starts_with(b"]"))
}
