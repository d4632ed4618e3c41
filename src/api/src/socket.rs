//! A client's connection, closed if the client reads nothing for too long.
//!
//! The dispatcher has no such bound: an answer to a client that stops reading would keep its
//! connection, its file and its place in the shutdown for as long as the client likes.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::rt::net::TcpStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use crate::state::ApiState;

/// How often a client that takes nothing is looked at, as parts of the time that it has.
const LOOKS: u32 = 8;

/// The connection.
pub(crate) struct Socket {
    stream: TcpStream,
    state: Arc<ApiState>,
    stall: Option<Stall>,
}

/// A write that the client does not let through.
struct Stall {
    since: Instant,
    look: Pin<Box<Sleep>>,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream, state: Arc<ApiState>) -> Self {
        Self {
            stream,
            state,
            stall: None,
        }
    }

    fn timeout(&self) -> Duration {
        let timeouts = self.state.config.write_timeouts;
        if self.state.is_stopping() {
            timeouts.stopping
        } else {
            timeouts.running
        }
    }

    /// Nothing could be written: an error once that has been so for too long.
    fn poll_stalled(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let timeout = self.timeout();
        let interval = self.state.config.write_timeouts.stopping / LOOKS;
        let stall = self.stall.get_or_insert_with(|| Stall {
            since: Instant::now(),
            look: Box::pin(sleep(interval)),
        });
        while stall.since.elapsed() < timeout {
            ready!(stall.look.as_mut().poll(context));
            stall.look.as_mut().reset(Instant::now() + interval);
        }
        let detail = format!("the client takes nothing for {timeout:?}");
        Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, detail))
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write(context, bytes) {
            Poll::Ready(written) => {
                self.stall = None;
                Poll::Ready(written)
            }
            Poll::Pending => self.poll_stalled(context).map(Err),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
