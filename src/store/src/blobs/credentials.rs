//! Bucket credentials in files, as orchestrators provide secrets.

use std::fs::File;
use std::io::{self, Read as _};

use lastcall_domain::{BlobError, BlobResult};

/// The variables whose value may be in a file, named by the variable with the suffix `_FILE`.
const SECRETS: [&str; 3] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
];

/// The largest file that is read.
const MAX_SECRET: u64 = 64 << 10;

/// Resolves a variable: reads the file if it names one.
///
/// # Errors
/// [`BlobError::Failed`] if the file cannot be read; it names variable and file.
pub(super) fn resolve(name: String, value: String) -> BlobResult<(String, String)> {
    let secret = name.strip_suffix("_FILE");
    let Some(secret) = secret.filter(|secret| SECRETS.contains(secret)) else {
        return Ok((name, value));
    };
    match read(&value) {
        Ok(text) => Ok((secret.to_owned(), text.trim().to_owned())),
        Err(error) => Err(BlobError::Failed(format!("{name} = {value:?}: {error}"))),
    }
}

/// The text in the file. Reading is bounded, because an endless device may be named.
fn read(file: &str) -> io::Result<String> {
    let mut text = String::new();
    let read = File::open(file)?
        .take(MAX_SECRET + 1)
        .read_to_string(&mut text)?;
    if read as u64 > MAX_SECRET {
        let detail = format!("it is larger than {MAX_SECRET} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, detail));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_in_a_small_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(path("key"), "abc\n").unwrap();
        std::fs::write(path("large"), vec![b'a'; 100_000]).unwrap();
        let named = |path: String| resolve("AWS_ACCESS_KEY_ID_FILE".to_owned(), path);
        let found = named(path("key"));
        assert_eq!(
            found,
            Ok(("AWS_ACCESS_KEY_ID".to_owned(), "abc".to_owned()))
        );
        for file in [path("large"), path("none"), "/dev/zero".to_owned()] {
            let refused = named(file.clone()).unwrap_err().to_string();
            assert!(refused.contains("AWS_ACCESS_KEY_ID_FILE"), "{refused}");
            assert!(refused.contains(&file), "{refused}");
        }
    }
}
