//! Reloads configuration while the service runs: the keys and tokens of callers, the limits of
//! owners, the level of the log and the certificate of the listener, on SIGHUP and when one of
//! their files changes. Everything else requires a restart.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lastcall_actors::Handle;
use lastcall_api::{ApiState, Auth};
use lastcall_domain::{Clock as _, SystemClock};

use super::file_id::{FileId, identify};
use super::limits::LimitsInForce;
use super::sd_notify::Manager;
use super::signals::Signals;
use super::tls::ListenerTls;
use crate::config::Config;
use crate::logging;

/// How often the files are checked.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// The configuration's files as they were before it was loaded: any later change triggers a reload,
/// even one during the start.
#[derive(Debug)]
pub(crate) struct ConfigFiles {
    file: Option<PathBuf>,
    seen: Vec<Option<FileId>>,
}

impl ConfigFiles {
    /// `file` is the one named on the command line.
    pub(crate) fn identify(file: Option<&Path>) -> Self {
        Self {
            seen: identify_files(file),
            file: file.map(Path::to_owned),
        }
    }
}

/// The configuration in force, and where it comes from.
pub(super) struct Reload<'a> {
    files: ConfigFiles,
    limits: LimitsInForce,
    tls: ListenerTls,
    signals: &'a Signals,
    manager: Manager,
    status: String,
}

impl<'a> Reload<'a> {
    /// For the configuration that was loaded from `files`. `status` is the status that the service
    /// manager shows while the service is ready.
    pub(super) fn new(
        files: ConfigFiles,
        limits: LimitsInForce,
        tls: ListenerTls,
        signals: &'a Signals,
        manager: Manager,
        status: String,
    ) -> Self {
        Self {
            files,
            limits,
            tls,
            signals,
            manager,
            status,
        }
    }

    /// Reloads whenever there is a reason to.
    ///
    /// # Cancel safety
    /// Dropping the future loses at most a reload that is under way.
    pub(super) async fn run(mut self, state: &ApiState) -> Infallible {
        loop {
            let reason = tokio::select! {
                () = self.signals.hangup() => Some("SIGHUP received"),
                () = tokio::time::sleep(POLL_INTERVAL) => None,
            };
            let changed = self.changed_files().await;
            let Some(reason) = reason.or(changed) else {
                continue;
            };
            self.manager.reloading();
            let file = self.files.file.clone();
            let loaded = tokio::task::spawn_blocking(move || Config::load(file.as_deref())).await;
            match loaded {
                Ok(Ok(config)) => {
                    // First, so that the log lines that follow are true.
                    self.limits.apply(config.per_owner, reason);
                    apply(&config, state, reason);
                    self.tls.reload(config.server.tls, reason).await;
                }
                Ok(Err(faults)) => log::error!("{reason}: configuration unchanged: {faults}"),
                Err(error) => log::error!("{reason}: configuration unchanged: {error}"),
            }
            self.manager.ready(&self.status);
        }
    }

    /// Which files have changed since the last check.
    async fn changed_files(&mut self) -> Option<&'static str> {
        let (file, certificate) = (self.files.file.clone(), self.tls.identify());
        // A hung disk blocks only this thread.
        let seen = move || (identify_files(file.as_deref()), certificate());
        let (files, certificate) = tokio::task::spawn_blocking(seen).await.ok()?;
        let changed = files != self.files.seen;
        self.files.seen = files;
        let renewed = self.tls.update(certificate);
        changed
            .then_some("a file of the configuration changed")
            .or(renewed.then_some("a file of the certificate changed"))
    }
}

fn apply(config: &Config, state: &ApiState, reason: &str) {
    logging::set_level(config);
    let level = config.log.level;
    let callers = &config.auth.callers;
    if callers.mode() != state.auth().mode() {
        log::warn!("{reason}: log.level {level}; changing auth.mode requires a restart");
        return;
    }
    let Some(keys) = callers.keys() else {
        log::info!("{reason}: log.level {level}");
        return;
    };
    state.set_auth(callers.clone(), reason);
    let keys = keys.len();
    match callers.tokens() {
        Some(settings) => {
            let issuer = &settings.issuer;
            log::info!("{reason}: {keys} keys, tokens of {issuer}, log.level {level}");
        }
        None => log::info!("{reason}: {keys} keys, log.level {level}"),
    }
    warn_of_expired(callers);
}

/// Logs the keys that are no longer accepted.
pub(super) fn warn_of_expired(auth: &Auth) {
    let now = SystemClock.now();
    let keys = auth.keys().unwrap_or_default().iter();
    for key in keys.filter(|key| key.has_expired(now)) {
        log::warn!("the key {:?} of {:?} has expired", key.name, key.owner);
    }
}

/// Identifies the configuration's files as they are now.
fn identify_files(file: Option<&Path>) -> Vec<Option<FileId>> {
    let named = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.to_str()?;
        (name.starts_with("LASTCALL__") && name.ends_with("_FILE")).then(|| PathBuf::from(value))
    });
    let files = file.map(Path::to_owned).into_iter().chain(named);
    files.map(|file| identify(&file)).collect()
}

/// Sends keep-alives to the service manager while the supervisor makes rounds: a timer alone must
/// not keep a stuck service alive.
pub(super) async fn notify_watchdog(manager: &Manager, tree: &Handle) -> Infallible {
    let Some(interval) = manager.watchdog() else {
        return std::future::pending().await;
    };
    let mut seen = None;
    loop {
        let rounds = tree.rounds();
        if seen != Some(rounds) {
            manager.alive();
        }
        seen = Some(rounds);
        tokio::time::sleep(interval / 4).await;
    }
}
