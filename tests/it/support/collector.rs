//! A collector of traces, as far as OTLP over HTTP needs one.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::until;

/// A span as it was sent.
pub(crate) type Span = Value;

/// Keeps what it is sent, until the end of the test's process.
#[derive(Clone)]
pub(crate) struct Collector {
    address: SocketAddr,
    received: Arc<Mutex<Received>>,
}

#[derive(Default)]
struct Received {
    spans: Vec<Span>,
    resources: Vec<Value>,
    heads: Vec<String>,
}

impl Collector {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::<Mutex<Received>>::default();
        let theirs = Arc::clone(&received);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let received = Arc::clone(&theirs);
                std::thread::spawn(move || serve(stream, &received));
            }
        });
        Self { address, received }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn spans(&self) -> Vec<Span> {
        self.received.lock().unwrap().spans.clone()
    }

    pub(crate) fn resources(&self) -> Vec<Value> {
        self.received.lock().unwrap().resources.clone()
    }

    /// The heads of the requests.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.received.lock().unwrap().heads.clone()
    }

    /// Waits for a span.
    #[track_caller]
    pub(crate) fn span(&self, name: &str, is_it: impl Fn(&Span) -> bool) -> Span {
        until(&format!("a span {name}"), || {
            let mut spans = self.spans().into_iter();
            spans.find(|span| span["name"] == name && is_it(span))
        })
    }
}

/// Takes the batches of one connection.
fn serve(stream: TcpStream, received: &Mutex<Received>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut writer = stream;
    loop {
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            head.push_str(line);
            head.push('\n');
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let request: Value = serde_json::from_slice(&body).unwrap();
        let mut received = received.lock().unwrap();
        received.heads.push(head);
        for part in request["resourceSpans"].as_array().unwrap() {
            received.resources.push(part["resource"].clone());
            for scope in part["scopeSpans"].as_array().unwrap() {
                let spans = scope["spans"].as_array().unwrap();
                received.spans.extend(spans.iter().cloned());
            }
        }
        drop(received);
        writer
            .write_all(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
                  content-length: 2\r\n\r\n{}",
            )
            .ok()?;
    }
}

/// The attribute of a span as text; empty where it is not there.
pub(crate) fn attribute(span: &Span, key: &str) -> String {
    let mut attributes = span["attributes"].as_array().unwrap().iter();
    let Some(found) = attributes.find(|found| found["key"] == key) else {
        return String::new();
    };
    let value = found["value"].as_object().unwrap().values().next().unwrap();
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
