//! The store, the blobs and the supervision tree, as the boot builds them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lastcall_actors::{Config, Handle, PoolConfig, Ports, System};
use lastcall_domain::trace::Tracer;
use lastcall_domain::{Blobs, Clock, Feed, InstanceId, Limits, Service, Store, SystemClock, Work};

use crate::Outcome;
use crate::nothing::{NoProfiles, Present};

/// Jobs that may be queued: more than a measurement submits.
pub(crate) const MAX_QUEUED: u64 = 100_000_000;

/// What a measurement runs on.
pub(crate) struct Tree {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) blobs: Arc<dyn Blobs>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) feed: Feed,
    pub(crate) handle: Handle,
}

impl Tree {
    /// Opens the store in `folder` and starts the services with the settings of the default
    /// configuration but for `workers`.
    pub(crate) async fn start(folder: &str, workers: usize, work: Arc<dyn Work>) -> Outcome<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let store = open_store(folder, &clock).await?;
        let scratch = Path::new(folder).join("scratch");
        std::fs::create_dir_all(&scratch)?;
        let blobs = lastcall_store::open_blobs(&format!("file://{folder}/blobs"), &scratch)?;
        let feed = Feed::new();
        let mut config = Config::new(InstanceId::new());
        config.analysis = PoolConfig {
            workers,
            ..PoolConfig::new(Duration::from_secs(300))
        };
        let reports = Arc::clone(&work);
        let handle = System::start(
            config,
            Ports {
                store: Arc::clone(&store),
                blobs: Arc::clone(&blobs),
                clock: Arc::clone(&clock),
                feed: feed.clone(),
                tracer: Tracer::default(),
                observer: Arc::new(()),
                environment: Arc::new(Present),
                analysis_work: work,
                profile_work: Arc::new(NoProfiles),
                report_work: Box::new(move |_| reports),
            },
        );
        store.recover().await?;
        handle.ready();
        Ok(Self {
            store,
            blobs,
            clock,
            feed,
            handle,
        })
    }

    /// How many analyses have succeeded, their rows written.
    pub(crate) fn succeeded(&self) -> u64 {
        self.handle
            .status()
            .service("AnalysisService")
            .map_or(0, |service| service.counts.succeeded)
    }

    /// Jobs of AnalysisService that have not ended, according to the rows.
    pub(crate) async fn unfinished(&self) -> Outcome<u64> {
        let counts = self.store.counts().await?;
        Ok(counts
            .jobs
            .get(&Service::Analysis)
            .map_or(0, |jobs| jobs.queued + jobs.running))
    }
}

/// The store as `store.url = "sqlite://..."` opens it: WAL, `synchronous=FULL`.
pub(crate) async fn open_store(folder: &str, clock: &Arc<dyn Clock>) -> Outcome<Arc<dyn Store>> {
    let url = format!("sqlite://{folder}/lastcall.db");
    Ok(lastcall_store::open_store(&url, Arc::clone(clock), Limits::default()).await?)
}
