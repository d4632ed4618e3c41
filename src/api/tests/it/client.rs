//! A client that looks at answers as they are: no redirects, no errors for statuses.

use serde_json::Value;
use ureq::http::{HeaderMap, Response};
use ureq::{Agent, Body, SendBody};

pub struct Client {
    agent: Agent,
    base: String,
    headers: Vec<(String, String)>,
}

pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Client {
    pub fn new(base: String) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .build()
            .new_agent();
        Self {
            agent,
            base,
            headers: Vec::new(),
        }
    }

    /// The same client with a header on every request.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut headers = self.headers.clone();
        headers.push((name.to_owned(), value.to_owned()));
        Self {
            agent: self.agent.clone(),
            base: self.base.clone(),
            headers,
        }
    }

    pub fn get(&self, path: &str) -> Reply {
        self.send("GET", path, SendBody::none())
    }

    pub fn delete(&self, path: &str) -> Reply {
        self.send("DELETE", path, SendBody::none())
    }

    pub fn post(&self, path: &str, body: &Value) -> Reply {
        self.with("content-type", "application/json")
            .raw("POST", path, body.to_string().as_bytes())
    }

    pub fn put(&self, path: &str, media_type: &str, body: &[u8]) -> Reply {
        self.with("content-type", media_type).raw("PUT", path, body)
    }

    pub fn raw(&self, method: &str, path: &str, body: &[u8]) -> Reply {
        self.send(method, path, SendBody::from_reader(&mut &*body))
    }

    pub fn send(&self, method: &str, path: &str, body: SendBody<'_>) -> Reply {
        let response = self.open(method, path, body);
        let (head, body) = response.into_parts();
        Reply {
            status: head.status.as_u16(),
            headers: head.headers,
            body: body
                .into_with_config()
                .limit(1 << 30)
                .read_to_vec()
                .unwrap(),
        }
    }

    /// The answer with its body still to be read.
    pub fn open(&self, method: &str, path: &str, body: SendBody<'_>) -> Response<Body> {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        self.agent.run(request.body(body).unwrap()).unwrap()
    }
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map(|value| value.to_str().unwrap())
            .unwrap_or_default()
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// The JSON of an answer that has to be of that status.
    #[track_caller]
    pub fn ok(self, status: u16) -> Value {
        self.expect(status).json()
    }

    /// A problem document of that status and code.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Value {
        let reply = self.expect(status);
        assert_eq!(reply.header("content-type"), "application/problem+json");
        let document = reply.json();
        assert_eq!(document["code"], code, "{document}");
        assert_eq!(document["status"], status);
        assert_eq!(document["type"], format!("/docs/errors#{code}"));
        assert!(!document["title"].as_str().unwrap().is_empty());
        assert!(!document["detail"].as_str().unwrap().is_empty());
        document
    }
}

impl Reply {
    /// Any refusal.
    #[track_caller]
    pub fn expect_client_error(self) {
        assert!((400..500).contains(&self.status), "{}", self.text());
    }
}
