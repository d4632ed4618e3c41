//! The child's end of the pipes.

use std::io::{self, BufWriter, Read, Write};
use std::thread;

use crate::protocol::{CONTROL, DATA, HEAD, MAX_FRAME, Reply, Request};

/// Bytes of the answer that make up a frame.
const CHUNK: usize = 64 * 1024;

/// Standard input and output as frames. Frames are written whole, from whichever thread.
#[derive(Clone, Copy)]
pub(super) struct Wire;

impl Wire {
    /// Says something.
    pub(super) fn say(self, reply: &Reply) -> io::Result<()> {
        write_frame(CONTROL, &serde_json::to_vec(reply)?)
    }

    /// Hears what the host says; nothing when the host has closed the pipe.
    pub(super) fn hear(self) -> io::Result<Option<Request>> {
        let mut stdin = io::stdin().lock();
        let mut head = [0; HEAD];
        match stdin.read_exact(&mut head) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        let [kind, length @ ..] = head;
        let length = u32::from_le_bytes(length) as usize;
        if kind != CONTROL || length > MAX_FRAME {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut payload = vec![0; length];
        stdin.read_exact(&mut payload)?;
        Ok(Some(serde_json::from_slice(&payload)?))
    }

    /// A writer of the answer's bytes. Flush it before anything else is said.
    pub(super) fn answer(self) -> Output {
        BufWriter::with_capacity(CHUNK, Data)
    }
}

/// A writer of the answer's bytes.
pub(super) type Output = BufWriter<Data>;

/// Each write is a frame.
#[derive(Debug)]
pub(super) struct Data;

impl Write for Data {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let bytes = &bytes[..bytes.len().min(CHUNK)];
        write_frame(DATA, bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_frame(kind: u8, payload: &[u8]) -> io::Result<()> {
    let length = u32::try_from(payload.len()).map_err(io::Error::other)?;
    let mut head = [0; HEAD];
    head[0] = kind;
    head[1..].copy_from_slice(&length.to_le_bytes());
    let mut stdout = io::stdout().lock();
    stdout.write_all(&head)?;
    stdout.write_all(payload)?;
    stdout.flush()
}

/// Ends the process as soon as the host closes the pipe: it does so by dying, too. The signal of
/// [`follow_the_host`](super::limits::follow_the_host) is the faster way, where there is one.
pub(super) fn exit_when_the_host_is_gone() {
    let watch = || {
        // Nothing is said to a child that has its tables; whatever comes, it is the end.
        let _ = io::stdin().lock().read(&mut [0]);
        // Nothing is left to be dropped: the host removes the query's folder.
        let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL);
    };
    // Without it the signal is left.
    let _ = thread::Builder::new()
        .name("watch".into())
        .stack_size(64 * 1024)
        .spawn(watch);
}
