//! Decompresses a page to exactly the size in its header: with gzip and brotli, the parquet crate
//! (59.3) only compares after decompressing any amount.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use parquet::basic::Compression;

/// Whether pages of this compression can be read.
pub(super) fn is_supported(codec: Compression) -> bool {
    !matches!(codec, Compression::LZO)
}

/// Fills `output` with the decompressed bytes.
pub(super) fn decompress(
    codec: Compression,
    input: &[u8],
    output: &mut [u8],
) -> Result<(), String> {
    let written = match codec {
        Compression::UNCOMPRESSED => {
            let plain = input.get(..output.len()).ok_or("a page is cut short")?;
            output.copy_from_slice(plain);
            output.len()
        }
        Compression::SNAPPY => snap::raw::Decoder::new()
            .decompress(input, output)
            .map_err(|error| error.to_string())?,
        Compression::GZIP(_) => fill(MultiGzDecoder::new(input), output)?,
        Compression::BROTLI(_) => fill(brotli::Decompressor::new(input, 4096), output)?,
        Compression::ZSTD(_) => zstd::bulk::Decompressor::new()
            .and_then(|mut zstd| zstd.decompress_to_buffer(input, output))
            .map_err(|error| error.to_string())?,
        Compression::LZ4_RAW => raw_lz4(input, output)?,
        Compression::LZ4 => lz4(input, output)?,
        Compression::LZO => return Err("LZO is not supported".into()),
    };
    if written == output.len() {
        Ok(())
    } else {
        Err(wrong_size())
    }
}

fn wrong_size() -> String {
    "a page does not have the size in its header".into()
}

/// Reads to the end, which has to coincide with the end of the output.
fn fill(mut reader: impl Read, output: &mut [u8]) -> Result<usize, String> {
    let written = crate::source::read_full(&mut reader, output).map_err(|e| e.to_string())?;
    match reader.read(&mut [0]) {
        Ok(0) => Ok(written),
        Ok(_) => Err(wrong_size()),
        Err(error) => Err(error.to_string()),
    }
}

fn raw_lz4(input: &[u8], output: &mut [u8]) -> Result<usize, String> {
    lz4_flex::block::decompress_into(input, output).map_err(|error| error.to_string())
}

/// LZ4 in one of the forms of different writers: blocks with their sizes (Hadoop), a frame, or a
/// single block.
fn lz4(input: &[u8], output: &mut [u8]) -> Result<usize, String> {
    if let Some(written) = hadoop(input, output) {
        return Ok(written);
    }
    fill(lz4_flex::frame::FrameDecoder::new(input), output).or_else(|_| raw_lz4(input, output))
}

fn hadoop(mut input: &[u8], output: &mut [u8]) -> Option<usize> {
    let mut written = 0usize;
    while !input.is_empty() {
        let (sizes, rest) = input.split_at_checked(8)?;
        let size = |at: usize| {
            let bytes = sizes[at..at + 4].try_into().ok()?;
            usize::try_from(u32::from_be_bytes(bytes)).ok()
        };
        let (unpacked, packed) = (size(0)?, size(4)?);
        let (block, rest) = rest.split_at_checked(packed)?;
        let end = written.checked_add(unpacked)?;
        let done = lz4_flex::block::decompress_into(block, output.get_mut(written..end)?).ok()?;
        if done != unpacked {
            return None;
        }
        written = end;
        input = rest;
    }
    Some(written)
}
