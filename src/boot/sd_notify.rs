//! Notifies the service manager, if there is one, by systemd's `sd_notify`.
//!
//! A message is a datagram, sent without waiting; a lost one costs only status information.

use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

/// Extra time for the exit itself, beyond the deadline.
const EXIT_TIME: Duration = Duration::from_secs(5);

/// The service manager, if there is one. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Manager {
    socket: Option<Arc<UnixDatagram>>,
    watchdog: Option<Duration>,
}

impl Manager {
    /// The service manager named by the environment.
    pub(super) fn from_environment() -> Self {
        let variable = |name: &str| std::env::var(name).ok();
        let socket = variable("NOTIFY_SOCKET").and_then(|name| {
            connect(&name)
                .inspect_err(|error| log::warn!("NOTIFY_SOCKET={name}: {error}"))
                .ok()
        });
        let is_ours =
            variable("WATCHDOG_PID").is_none_or(|pid| pid == std::process::id().to_string());
        let watchdog = variable("WATCHDOG_USEC").and_then(|time| time.parse().ok());
        Self {
            socket: socket.map(Arc::new),
            watchdog: watchdog
                .filter(|time| is_ours && *time > 0)
                .map(Duration::from_micros),
        }
    }

    /// The service is ready.
    pub(super) fn ready(&self, status: &str) {
        self.send(&format!("READY=1\nSTATUS={status}"));
    }

    /// The configuration is being reloaded; [`ready`](Self::ready) ends that.
    pub(super) fn reloading(&self) {
        self.send("RELOADING=1");
    }

    /// The shutdown has begun, and ends within this time.
    pub(super) fn stopping(&self, deadline: Duration) {
        let time = (deadline + EXIT_TIME).as_micros();
        self.send(&format!(
            "STOPPING=1\nSTATUS=shutting down\nEXTEND_TIMEOUT_USEC={time}"
        ));
    }

    /// The service is alive.
    pub(super) fn alive(&self) {
        self.send("WATCHDOG=1");
    }

    /// The longest interval between keep-alives that the manager accepts.
    pub(super) fn watchdog(&self) -> Option<Duration> {
        self.socket.as_ref().and(self.watchdog)
    }

    fn send(&self, message: &str) {
        if let Some(socket) = &self.socket {
            // A manager that does not receive changes nothing.
            let _ = socket.send(message.as_bytes());
        }
    }
}

fn connect(name: &str) -> io::Result<UnixDatagram> {
    let address = match name.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(name)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.connect_addr(&address)?;
    Ok(socket)
}
