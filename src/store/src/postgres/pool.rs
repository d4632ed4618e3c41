//! Connections: opened, configured, pooled, and discarded as soon as one is in doubt.

use std::time::Duration;

use deadpool_postgres::{Connect, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use lastcall_domain::{StoreError, StoreResult};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, Error, Row};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use super::error::{Fault, Sql};
use super::params::Params;
use super::statements::{self, Transaction, stale};

/// The most connections of one process, without the one that listens.
const MAX_CONNECTIONS: usize = 12;
/// How long to wait for a free or a new connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one operation may take, including all retries.
pub(super) const OPERATION: Duration = Duration::from_secs(10);
/// The most tries of an operation that conflicts with other transactions.
const MAX_TRIES: u32 = 8;
/// How long connections may take to end on close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// The settings of every connection of our own and, behind a pooler, of every transaction. A
/// transaction whose process has stopped in the middle holds its locks for less than a lease; and a
/// server that may lose the last transactions in a crash must not lose these.
const SETTINGS: &str = "SET statement_timeout = '10s';
    SET lock_timeout = '8s';
    SET idle_in_transaction_session_timeout = '3s';
    SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') IN ('off', 'local')";

/// Opens connections, and tracks which have not ended.
#[derive(Clone)]
pub(super) struct Connector {
    pub(super) config: Config,
    pub(super) tls: MakeRustlsConnect,
    pub(super) tasks: TaskTracker,
    /// Whether a pooler assigns connections per transaction.
    pub(super) pooled: bool,
    /// The runtime of the connections' tasks: that of whoever happens to need one first may hang,
    /// or end, while another uses it.
    pub(super) home: Handle,
}

impl Connector {
    /// Opens a connection without settings.
    pub(super) async fn connect_plainly(&self) -> Result<(Client, AbortOnDropHandle<()>), Error> {
        let (client, task) = self.clone().open(self.config.clone()).await?;
        Ok((client, AbortOnDropHandle::new(task)))
    }

    async fn open(self, config: Config) -> Result<(Client, JoinHandle<()>), Error> {
        let (client, connection) = config.connect(self.tls).await?;
        let task = self.tasks.spawn(async move {
            if let Err(error) = connection.await {
                log::debug!("a connection to PostgreSQL ended: {error}");
            }
        });
        Ok((client, task))
    }
}

impl Connect for Connector {
    fn connect(&self, config: &Config) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), Error>> {
        let (config, this) = (config.clone(), self.clone());
        let made = self.home.spawn(async move {
            let pooled = this.pooled;
            let (client, task) = this.open(config).await?;
            if !pooled {
                client.batch_execute(SETTINGS).await?;
            }
            Ok((client, task))
        });
        let made = AbortOnDropHandle::new(made);
        async move {
            match made.await {
                Ok(made) => made,
                // Its runtime has ended. Waiting for it is bounded.
                Err(_) => std::future::pending().await,
            }
        }
        .boxed()
    }
}

/// The connections of this process.
pub(super) struct Connections {
    pool: Pool,
    tasks: TaskTracker,
    pooled: bool,
}

impl Connections {
    pub(super) fn new(connector: Connector) -> StoreResult<Self> {
        let (tasks, pooled) = (connector.tasks.clone(), connector.pooled);
        let config = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = Manager::from_connect(connector.config.clone(), connector, config);
        let pool = Pool::builder(manager)
            .max_size(MAX_CONNECTIONS)
            .wait_timeout(Some(ACQUIRE_TIMEOUT))
            .create_timeout(Some(ACQUIRE_TIMEOUT))
            .recycle_timeout(Some(ACQUIRE_TIMEOUT))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| StoreError::Failed(error.to_string()))?;
        Ok(Self {
            pool,
            tasks,
            pooled,
        })
    }

    /// Acquires a connection. It is discarded on drop unless [`PooledConnection::done`] was called.
    pub(super) async fn acquire(&self) -> Sql<PooledConnection> {
        Ok(PooledConnection {
            object: Some(self.pool.get().await?),
            pooled: self.pooled,
        })
    }

    /// Runs the operation, and retries it on conflicts with other transactions, within
    /// [`OPERATION`]. A failed try must leave nothing behind.
    pub(super) async fn run<T, F>(&self, operation: impl Fn() -> F + Send + Sync) -> StoreResult<T>
    where
        F: Future<Output = Sql<T>> + Send,
    {
        let tries = async {
            let mut tried = 0;
            loop {
                tried += 1;
                match operation().await {
                    Err(fault) if fault.is_repeatable() && tried < MAX_TRIES => {
                        // A random pause avoids another conflict.
                        let jitter = u64::from(std::process::id() % 7 + tried);
                        tokio::time::sleep(Duration::from_millis(jitter)).await;
                    }
                    done => return done.map_err(StoreError::from),
                }
            }
        };
        match tokio::time::timeout(OPERATION, tries).await {
            Ok(done) => done,
            Err(_) => Err(StoreError::Unavailable(
                "PostgreSQL did not respond in time".to_owned(),
            )),
        }
    }

    /// Stops giving out connections, and waits until all have ended.
    pub(super) async fn close(&self) -> StoreResult<()> {
        self.pool.close();
        self.tasks.close();
        match tokio::time::timeout(CLOSE_TIMEOUT, self.tasks.wait()).await {
            Ok(()) => Ok(()),
            Err(_) => Err(StoreError::Unavailable(
                "a connection to PostgreSQL has not ended within the time".to_owned(),
            )),
        }
    }
}

/// An acquired connection. After a fault, or after its caller has gone, its state is unknown; it
/// returns to the pool only if all went well.
pub(super) struct PooledConnection {
    object: Option<Object>,
    pooled: bool,
}

impl PooledConnection {
    fn object(&self) -> Sql<&Object> {
        self.object.as_ref().ok_or(Fault::Stale)
    }

    /// Begins a transaction, in which each statement sees what was committed before it.
    pub(super) async fn begin(&mut self) -> Sql<Transaction<'_>> {
        let pooled = self.pooled;
        Transaction::begin(self.object()?, pooled).await
    }

    /// The rows of a query outside of a transaction.
    pub(super) async fn query(&mut self, text: &str, params: Params<'_>) -> Sql<Vec<Row>> {
        let rows = statements::query(self.object()?, self.pooled, text, params).await;
        rows.map_err(stale)
    }

    /// A statement outside of a transaction, which is one of its own.
    pub(super) async fn execute(&mut self, text: &str, params: Params<'_>) -> Sql<u64> {
        if self.pooled {
            // Behind a pooler, settings are per transaction.
            let tx = self.begin().await?;
            let touched = tx.execute(text, params).await?;
            tx.commit().await?;
            return Ok(touched);
        }
        let object = self.object()?;
        let statement = object.prepare_cached(text).await.map_err(stale)?;
        Ok(object
            .execute(&statement, &super::params::plain(params))
            .await?)
    }

    /// Returns the connection to the pool, because all went well.
    pub(super) fn done(mut self) {
        drop(self.object.take());
    }
}

impl Drop for PooledConnection {
    fn drop(&mut self) {
        if let Some(object) = self.object.take() {
            drop(Object::take(object));
        }
    }
}
