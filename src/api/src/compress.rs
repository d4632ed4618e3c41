//! Compression of responses with zstd or gzip, if the client accepts it and it pays off.

use std::convert::Infallible;
use std::future::Future as _;
use std::io::{self, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::ResponseHead;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use bytes::Bytes;
use flate2::write::GzEncoder;
use tokio::task::JoinHandle;
use zstd::stream::write::Encoder as ZstdEncoder;

/// Smaller responses are sent uncompressed.
const MIN_BYTES: u64 = 1024;
/// The window of zstd, as a power of two, which bounds the memory per response.
const ZSTD_WINDOW: u32 = 18;
const ZSTD_LEVEL: i32 = 3;

/// A content coding of responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Zstd,
    Gzip,
}

impl Coding {
    /// The name in a header.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }

    /// The supported coding that the client prefers; `None` for identity. Unknown codings are
    /// ignored.
    pub(crate) fn accepted(headers: &HeaderMap) -> Option<Self> {
        let mut best: [f32; 2] = [0.0; 2];
        let mut rest: f32 = 0.0;
        let mut named = [false; 2];
        let values = headers.get_all(header::ACCEPT_ENCODING);
        let values = values.filter_map(|value| value.to_str().ok());
        for item in values.flat_map(|value| value.split(',')) {
            let (coding, weight) = item.split_once(';').unwrap_or((item, "q=1"));
            let weight = weight.trim().strip_prefix("q=").unwrap_or("0");
            let weight: f32 = weight.trim().parse().unwrap_or(0.0);
            let place = match coding.trim().to_ascii_lowercase().as_str() {
                "zstd" => 0,
                "gzip" | "x-gzip" => 1,
                "*" => {
                    rest = weight;
                    continue;
                }
                _ => continue,
            };
            best[place] = weight;
            named[place] = true;
        }
        for (weight, named) in best.iter_mut().zip(named) {
            if !named {
                *weight = rest;
            }
        }
        let [zstd, gzip] = best;
        if zstd > 0.0 && zstd >= gzip {
            Some(Self::Zstd)
        } else if gzip > 0.0 {
            Some(Self::Gzip)
        } else {
            None
        }
    }
}

/// Whether a response is worth compressing: text, not yet compressed, long enough, and not a stream
/// whose chunks must arrive at once.
pub(crate) fn is_worth(head: &ResponseHead, size: BodySize) -> bool {
    let long = match size {
        BodySize::Sized(bytes) => bytes >= MIN_BYTES,
        BodySize::Stream => true,
        BodySize::None => false,
    };
    let text = head
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| {
            let kind = kind.split(';').next().unwrap_or_default().trim();
            match kind {
                "text/event-stream" => false,
                "application/json" | "application/problem+json" | "image/svg+xml" => true,
                "application/openmetrics-text" => true,
                kind => kind.starts_with("text/"),
            }
        });
    long && text && !head.headers().contains_key(header::CONTENT_ENCODING)
}

/// Makes the ETag of a response weak, because the bytes of each coding differ (RFC 9110, section
/// 8.8.3.3). Uncacheable responses carry the tag of a dataset, which is about the dataset's bytes.
pub(crate) fn weaken_tag(headers: &mut HeaderMap) {
    let never_kept = headers
        .get(header::CACHE_CONTROL)
        .is_some_and(|control| control == "no-store");
    let tag = headers.get(header::ETAG).filter(|_| !never_kept);
    let tag = tag.and_then(|tag| tag.to_str().ok());
    let weak = tag.filter(|tag| !tag.starts_with("W/"));
    let weak = weak.and_then(|tag| HeaderValue::try_from(format!("W/{tag}")).ok());
    if let Some(weak) = weak {
        headers.insert(header::ETAG, weak);
    }
}

/// The body of a compressed response to HEAD, whose length is unknown: nothing of it is sent.
pub(crate) struct UnsentBody;

impl MessageBody for UnsentBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        Poll::Ready(None)
    }
}

enum Encoder {
    Zstd(Box<ZstdEncoder<'static, Vec<u8>>>),
    Gzip(Box<GzEncoder<Vec<u8>>>),
}

impl Encoder {
    fn new(coding: Coding) -> io::Result<Self> {
        match coding {
            Coding::Zstd => {
                let mut encoder = ZstdEncoder::new(Vec::new(), ZSTD_LEVEL)?;
                encoder.window_log(ZSTD_WINDOW)?;
                Ok(Self::Zstd(Box::new(encoder)))
            }
            Coding::Gzip => {
                let level = flate2::Compression::default();
                Ok(Self::Gzip(Box::new(GzEncoder::new(Vec::new(), level))))
            }
        }
    }

