//! Decompresses zstd on its way to the blob store, one bounded chunk at a time.

use std::io;

use bytes::{Buf, BytesMut};
use zstd::stream::raw::{DParameter, Decoder, Operation};

/// The first bytes of a frame.
pub(crate) const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// The largest window of a frame, as a power of two: 8 MiB, which every decoder supports (RFC
/// 8878).
const WINDOW: u32 = 23;
/// Bytes that are decompressed at a time.
const BUFFER: usize = 128 << 10;

/// One or more frames of zstd.
pub(crate) struct Unpacker {
    decoder: Decoder<'static>,
    buffer: Vec<u8>,
    /// The decoder holds more than fit into the buffer.
    full: bool,
    /// No frame is open.
    whole: bool,
}

impl Unpacker {
    /// A decoder at the beginning of its data.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub(crate) fn new() -> io::Result<Self> {
        let mut decoder = Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(WINDOW))?;
        Ok(Self {
            decoder,
            buffer: vec![0; BUFFER],
            full: false,
            whole: true,
        })
    }

    /// Decompresses what is pending, at least `most` bytes of it if there are as many; `taken`
    /// receives what was read.
    ///
    /// # Errors
    /// If it is not zstd.
    pub(crate) fn unpack(
        &mut self,
        pending: &mut BytesMut,
        most: usize,
        mut taken: impl FnMut(&[u8]),
    ) -> io::Result<Vec<u8>> {
        let mut piece = Vec::new();
        while piece.len() < most && (self.full || !pending.is_empty()) {
            if self.whole {
                self.decoder.reinit()?;
            }
            let status = self.decoder.run_on_buffers(pending, &mut self.buffer)?;
            piece.extend_from_slice(&self.buffer[..status.bytes_written]);
            taken(&pending[..status.bytes_read]);
            pending.advance(status.bytes_read);
            self.whole = status.remaining == 0;
            self.full = status.bytes_written == self.buffer.len() && !self.whole;
            if status.bytes_read == 0 && status.bytes_written == 0 {
                break;
            }
        }
        Ok(piece)
    }

    /// Whether the data ended where a frame does.
    pub(crate) fn is_whole(&self) -> bool {
        self.whole
    }
}
