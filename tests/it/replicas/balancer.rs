//! A real HAProxy in front of the replicas.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::cluster::REPLICAS;
use crate::support::log::Log;
use crate::support::{Client, Service, TIMEOUT, until};

/// HAProxy; it ends with its test.
///
/// It uses readiness, tries another replica if it cannot connect, and never sends a request twice.
pub(super) struct Balancer {
    process: Child,
    log: Log,
    folder: TempDir,
    base: String,
}

impl Balancer {
    /// A balancer without replicas.
    pub(super) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The free port is taken here and handed over as standard input, so that nobody else
        // gets it.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let configuration = folder.path().join("haproxy.cfg");
        let socket = folder.path().join("socket");
        let text = configure(&socket.display().to_string());
        std::fs::write(&configuration, text).unwrap();
        let mut process = Command::new("haproxy")
            .arg("-db")
            .arg("-f")
            .arg(&configuration)
            .env("PATH", "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
            .stdin(OwnedFd::from(listener))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("haproxy runs: it is in Debian's package haproxy");
        let balancer = Self {
            log: Log::of(process.stderr.take().unwrap()),
            process,
            folder,
            base,
        };
        until("HAProxy listens for commands", || {
            UnixStream::connect(&socket).ok()
        });
        balancer
    }

    /// A client with connections of its own.
    pub(super) fn client(&self) -> Client {
        Client::new(&self.base)
    }

    /// Sets the replica in that place, and waits until it gets requests.
    #[track_caller]
    pub(super) fn admit(&self, place: usize, replica: &Service) {
        let (host, port) = replica.address().split_once(':').unwrap();
        let server = format!("replicas/r{place}");
        self.command(&format!("set server {server} addr {host} port {port}"));
        self.command(&format!("set server {server} state ready"));
        until("HAProxy sees that the replica is ready", || {
            self.is_up(place).then_some(())
        });
    }

    /// Whether the replica in that place gets requests.
    pub(super) fn is_up(&self, place: usize) -> bool {
        let name = format!("replicas,r{place},");
        let table = self.command("show stat");
        let row = table.lines().find(|line| line.starts_with(&name));
        let row = row.unwrap_or_else(|| panic!("no {name} in {table}"));
        row.split(',').any(|cell| cell == "UP")
    }

    /// Sends a command on the socket for operators; the answer.
    #[track_caller]
    fn command(&self, text: &str) -> String {
        let mut stream = UnixStream::connect(self.folder.path().join("socket")).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        stream.write_all(b"\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        // It may have ended by itself; then the test has failed already.
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!("--- log of HAProxy");
            for line in self.log.finish() {
                eprintln!("{line}");
            }
        }
    }
}

/// The places of the replicas have no address that answers before [`Balancer::admit`].
fn configure(socket: &str) -> String {
    let places: String = (0..REPLICAS)
        .map(|place| format!("    server r{place} 127.0.0.1:1 check disabled\n"))
        .collect();
    format!(
        "global
    stats socket {socket} mode 600 level admin
    nbthread 1
    maxconn 1000
defaults
    mode http
    timeout connect 5s
    timeout client 90s
    timeout server 90s
    timeout check 10s
    retries 3
    retry-on conn-failure
    option redispatch 1
frontend clients
    bind fd@0
    default_backend replicas
backend replicas
    balance roundrobin
    option httpchk GET /readyz
    http-check expect status 200
    default-server inter 100ms fall 1 rise 1
{places}"
    )
}
