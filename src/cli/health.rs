//! `lastcall health`: one request to `/livez` of the service on this machine.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::config::Config;
use crate::exit::{Exit, Failure};

/// How long the service may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks the service that this configuration describes.
pub(super) fn ask(config: &Config) -> Result<(), Failure> {
    get_livez(reachable(config.server.bind)).map_err(|error| Failure::new(Exit::Unavailable, error))
}

fn get_livez(address: SocketAddr) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)
        .with_context(|| format!("nothing answers on {address}"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET /livez HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut status = [0; 12];
    stream
        .read_exact(&mut status)
        .context("the answer is cut short")?;
    if &status != b"HTTP/1.1 200" {
        bail!("/livez answers {}", String::from_utf8_lossy(&status));
    }
    Ok(())
}

/// An address that listens everywhere is reached over loopback.
fn reachable(bind: SocketAddr) -> SocketAddr {
    let ip = match bind.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, bind.port())
}
