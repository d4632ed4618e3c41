//! The certificate of the listener: read at the start, and again when its files change.

use lastcall_api::Tls;

use super::file_id::{FileId, identify};
use crate::config::{Config, TlsFiles};
use crate::exit::{Exit, Failure};

/// TLS on the listener, if it has a certificate.
pub(super) struct ListenerTls(Option<InForce>);

struct InForce {
    tls: Tls,
    files: TlsFiles,
    file_ids: FileIds,
}

/// The versions of the certificate's and the key's file.
pub(super) type FileIds = Option<[Option<FileId>; 2]>;

impl ListenerTls {
    /// TLS as configured.
    ///
    /// # Errors
    /// If the certificate cannot be used, which is a fault of the configuration.
    pub(super) fn load(config: &Config) -> Result<Self, Failure> {
        let Some(files) = config.server.tls.clone() else {
            return Ok(Self(None));
        };
        // Later changes trigger a reload.
        let file_ids = identify_files(&files);
        let certificate = files
            .load()
            .map_err(|faults| Failure::new(Exit::Config, faults))?;
        let tls = Tls::new(certificate).map_err(|error| Failure::new(Exit::Software, error))?;
        Ok(Self(Some(InForce {
            tls,
            files,
            file_ids,
        })))
    }

    pub(super) fn in_force(&self) -> Option<&Tls> {
        self.0.as_ref().map(|in_force| &in_force.tls)
    }

    /// Returns a function that identifies the files, to be run on a thread that may block.
    pub(super) fn identify(&self) -> impl FnOnce() -> FileIds + Send + 'static {
        let files = self.0.as_ref().map(|in_force| in_force.files.clone());
        move || files.as_ref().and_then(identify_files)
    }

    /// Records the current versions of the files. Returns whether they have changed.
    pub(super) fn update(&mut self, file_ids: FileIds) -> bool {
        let Some(in_force) = &mut self.0 else {
            return false;
        };
        let changed = file_ids != in_force.file_ids;
        in_force.file_ids = file_ids;
        changed
    }

    /// Reloads the certificate from the files that are configured now. If it cannot be used, the
    /// previous one stays in force.
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
        let loaded =
            tokio::task::spawn_blocking(move || (identify_files(&files), files.load())).await;
        match loaded {
            Ok((file_ids, Ok(certificate))) => {
                in_force.file_ids = file_ids;
                in_force.tls.replace(certificate);
                log::info!("{reason}: certificate reloaded");
            }
            Ok((file_ids, Err(faults))) => {
                in_force.file_ids = file_ids;
                log::error!("{reason}: certificate unchanged: {faults}");
            }
            Err(error) => log::error!("{reason}: certificate unchanged: {error}"),
        }
    }
}

fn identify_files(files: &TlsFiles) -> FileIds {
    Some([identify(&files.certificate), identify(&files.key)])
}
