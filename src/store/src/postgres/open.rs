//! Opens the store.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use futures_util::FutureExt;
use lastcall_domain::store::{Admission, StoreError, StoreResult, Submission, WriteResult};
use lastcall_domain::{InstanceId, Job, Limits};
use tokio_util::task::TaskTracker;

use super::batch::{Batches, Work};
use super::change::{self, Change};
use super::clock::ClockOffset;
use super::notifier::Notifier;
use super::pool::{Connections, Connector, OPERATION};
use super::unconfirmed::UnconfirmedClaims;
use super::{PostgresStore, error, migrate, pooler, submit, tls, url};
use crate::live_limits::LiveLimits;
use crate::quarantine::QuarantinedJobs;

impl PostgresStore {
    /// Checks the form of the URL.
    ///
    /// # Errors
    /// [`StoreError::Failed`] if it is invalid. No error contains the password.
    pub fn check_url(url: &str) -> StoreResult<()> {
        url::read(url).map(|_| ())
    }

    /// Connects to the database at `url`, `postgres://user:password@host:port/database`, with
    /// `sslmode` and `sslrootcert` as libpq has them, and brings its schema up.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the server cannot be reached in time; [`StoreError::Failed`]
    /// if it refuses the user, the certificate or the schema, if the schema belongs to a newer
    /// version, or the URL is invalid. No error contains the password.
    pub async fn open(url: &str, limits: Limits) -> StoreResult<Self> {
        let target = url::read(url)?;
        let mut connector = Connector {
            tls: tls::connector(&target.trust)?,
            config: target.config,
            tasks: TaskTracker::new(),
            pooled: false,
            home: tokio::runtime::Handle::current(),
        };
        connector.pooled = first_contact(&connector).await?;
        let connections = Arc::new(Connections::new(connector.clone())?);
        migrate::migrate(&connections).await?;
        let clock = ClockOffset::watch(&connections).await?;
        let me = InstanceId::new();
        let hints = Arc::new(Notifier::start(Arc::new(connector), &connections, me));
        let limits = Arc::new(LiveLimits::new(limits));
        Ok(Self {
            me,
            submissions: Batches::start(submissions(&connections, &hints, &limits)),
            changes: Batches::start(changes(&connections, &hints, &limits)),
            limits,
            connections,
            quarantined: QuarantinedJobs::default(),
            analyses: UnconfirmedClaims::default(),
            reports: UnconfirmedClaims::default(),
            hints,
            clock,
            closed: AtomicBool::new(false),
        })
    }
}

/// Connects for the first time. Returns whether a pooler assigns connections per transaction.
/// Refusals of the server are permanent here, even of the password; later they may come from a
/// pooler.
async fn first_contact(connector: &Connector) -> StoreResult<bool> {
    let looked = tokio::time::timeout(OPERATION, pooler::is_between(connector)).await;
    let pooled = looked
        .map_err(|_| StoreError::Unavailable("PostgreSQL did not respond in time".into()))?
        .map_err(error::refusal)?;
    if pooled {
        log::info!(
            "PostgreSQL is behind a pooler that gives out connections by the transaction: \
             statements are not kept prepared, and peers are noticed by looking"
        );
    }
    Ok(pooled)
}

fn submissions(
    connections: &Arc<Connections>,
    hints: &Arc<Notifier>,
    limits: &Arc<LiveLimits>,
) -> Work<Submission, Admission<Job>> {
    let (connections, hints, limits) = (connections.clone(), hints.clone(), limits.clone());
    Arc::new(move |asked: Arc<[Submission]>| {
        let (connections, hints) = (Arc::clone(&connections), Arc::clone(&hints));
        let limits = limits.get().per_owner;
        async move {
            let answers = submit::submit(&connections, &limits, &asked).await?;
            for answer in &answers {
                if let Admission::Created(job) = answer {
                    hints.notify(job);
                }
            }
            Ok(answers)
        }
        .boxed()
    })
}

fn changes(
    connections: &Arc<Connections>,
    hints: &Arc<Notifier>,
    limits: &Arc<LiveLimits>,
) -> Work<Change, Vec<WriteResult>> {
    let (connections, hints, limits) = (connections.clone(), hints.clone(), limits.clone());
    Arc::new(move |asked: Arc<[Change]>| {
        let (connections, hints) = (Arc::clone(&connections), Arc::clone(&hints));
        let limits = limits.get();
        async move {
            let changed = change::apply(&connections, &limits, &asked).await?;
            hints.notify_all(&changed.saved);
            Ok(changed.results)
        }
        .boxed()
    })
}
