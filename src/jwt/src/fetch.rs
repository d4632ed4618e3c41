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

/// Fetches the current keys from `source`.
///
/// # Errors
/// Why that failed, without the address.
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
    // A new client for each fetch: fetches are minutes apart, and replaced root certificates take
    // effect with the next one. Reading them blocks.
    let client = tokio::task::spawn_blocking(move || client(plain));
    let client = client.await.map_err(|error| error.to_string())?;
    let client = client.map_err(describe)?;
    let request = client.get(url.clone());
    let request = request.header(ACCEPT, "application/jwk-set+json, application/json");
    let mut response = request.send().await.map_err(describe)?;
    if response.status() != StatusCode::OK {
        return Err(format!("the answer is {}", response.status()));
    }
    body(&mut response).await
}

async fn body(response: &mut Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(describe)? {
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
    // Local addresses are not reached through a proxy.
    let client = if plain { client.no_proxy() } else { client };
    client.build()
}

/// Follows redirects only within the configured host.
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

/// What went wrong, with its causes.
fn describe(error: reqwest::Error) -> String {
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

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::net::{SocketAddr, TcpListener};
    use std::thread::JoinHandle;

    use super::*;

    const EMPTY: &str = "{\"keys\": []}";

    /// Sends these responses, one per request, whatever is requested.
    fn serve(answers: Vec<String>) -> (SocketAddr, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            for answer in answers {
                let (mut client, _) = listener.accept().unwrap();
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && matches!(client.read(&mut byte), Ok(1)) {
                    head.push(byte[0]);
                }
                // The client may have read enough and closed.
                let _ = client.write_all(answer.as_bytes());
            }
        });
        (address, server)
    }

    fn ok(body: &str) -> String {
        let bytes = body.len();
        format!("HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\nConnection: close\r\n\r\n{body}")
    }

    fn redirect(to: &str) -> String {
        format!(
            "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
    }

    fn fetched(answers: Vec<String>) -> Result<usize, String> {
        let (address, server) = serve(answers);
        let source = KeySource::parse(&format!("http://{address}/jwks")).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let fetched = runtime.block_on(fetch(&source));
        server.join().unwrap();
        if let Err(error) = &fetched {
            assert!(
                !error.contains("127.0.0.1"),
                "the address is shown: {error}"
            );
        }
        fetched.map(|keys| keys.len())
    }

    #[test]
    fn a_set_is_fetched_and_redirects_are_followed_on_the_same_host() {
        assert_eq!(fetched(vec![ok(EMPTY)]), Ok(0));
        let answers = vec![redirect("/elsewhere"), redirect("/there"), ok(EMPTY)];
        assert_eq!(fetched(answers), Ok(0));
    }

    #[test]
    fn no_other_host_is_asked_and_no_loop_is_followed() {
        let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
        elsewhere.set_nonblocking(true).unwrap();
        let url = format!("http://{}/jwks", elsewhere.local_addr().unwrap());
        let error = fetched(vec![redirect(&url)]).unwrap_err();
        assert!(error.contains("another host"), "{error}");
        let asked = elsewhere.accept().map(drop);
        assert_eq!(asked.unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
        let error = fetched(vec![redirect("/jwks"); 4]).unwrap_err();
        assert!(error.contains("too many redirects"), "{error}");
    }

    #[test]
    fn what_is_too_large_and_what_is_no_set_is_an_error() {
        let large = ok(&" ".repeat(MAX_BYTES as usize + 1));
        assert_eq!(
            fetched(vec![large]),
            Err("it is larger than 256 KiB".to_owned())
        );
        // No length is announced.
        let endless = format!(
            "HTTP/1.1 200 OK\r\n\r\n{}",
            " ".repeat(2 * MAX_BYTES as usize)
        );
        assert_eq!(
            fetched(vec![endless]),
            Err("it is larger than 256 KiB".to_owned())
        );
        let error = fetched(vec![ok("<html>")]).unwrap_err();
        assert!(error.contains("not a JSON Web Key Set"), "{error}");
        let gone = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        let error = fetched(vec![gone.to_owned()]).unwrap_err();
        assert!(error.contains("404"), "{error}");
        let cut = ok(EMPTY).replace("Content-Length: 12", "Content-Length: 99");
        assert!(fetched(vec![cut]).is_err());
        assert!(fetched(vec![String::new()]).is_err());
    }

    #[test]
    fn a_file_is_read_within_bounds() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("jwks.json");
        let missing = read(&file).unwrap_err();
        assert!(missing.contains("cannot be read"), "{missing}");
        std::fs::write(&file, EMPTY).unwrap();
        assert_eq!(read(&file), Ok(EMPTY.into()));
        assert_eq!(read(Path::new("/dev/zero")), Err(too_large()));
    }
}
