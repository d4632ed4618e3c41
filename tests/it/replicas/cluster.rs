//! Replicas of the service that share a database and a folder of blobs.

use std::collections::BTreeMap;

use crate::support::service::Builder;
use crate::support::{Database, Home, Service};

/// How many there are.
pub(super) const REPLICAS: usize = 3;

/// What the replicas share, and how each is started.
pub(super) struct Cluster {
    pub(super) database: Database,
    shared: Home,
    homes: [Home; REPLICAS],
    settings: BTreeMap<&'static str, &'static str>,
}

impl Cluster {
    /// With these keys of the configuration.
    pub(super) fn new<const N: usize>(settings: [(&'static str, &'static str); N]) -> Self {
        Self {
            database: Database::new(),
            shared: Home::new(),
            homes: std::array::from_fn(|_| Home::new()),
            settings: settings.into(),
        }
    }

    /// Starts the first replica, and records from then on what is written for good.
    #[track_caller]
    pub(super) fn first(&self) -> Service {
        let replica = self.start(0);
        self.database.record();
        replica
    }

    /// Starts the replica in that place and waits until it is ready.
    #[track_caller]
    pub(super) fn start(&self, place: usize) -> Service {
        self.replica(place).start()
    }

    fn replica(&self, place: usize) -> Builder {
        let home = &self.homes[place];
        let replica = home
            .service()
            .set("store.url", &self.database.url)
            .set("blobs.url", self.shared.blobs_url())
            .set("state.dir", home.path().display().to_string());
        let settings = self.settings.iter();
        settings.fold(replica, |replica, (key, value)| replica.set(key, *value))
    }
}
