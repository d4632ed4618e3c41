//! Fetches the key set.

use std::error::Error;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use reqwest::header::ACCEPT;
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Response, StatusCode};
use url::Url;

use crate::key_set::KeySet;
use crate::settings::KeySource;

/// How long a fetch may take, from the name of the host to the last byte.
pub(crate) const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// The largest set, in bytes.
const MAX_BYTES: u64 = 256 * 1024;
/// The most redirects.
const MAX_REDIRECTS: usize = 3;

/// The keys that are at `source` now.
///
/// # Errors
/// Why there are none, without the address.
pub(crate) async fn fetch(source: &KeySource) -> Result<KeySet, String> {
    match source {
        KeySource::Url(url) => KeySet::parse(&download(url).await?),
        KeySource::File(path) => {
            let path = path.clone();
            let read = tokio::task::spawn_blocking(move || read(&path));
            KeySet::parse(&read.await.map_err(|error| error.to_string())??)
        }
    }
}

async fn download(url: &Url) -> Result<Vec<u8>, String> {
    let plain = url.scheme() == "http";
    // A client for each fetch: there is one every few minutes, and roots that are replaced count
    // from the next one on. Reading them waits for a disk.
    let client = tokio::task::spawn_blocking(move || client(plain));
    let client = client.await.map_err(|error| error.to_string())?;
    let client = client.map_err(told)?;
    let request = client.get(url.clone());
    let request = request.header(ACCEPT, "application/jwk-set+json, application/json");
    let mut response = request.send().await.map_err(told)?;
    if response.status() != StatusCode::OK {
        return Err(format!("the answer is {}", response.status()));
    }
    body(&mut response).await
}

async fn body(response: &mut Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(told)? {
        if (body.len() + piece.len()) as u64 > MAX_BYTES {
            return Err(too_large());
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

fn client(plain: bool) -> reqwest::Result<Client> {
    let client = Client::builder()
        .timeout(FETCH_TIMEOUT)
        .connect_timeout(FETCH_TIMEOUT)
        .pool_max_idle_per_host(0)
        .redirect(Policy::custom(stay));
    // What is on this machine is not asked of a proxy.
    let client = if plain { client.no_proxy() } else { client };
    client.build()
}

/// Follows redirects within the place that was configured, and to nowhere else.
fn stay(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let origin = |url: &Url| url.origin();
    let same = attempt
        .previous()
        .first()
        .is_some_and(|first| origin(first) == origin(attempt.url()));
    if !same {
        attempt.error("a redirect to another host")
    } else if attempt.previous().len() > MAX_REDIRECTS {
        attempt.error("too many redirects")
    } else {
        attempt.follow()
    }
}

/// What went wrong, down to its cause.
fn told(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let unreadable = |error: std::io::Error| format!("the file cannot be read: {error}");
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    let read = file.take(MAX_BYTES + 1).read_to_end(&mut bytes);
    if read.map_err(unreadable)? as u64 > MAX_BYTES {
        return Err(too_large());
    }
    Ok(bytes)
}

fn too_large() -> String {
    format!("it is larger than {} KiB", MAX_BYTES / 1024)
}