    /// The output after this chunk, which may be empty.
    fn feed(&mut self, piece: &[u8]) -> io::Result<Bytes> {
        let made = match self {
            Self::Zstd(encoder) => {
                encoder.write_all(piece)?;
                std::mem::take(encoder.get_mut())
            }
            Self::Gzip(encoder) => {
                encoder.write_all(piece)?;
                std::mem::take(encoder.get_mut())
            }
        };
        Ok(made.into())
    }

    /// The rest of the output.
    fn finish(self) -> io::Result<Bytes> {
        match self {
            Self::Zstd(encoder) => encoder.finish(),
            Self::Gzip(encoder) => encoder.finish(),
        }
        .map(Bytes::from)
    }
}

type Step = (Option<Encoder>, io::Result<Bytes>);

/// A body that is compressed chunk by chunk, on another thread than that of the connection.
pub(crate) struct CodedBody {
    body: BoxBody,
    encoder: Option<Encoder>,
    step: Option<JoinHandle<Step>>,
}

impl CodedBody {
    /// The body with this coding.
    ///
    /// # Errors
    /// The unchanged body, if there is no memory for the encoder.
    pub(crate) fn new(body: BoxBody, coding: Coding) -> Result<Self, BoxBody> {
        match Encoder::new(coding) {
            Ok(encoder) => Ok(Self {
                body,
                encoder: Some(encoder),
                step: None,
            }),
            Err(_) => Err(body),
        }
    }
}

impl MessageBody for CodedBody {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        loop {
            if let Some(step) = &mut self.step {
                let done = ready!(Pin::new(step).poll(context));
                self.step = None;
                let (encoder, made) = match done {
                    Ok(step) => step,
                    Err(lost) => return Poll::Ready(Some(Err(lost.into()))),
                };
                self.encoder = encoder;
                match made {
                    Ok(made) if made.is_empty() => {}
                    Ok(made) => return Poll::Ready(Some(Ok(made))),
                    Err(error) => return Poll::Ready(Some(Err(error.into()))),
                }
            }
            if self.encoder.is_none() {
                return Poll::Ready(None);
            }
            let piece = match ready!(Pin::new(&mut self.body).poll_next(context)) {
                Some(Ok(piece)) => Some(piece),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => None,
            };
            if let Some(encoder) = self.encoder.take() {
                self.step = Some(tokio::task::spawn_blocking(move || code(encoder, piece)));
            }
        }
    }
}

fn code(mut encoder: Encoder, piece: Option<Bytes>) -> Step {
    match piece {
        Some(piece) => {
            let made = encoder.feed(&piece);
            (made.is_ok().then_some(encoder), made)
        }
        None => (None, encoder.finish()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(value: &'static str) -> Option<Coding> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
        Coding::accepted(&headers)
    }

    #[test]
    fn the_tag_of_a_cacheable_response_is_weakened_once() {
        let weakened = |control: &'static str, tag: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(control));
            headers.insert(header::ETAG, HeaderValue::from_static(tag));
            weaken_tag(&mut headers);
            headers.get(header::ETAG).cloned()
        };
        for (control, tag, expected) in [
            ("private, no-cache", "\"a\"", "W/\"a\""),
            ("private, no-cache", "W/\"a\"", "W/\"a\""),
            ("no-store", "\"a\"", "\"a\""),
        ] {
            let expected = HeaderValue::from_static(expected);
            assert_eq!(weakened(control, tag), Some(expected), "{control}");
        }
    }

    #[test]
    fn the_coding_is_the_one_that_the_client_likes_best() {
        assert_eq!(accepted("gzip, deflate, br, zstd"), Some(Coding::Zstd));
        assert_eq!(accepted("gzip, deflate"), Some(Coding::Gzip));
        assert_eq!(accepted("zstd;q=0.5, gzip"), Some(Coding::Gzip));
        assert_eq!(accepted("*"), Some(Coding::Zstd));
        assert_eq!(accepted("zstd;q=0, *;q=0.1"), Some(Coding::Gzip));
        for none in ["", "identity", "br", "gzip;q=0", "gzip; q=soon"] {
            assert_eq!(accepted(none), None, "{none}");
        }
        assert_eq!(Coding::accepted(&HeaderMap::new()), None);
    }
}
