//! Sends batches to the collector, and retries as the specification says.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Response as Answer, StatusCode, Url};
use tokio::time::sleep;

use crate::otlp::Response;

/// How much of a response is read, in bytes: it only reports how many spans were rejected.
const MAX_RESPONSE: usize = 64 << 10;
/// The most tries for one batch.
const MAX_TRIES: u32 = 4;
/// The pause before the first retry; doubled each time.
const MIN_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause that a collector may ask for.
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// The HTTP client of the collector.
#[derive(Debug)]
pub(crate) struct Client {
    client: reqwest::Client,
    url: String,
}

/// Why a try failed.
enum Failed {
    /// Permanently.
    Refused(String),
    /// Temporarily; with the pause that the collector asks for, if any.
    Again(String, Option<Duration>),
}

impl Client {
    /// A client for this endpoint, which waits for a response for `timeout`. It follows no
    /// redirects, which would take the headers to another host.
    ///
    /// # Errors
    /// What is wrong with the settings.
    pub(crate) fn new(
        endpoint: &str,
        headers: &[(String, String)],
        timeout: Duration,
    ) -> Result<Self, String> {
        let mut fields = HeaderMap::new();
        for (name, value) in headers {
            let (Ok(name), Ok(mut value)) = (
                HeaderName::try_from(name),
                HeaderValue::try_from(value.as_str()),
            ) else {
                return Err("a header is invalid".to_owned());
            };
            value.set_sensitive(true);
            fields.insert(name, value);
        }
        fields.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let client = reqwest::Client::builder()
            .default_headers(fields)
            .redirect(Policy::none())
            .timeout(timeout)
            // Loading them takes a while, and memory.
            .tls_built_in_root_certs(endpoint.starts_with("https:"));
        // Local addresses are not reached through a proxy.
        let client = match is_local(endpoint) {
            true => client.no_proxy(),
            false => client,
        };
        let client = client.build().map_err(|error| error.to_string())?;
        Ok(Self {
            client,
            url: format!("{}/v1/traces", endpoint.trim_end_matches('/')),
        })
    }

    /// Sends a batch. Returns how many of its spans were rejected.
    ///
    /// # Errors
    /// Why it could not be sent, without the URL and the headers.
    pub(crate) async fn send(&self, batch: Vec<u8>) -> Result<u64, String> {
        let mut tries = 1;
        loop {
            match self.send_once(batch.clone()).await {
                Ok(rejected) => return Ok(rejected),
                Err(Failed::Refused(why)) => return Err(why),
                Err(Failed::Again(why, _)) if tries == MAX_TRIES => return Err(why),
                Err(Failed::Again(_, pause)) => {
                    let own = MIN_PAUSE * 2_u32.pow(tries - 1);
                    sleep(pause.unwrap_or(own).min(MAX_PAUSE)).await;
                }
            }
            tries += 1;
        }
    }

    async fn send_once(&self, batch: Vec<u8>) -> Result<u64, Failed> {
        let request = self.client.post(&self.url).body(batch);
        let answer = request.send().await.map_err(failed)?;
        let status = answer.status();
        if status.is_success() {
            return rejected(answer).await.map_err(failed);
        }
        let why = format!("it answers {status}");
        Err(match status {
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Failed::Again(why, pause(&answer)),
            _ => Failed::Refused(why),
        })
    }
}

/// Whether the endpoint is on this machine.
fn is_local(endpoint: &str) -> bool {
    let url = Url::parse(endpoint).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse();
    host == "localhost" || address.is_ok_and(|address: IpAddr| address.is_loopback())
}

/// A network error with its causes: the outermost says little.
fn failed(error: reqwest::Error) -> Failed {
    let error = error.without_url();
    let mut why = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        why = format!("{why}: {inner}");
        cause = inner.source();
    }
    Failed::Again(why, None)
}

/// The pause that the collector asks for.
fn pause(answer: &Answer) -> Option<Duration> {
    let seconds = answer.headers().get(RETRY_AFTER)?.to_str().ok()?;
    seconds.parse().ok().map(Duration::from_secs)
}

/// How many spans were rejected. A response that is not OTLP rejects none.
async fn rejected(mut answer: Answer) -> Result<u64, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > MAX_RESPONSE {
            return Ok(0);
        }
        body.extend_from_slice(&chunk);
    }
    let response: Response = serde_json::from_slice(&body).unwrap_or_default();
    Ok(response.rejected())
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn local_endpoints_are_recognised() {
        for endpoint in [
            "http://127.0.0.1:4318",
            "http://[::1]:4318/x",
            "http://localhost",
        ] {
            assert!(is_local(endpoint), "{endpoint}");
        }
        for endpoint in [
            "http://collector:4318",
            "https://10.0.0.1",
            "http://127.0.0.1.example",
            "",
        ] {
            assert!(!is_local(endpoint), "{endpoint}");
        }
    }
}
