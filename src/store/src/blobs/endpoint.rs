//! The address of a bucket's server.

use lastcall_domain::{BlobError, BlobResult};
use object_store::ClientConfigKey;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};

/// Checks that plain HTTP is allowed if the address needs it. The client would reject every request
/// without saying what is missing.
///
/// # Errors
/// [`BlobError::Failed`] if `AWS_ALLOW_HTTP` is missing.
pub(super) fn check(settings: &AmazonS3Builder) -> BlobResult<()> {
    let of = |key| settings.get_config_value(&key);
    // In the order of precedence.
    let endpoint = [
        ("AWS_ENDPOINT_URL_S3", of(AmazonS3ConfigKey::S3Endpoint)),
        ("AWS_ENDPOINT_URL", of(AmazonS3ConfigKey::Endpoint)),
    ];
    let endpoint = endpoint
        .into_iter()
        .find_map(|(name, value)| Some((name, value?)));
    let Some((name, url)) = endpoint else {
        return Ok(());
    };
    let is_plain = url
        .get(..7)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"));
    let allowed = of(AmazonS3ConfigKey::Client(ClientConfigKey::AllowHttp));
    // As the client reads it.
    let allowed = allowed.is_some_and(|allowed| {
        let allowed = allowed.to_ascii_lowercase();
        matches!(allowed.as_str(), "1" | "true" | "on" | "yes" | "y")
    });
    if is_plain && !allowed {
        return Err(BlobError::Failed(format!(
            "{name} = {url:?}: plain HTTP is refused unless AWS_ALLOW_HTTP is true"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_allowed_explicitly() {
        let checked = |endpoint: &str, allow: Option<&str>| {
            let mut settings = AmazonS3Builder::new().with_endpoint(endpoint);
            if let Some(allow) = allow {
                let key = AmazonS3ConfigKey::Client(ClientConfigKey::AllowHttp);
                settings = settings.with_config(key, allow);
            }
            check(&settings)
        };
        for allow in [None, Some("false")] {
            let refused = checked("http://127.0.0.1:9000", allow)
                .unwrap_err()
                .to_string();
            assert!(refused.contains("AWS_ALLOW_HTTP"), "{refused}");
            assert!(refused.contains("http://127.0.0.1:9000"), "{refused}");
            assert_eq!(checked("https://127.0.0.1:9000", allow), Ok(()));
        }
        assert_eq!(checked("http://127.0.0.1:9000", Some("true")), Ok(()));
        assert_eq!(check(&AmazonS3Builder::new()), Ok(()));
    }
}
