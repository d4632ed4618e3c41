//! The child's end of the pipes.

use std::io::{self, BufWriter, Read, Write};
use std::thread;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{CHUNK, CONTROL, DATA, HEAD, MAX_FRAME};

/// Standard input and output as frames. Each frame is written whole, from any thread.
#[derive(Clone, Copy, Debug)]
pub struct Wire;

impl Wire {
    /// Sends a message.
    ///
    /// # Errors
    /// If the host is gone.
    pub fn send(self, message: &impl Serialize) -> io::Result<()> {
        write_frame(CONTROL, &serde_json::to_vec(message)?)
    }

    /// Receives a message; `None` once the host has closed the pipe.
    ///
    /// # Errors
    /// If the host violates the protocol.
    pub fn receive<T: DeserializeOwned>(self) -> io::Result<Option<T>> {
        match read_frame()? {
            None => Ok(None),
            Some((CONTROL, payload)) => Ok(Some(serde_json::from_slice(&payload)?)),
            Some(_) => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// Receives this many bytes of data.
    ///
    /// # Errors
    /// If the host violates the protocol, or is gone.
    pub fn receive_data(self, length: usize) -> io::Result<Vec<u8>> {
        let mut data = Vec::with_capacity(length);
        while data.len() < length {
            match read_frame()? {
                Some((DATA, payload)) if data.len() + payload.len() <= length => {
                    data.extend_from_slice(&payload);
                }
                Some(_) => return Err(io::ErrorKind::InvalidData.into()),
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        Ok(data)
    }

    /// A writer of data. Flush it before anything else is sent.
    pub fn output(self) -> Output {
        BufWriter::with_capacity(CHUNK, Data)
    }

    /// Ends the process as soon as the host closes the pipe, as it does when it dies. Must be
    /// called once the host sends nothing more. The signal that [`prepare`](super::limits::prepare)
    /// requests is faster, where it exists.
    pub fn exit_when_the_host_is_gone(self) {
        let watch = || {
            // Nothing more is sent; whatever arrives, it is the end.
            let _ = io::stdin().lock().read(&mut [0]);
            // Nothing needs to be dropped: the host removes the child's folder.
            let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL);
        };
        // If this fails, the signal still ends the child.
        let _ = thread::Builder::new()
            .name("watch".into())
            .stack_size(64 * 1024)
            .spawn(watch);
    }
}

/// A writer of data.
pub type Output = BufWriter<Data>;

/// Each write is a frame.
#[derive(Debug)]
pub struct Data;

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

fn read_frame() -> io::Result<Option<(u8, Vec<u8>)>> {
    let mut stdin = io::stdin().lock();
    let mut head = [0; HEAD];
    match stdin.read_exact(&mut head) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let [kind, length @ ..] = head;
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_FRAME {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut payload = vec![0; length];
    stdin.read_exact(&mut payload)?;
    Ok(Some((kind, payload)))
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
