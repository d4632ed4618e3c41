//! The certificate of the listener: read at the start, and again when its files change.

use lastcall_api::Tls;

use super::file_id::{FileId, identify};
use crate::config::{Config, TlsFiles};
use crate::exit::{Exit, Failure};

/// TLS on the listener, where it has a certificate.
pub(super) struct ListenerTls(Option<InForce>);

struct InForce {
    tls: Tls,
    files: TlsFiles,
    seen: Seen,
}

/// The files of the certificate and of the key, as they were seen.
pub(super) type Seen = Option<[Option<FileId>; 2]>;

impl ListenerTls {
    /// TLS as the configuration wants it.
    ///
    /// # Errors
    /// Where the certificate cannot be used, which is a fault of the configuration.
    pub(super) fn load(config: &Config) -> Result<Self, Failure> {
        let Some(files) = config.server.tls.clone() else {
            return Ok(Self(None));
        };
        // What changes from here on is a change to read again.
        let seen = look(&files);
        let certificate = files
            .load()
            .map_err(|faults| Failure::new(Exit::Config, faults))?;
        let tls = Tls::new(certificate).map_err(|error| Failure::new(Exit::Software, error))?;
        Ok(Self(Some(InForce { tls, files, seen })))
    }

    pub(super) fn in_force(&self) -> Option<&Tls> {
        self.0.as_ref().map(|in_force| &in_force.tls)
    }

    /// Looks at the files, on a thread that may wait for a disk.
    pub(super) fn look(&self) -> impl FnOnce() -> Seen + Send + 'static {
        let files = self.0.as_ref().map(|in_force| in_force.files.clone());
        move || files.as_ref().and_then(look)
    }

    /// Notes how the files are now; whether that is a change.
    pub(super) fn saw(&mut self, seen: Seen) -> bool {
        let Some(in_force) = &mut self.0 else {
            return false;
        };
        let changed = seen != in_force.seen;
        in_force.seen = seen;
        changed
    }

    /// Reads the certificate again from where the configuration says now. One that cannot be used
    /// leaves the one before it in force.
    pub(super) async fn reload(&mut self, files: Option<TlsFiles>, reason: &str) {
        let (in_force, files) = match (&mut self.0, files) {
            (None, None) => return,
            (Some(in_force), Some(files)) => (in_force, files),
            _ => {
                log::warn!("{reason}: switching TLS on or off requires a restart");
                return;
            }
        };
        in_force.files = files.clone();
        let loaded = tokio::task::spawn_blocking(move || (look(&files), files.load())).await;
        match loaded {
            Ok((seen, Ok(certificate))) => {
                in_force.seen = seen;
                in_force.tls.replace(certificate);
                log::info!("{reason}: certificate reloaded");
            }
            Ok((seen, Err(faults))) => {
                in_force.seen = seen;
                log::error!("{reason}: certificate unchanged: {faults}");
            }
            Err(error) => log::error!("{reason}: certificate unchanged: {error}"),
        }
    }
}

fn look(files: &TlsFiles) -> Seen {
    Some([identify(&files.certificate), identify(&files.key)])
}
