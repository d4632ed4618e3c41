use std::time::Instant;

use lastcall_domain::SessionId;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::*;
use crate::blobs::download::RANGE;

/// A bucket at the address of the listener.
fn bucket(listener: &TcpListener, scratch: &Path) -> BucketBlobs {
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let environment = [
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "only-for-tests"),
        ("AWS_REGION", "us-east-1"),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    BucketBlobs::open("bucket", scratch.to_owned(), environment).unwrap()
}

/// Answers the requests of uploads: after `delay` to a part. Returns the method of each.
fn answer(listener: TcpListener, delay: Duration) -> mpsc::UnboundedReceiver<String> {
    let (sender, methods) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(answer_all(connection, delay, sender.clone()));
        }
    });
    methods
}

async fn answer_all(
    connection: TcpStream,
    delay: Duration,
    methods: mpsc::UnboundedSender<String>,
) -> std::io::Result<()> {
    let mut connection = BufReader::new(connection);
    loop {
        let mut request = String::new();
        let mut body = 0_u64;
        if connection.read_line(&mut request).await? == 0 {
            return Ok(());
        }
        loop {
            let mut line = String::new();
            if connection.read_line(&mut line).await? <= 2 {
                break;
            }
            let line = line.to_ascii_lowercase();
            if let Some(length) = line.strip_prefix("content-length:") {
                body = length.trim().parse().unwrap();
            }
        }
        tokio::io::copy(&mut (&mut connection).take(body), &mut tokio::io::sink()).await?;
        let method = request.split(' ').next().unwrap_or_default();
        let answer = match method {
            "POST" => "<Result><UploadId>1</UploadId><ETag>1</ETag></Result>",
            _ => "",
        };
        let _ = methods.send(method.to_owned());
        if method == "PUT" {
            tokio::time::sleep(delay).await;
        }
        let answer = format!(
            "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: {}\r\n\r\n{answer}",
            answer.len()
        );
        connection.write_all(answer.as_bytes()).await?;
    }
}

/// Uploads two parts and a half.
async fn upload(blobs: &BucketBlobs) -> BlobResult<()> {
    let mut writer = blobs.writer(&BlobKey::upload(SessionId::new())).await?;
    writer
        .write(vec![0_u8; RANGE as usize * 5 / 2].into())
        .await?;
    writer.finish().await
}

#[tokio::test]
async fn the_end_of_an_upload_has_the_time_for_each_of_its_parts() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let mut blobs = bucket(&listener, scratch.path());
    blobs.upload_timeout = Duration::from_secs(5);
    let mut methods = answer(listener, Duration::from_secs(3));
    let began = Instant::now();
    upload(&blobs).await.unwrap();
    assert!(began.elapsed() > blobs.upload_timeout);
    let mut seen = Vec::new();
    while let Ok(method) = methods.try_recv() {
        seen.push(method);
    }
    assert_eq!(seen, ["POST", "PUT", "PUT", "PUT", "POST"]);
}

#[tokio::test]
async fn an_upload_that_does_not_end_in_time_is_aborted() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let mut blobs = bucket(&listener, scratch.path());
    blobs.upload_timeout = Duration::from_secs(2);
    let mut methods = answer(listener, Duration::from_secs(3600));
    let error = upload(&blobs).await.unwrap_err();
    assert!(error.to_string().contains("did not answer"), "{error}");
    let aborted = async {
        while let Some(method) = methods.recv().await {
            if method == "DELETE" {
                break;
            }
        }
    };
    let aborted = tokio::time::timeout(Duration::from_secs(30), aborted).await;
    aborted.unwrap();
}

#[tokio::test]
async fn an_upload_does_not_wait_for_a_bucket_that_never_answers() {
    // The kernel accepts connections, and nobody answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let mut blobs = bucket(&silent, scratch.path());
    blobs.upload_timeout = Duration::from_millis(100);
    let began = Instant::now();
    // In one request, and in parts.
    for bytes in [1, RANGE as usize] {
        let key = BlobKey::upload(SessionId::new());
        let mut writer = blobs.writer(&key).await.unwrap();
        let stored = match writer.write(vec![0_u8; bytes].into()).await {
            Ok(()) => writer.finish().await,
            Err(error) => {
                writer.abort().await;
                Err(error)
            }
        };
        let error = stored.unwrap_err();
        assert_eq!(error.code(), "blobs_unavailable");
        assert!(error.to_string().contains("did not answer"), "{error}");
    }
    // One request alone is given up after 30 s.
    assert!(began.elapsed() < Duration::from_secs(20));
}
