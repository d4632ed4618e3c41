//! `server.tls.*`: the files of the certificate.

use std::path::{Path, PathBuf};

use lastcall_api::{Certificate, CertificateError};

use super::reader::Reader;
use super::{Fault, Faults};

const CERTIFICATE: &str = "server.tls.certificate";
const KEY: &str = "server.tls.key";

/// Where the certificate of the listener is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate with its chain, in PEM.
    pub certificate: PathBuf,
    /// Its private key, in PEM.
    pub key: PathBuf,
}

impl TlsFiles {
    /// The files, if both are named.
    pub(super) fn read(read: &mut Reader) -> Option<Self> {
        let (certificate, key) = (read.text(CERTIFICATE), read.text(KEY));
        match (certificate, key) {
            (Some(certificate), Some(key)) => Some(Self {
                certificate: certificate.into(),
                key: key.into(),
            }),
            (Some(_), None) => {
                read.fault(KEY, "the file of the key of server.tls.certificate");
                None
            }
            (None, Some(_)) => {
                read.fault(CERTIFICATE, "the file of the certificate of server.tls.key");
                None
            }
            (None, None) => None,
        }
    }

    /// Reads the certificate from the files.
    ///
    /// # Errors
    /// A fault of the key whose file cannot be used.
    pub fn load(&self) -> Result<Certificate, Faults> {
        Certificate::read(&self.certificate, &self.key).map_err(|error| {
            let (key, file, rule) = match error {
                CertificateError::Certificate(rule) => (CERTIFICATE, &self.certificate, rule),
                CertificateError::Key(rule) => (KEY, &self.key, rule),
            };
            Faults(vec![Fault {
                key: key.to_owned(),
                value: is_path(file).then(|| format!("{:?}", file.display().to_string())),
                rule: format!("must be a PEM file that can be used: {rule}"),
            }])
        })
    }
}

/// Whether it may be shown: not if it holds the key itself instead of its file.
fn is_path(file: &Path) -> bool {
    let text = file.to_string_lossy();
    !text.contains("-----") && !text.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_in_the_place_of_its_file_is_not_shown() {
        let files = TlsFiles {
            certificate: "/dev/null".into(),
            key: "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----".into(),
        };
        let faults = files.load().unwrap_err().to_string();
        assert!(faults.contains("server.tls.certificate"), "{faults}");
        assert!(!is_path(&files.key));
        assert!(is_path(Path::new("/etc/tls/tls.key")));
    }
}
