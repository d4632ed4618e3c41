//! Server-sent events, as they come over a raw connection.

use serde_json::Value;

use super::raw::Connection;

/// A stream of events.
pub(crate) struct Events(Connection);

impl Events {
    /// The stream at `path`, which has begun.
    #[track_caller]
    pub(crate) fn open(address: &str, path: &str) -> Self {
        let mut connection = Connection::open(address);
        let answer = connection.get(path);
        assert_eq!(answer.status, 200, "{answer:?}");
        Self(connection)
    }

    /// The name and the data of the next event; `None` at the end of the stream.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Option<(String, Value)> {
        loop {
            let line = self.0.line();
            // The last chunk.
            if line == "0" {
                return None;
            }
            if let Some(name) = line.strip_prefix("event: ") {
                let data = self.0.line();
                let data = data.strip_prefix("data: ").expect("the data of an event");
                return Some((name.to_owned(), serde_json::from_str(data).unwrap()));
            }
        }
    }

    /// Waits for an event of this name.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, name: &str) -> Value {
        loop {
            let (found, data) = self.next().expect("the stream goes on");
            if found == name {
                return data;
            }
        }
    }

    /// Waits for the system in this phase.
    #[track_caller]
    pub(crate) fn wait_for_phase(&mut self, phase: &str) -> Value {
        loop {
            let (name, system) = self.next().expect("the stream goes on");
            assert_eq!(name, "system", "no {phase}: {system:#}");
            if system["phase"] == phase {
                return system;
            }
        }
    }

    /// Everything until the connection is closed.
    pub(crate) fn rest(mut self) -> String {
        self.0.rest()
    }
}
