//! Credentials of a bucket that are in files, as orchestrators hand out secrets.

use lastcall_domain::{BlobError, BlobResult};

/// The variables whose value may be in a file, which the variable with `_FILE` behind names.
const SECRETS: [&str; 3] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
];

/// The variable as it counts: a file that is named is read.
///
/// # Errors
/// [`BlobError::Failed`] where the file cannot be read; it names variable and file.
pub(super) fn resolve(name: String, value: String) -> BlobResult<(String, String)> {
    let secret = name.strip_suffix("_FILE");
    let Some(secret) = secret.filter(|secret| SECRETS.contains(secret)) else {
        return Ok((name, value));
    };
    match std::fs::read_to_string(&value) {
        Ok(text) => Ok((secret.to_owned(), text.trim().to_owned())),
        Err(error) => Err(BlobError::Failed(format!("{name} = {value:?}: {error}"))),
    }
}
