//! A blocking HTTP client.

use std::io::Read;
use std::time::Duration;

use serde_json::Value;
use ureq::http::{HeaderMap, Method, Request};
use ureq::{Agent, AsSendBody, SendBody};

use super::TIMEOUT;

/// The largest answer that is read, in bytes.
const LARGEST: u64 = 256 << 20;

/// A client that reuses its connections.
#[derive(Clone)]
pub(crate) struct Client {
    agent: Agent,
    base: String,
    key: Option<String>,
    headers: Vec<(String, String)>,
}

/// A whole answer.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) fn new(base: &str) -> Self {
        Self {
            agent: Agent::config_builder()
                .http_status_as_error(false)
                .timeout_global(Some(TIMEOUT))
                .timeout_connect(Some(Duration::from_secs(10)))
                .proxy(None)
                .build()
                .into(),
            base: base.to_owned(),
            key: None,
            headers: Vec::new(),
        }
    }

    /// The same, with a bearer key.
    pub(crate) fn with_key(&self, key: &str) -> Self {
        Self {
            key: Some(key.to_owned()),
            ..self.clone()
        }
    }

    /// The same, with a header on every request.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let mut client = self.clone();
        client.headers.push((name.to_owned(), value.to_owned()));
        client
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.try_get(path).unwrap()
    }

    pub(crate) fn try_get(&self, path: &str) -> Result<Answer, ureq::Error> {
        self.send(Method::GET, path, &[], ())
    }

    #[track_caller]
    pub(crate) fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(Method::GET, path, headers, ()).unwrap()
    }

    #[track_caller]
    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, &[], ()).unwrap()
    }

    #[track_caller]
    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_with(path, &[], body)
    }

    #[track_caller]
    pub(crate) fn post_with(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        self.try_post(path, headers, body).unwrap()
    }

    pub(crate) fn try_post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Result<Answer, ureq::Error> {
        let headers = [headers, &[("content-type", "application/json")]].concat();
        self.send(Method::POST, path, &headers, body.to_string())
    }

    #[track_caller]
    pub(crate) fn put(&self, path: &str, media_type: &str, body: &[u8]) -> Answer {
        self.put_with(path, &[("content-type", media_type)], body)
    }

    #[track_caller]
    pub(crate) fn put_with(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.send(Method::PUT, path, headers, body).unwrap()
    }

    /// A body that is made while it is sent.
    #[track_caller]
    pub(crate) fn put_stream(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        mut body: impl Read,
    ) -> Answer {
        let body = SendBody::from_reader(&mut body);
        self.send(Method::PUT, path, headers, body).unwrap()
    }

    pub(crate) fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsSendBody,
    ) -> Result<Answer, ureq::Error> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(key) = &self.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let answer = self.agent.run(request.body(body)?)?;
        let (head, body) = answer.into_parts();
        Ok(Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body: body.into_with_config().limit(LARGEST).read_to_vec()?,
        })
    }
}

impl Answer {
    /// # Panics
    /// Where the status is another one.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// Expects a problem document with that status and code.
    #[track_caller]
    pub(crate) fn expect_problem(self, status: u16, code: &str) -> Self {
        let answer = self.expect(status);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let problem = answer.json();
        assert_eq!(problem["code"], code, "{answer:?}");
        assert_eq!(problem["status"], status, "{answer:?}");
        for field in ["type", "title", "detail"] {
            assert!(problem[field].is_string(), "no {field}: {answer:?}");
        }
        answer
    }

    /// The header; empty where it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text: String = self.text().chars().take(2000).collect();
        write!(f, "{} {:#?}\n{text}", self.status, self.headers)
    }
}
