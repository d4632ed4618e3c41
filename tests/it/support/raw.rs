//! A raw connection: to check when the server closes it, what it sends before a request has ended,
//! and the headers of a kept connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use super::TIMEOUT;

/// One connection.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
}

/// The head of an answer, and its body where its length was announced.
#[derive(Debug)]
pub(crate) struct RawAnswer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(address: &str) -> Self {
        Self::try_open(address).unwrap()
    }

    pub(crate) fn try_open(address: &str) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    pub(crate) fn write(&mut self, text: &str) {
        self.stream.get_mut().write_all(text.as_bytes()).unwrap();
    }

    /// Requests `path` and keeps the connection open.
    pub(crate) fn get(&mut self, path: &str) -> RawAnswer {
        self.request("GET", path);
        self.answer()
    }

    /// Sends a request without a body.
    pub(crate) fn request(&mut self, method: &str, path: &str) {
        self.write(&format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"
        ));
    }

    /// Reads an answer; of a chunked one only the head.
    pub(crate) fn answer(&mut self) -> RawAnswer {
        let status = self.line();
        let status = status.split(' ').nth(1).expect("a status line");
        let mut answer = RawAnswer {
            status: status.parse().unwrap(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        loop {
            let line = self.line();
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            let header = (name.to_ascii_lowercase(), value.trim().to_owned());
            answer.headers.push(header);
        }
        let length = answer.header("content-length").parse().unwrap_or(0);
        answer.body.resize(length, 0);
        self.stream.read_exact(&mut answer.body).unwrap();
        answer
    }

    /// The next line, without its end; empty at the end of the stream.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Everything until the server closes the connection.
    pub(crate) fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).unwrap();
        String::from_utf8_lossy(&rest).into_owned()
    }
}

impl RawAnswer {
    /// The header; empty where it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value)
    }

    /// Whether the server announces that it will close the connection.
    pub(crate) fn closes(&self) -> bool {
        self.header("connection").eq_ignore_ascii_case("close")
    }
}
