//! `lastcall health`: checks the service on this machine.

mod stream;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

use crate::config::Config;
use crate::exit::{Exit, Failure};

/// How long the whole check may take: a HEALTHCHECK has 3 s.
const TIMEOUT: Duration = Duration::from_millis(2_500);
/// The longest response that is read.
const MAX_RESPONSE: u64 = 64 * 1024;

/// Checks whether the configured service is alive and, for people, whether it is ready. Returns the
/// status as one line.
pub(super) fn check(config: &Config) -> Result<String, Failure> {
    let (address, tls) = match config.server.admin_bind {
        Some(address) => (address, false),
        None => (config.server.bind, config.server.tls.is_some()),
    };
    status(reachable(address), tls).map_err(|error| Failure::new(Exit::Unavailable, error))
}

fn status(address: SocketAddr, tls: bool) -> anyhow::Result<String> {
    ensure!(
        address.port() != 0,
        "the port is picked at start (port 0): set server.bind or server.admin_bind to the one \
         that the log names"
    );
    let until = Instant::now() + TIMEOUT;
    let (code, _) = get(address, tls, "/livez", until)
        .with_context(|| format!("no service answers on {address}"))?;
    if code != 200 {
        bail!("{address}: /livez answers {code}");
    }
    Ok(match get(address, tls, "/readyz", until) {
        Ok((_, body)) => format!("{address}: alive, {}", readiness(&body)),
        // It is busy or a part of it is slow, but it is alive.
        Err(_) => format!("{address}: alive, readiness unknown"),
    })
}

/// The response of `/readyz` as one line.
fn readiness(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let status = body["status"].as_str().unwrap_or("readiness unknown");
    let checks = body["checks"].as_array().map_or(&[][..], Vec::as_slice);
    let failing = checks.iter().filter_map(|check| {
        let (name, detail) = (check["name"].as_str()?, check["detail"].as_str()?);
        Some(format!("{name}: {}", detail.replace(['\n', '\r'], " ")))
    });
    let failing: Vec<String> = failing.collect();
    if failing.is_empty() {
        status.to_owned()
    } else {
        format!("{status} ({})", failing.join("; "))
    }
}

/// The status and the body of the response to a GET.
fn get(
    address: SocketAddr,
    tls: bool,
    path: &str,
    until: Instant,
) -> anyhow::Result<(u16, Vec<u8>)> {
    let mut stream = stream::connect(address, tls, until)?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    stream.flush()?;
    let mut answer = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece)?;
        answer.extend_from_slice(&piece[..read]);
        if read == 0 || answer.len() as u64 >= MAX_RESPONSE {
            break;
        }
    }
    let head = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let head = head.context("the answer is cut short")?;
    let code = std::str::from_utf8(&answer[..head])?
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .context("the answer is not HTTP")?;
    Ok((code, answer.split_off(head + 4)))
}

/// A wildcard address is reached over loopback.
fn reachable(bind: SocketAddr) -> SocketAddr {
    let ip = match bind.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, bind.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_is_one_line() {
        let body = br#"{"status":"degraded","checks":
            [{"name":"store","status":"failing","detail":"the file\nis gone"}]}"#;
        assert_eq!(readiness(body), "degraded (store: the file is gone)");
        assert_eq!(readiness(br#"{"status":"ready"}"#), "ready");
        assert_eq!(readiness(b"<html>"), "readiness unknown");
    }

    #[test]
    fn a_wildcard_is_reached_over_loopback() {
        for (bind, reached) in [
            ("0.0.0.0:1", "127.0.0.1:1"),
            ("[::]:2", "[::1]:2"),
            ("10.0.0.1:3", "10.0.0.1:3"),
        ] {
            let bind: SocketAddr = bind.parse().unwrap();
            assert_eq!(reachable(bind).to_string(), reached);
        }
    }
}
