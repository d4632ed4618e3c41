//! A client's connection, closed if the client reads nothing for too long.
//!
//! The dispatcher has no such bound: a client that stops reading would keep its connection, its
//! file and its place in the shutdown for as long as it likes. TLS is layered over this socket, and
//! so within the same bound.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::rt::net::TcpStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::stall::Stall;
use crate::state::ApiState;

/// The connection.
pub(crate) struct Socket {
    stream: TcpStream,
    stall: Stall,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream, state: Arc<ApiState>) -> Self {
        let stall = Stall::new(state);
        Self { stream, stall }
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
                self.stall.progressed();
                Poll::Ready(written)
            }
            Poll::Pending => self.stall.poll_timeout(context).map(Err),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
