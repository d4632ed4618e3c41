//! What a connection's bytes go through: the socket, or TLS over it.

use tokio::io::{AsyncRead, AsyncWrite};

/// Reads and writes a connection.
pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Io for T {}

/// A connection, whatever lies below it.
pub(crate) type Transport = Box<dyn Io>;
