//! Connections: opened, configured, lent, and discarded as soon as one is in doubt.

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

/// Connections of one process, the one that listens not counted.
const CONNECTIONS: usize = 12;
/// How long to wait for a connection that is free, or new.
const WAIT: Duration = Duration::from_secs(5);
/// How long one operation may take, with every try of it.
pub(super) const OPERATION: Duration = Duration::from_secs(10);
/// How often an operation that another transaction has crossed is tried.
const TRIES: u32 = 8;
/// How long connections may take to end at the close.
const ENDING: Duration = Duration::from_secs(5);

/// What every connection of our own is told first; behind a pooler, every transaction. A transaction whose process has stopped in the middle
/// holds its locks for less than a lease; and a server that is set to lose the last
/// transactions in a crash is told that these must not be.
const SETTINGS: &str = "SET statement_timeout = '10s';
    SET lock_timeout = '8s';
    SET idle_in_transaction_session_timeout = '3s';
    SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') IN ('off', 'local')";

/// Makes connections, and knows which have not ended.
#[derive(Clone)]
pub(super) struct Connector {
    pub(super) config: Config,
    pub(super) tls: MakeRustlsConnect,
    pub(super) tasks: TaskTracker,
    /// Whether a pooler gives out connections by the transaction.
    pub(super) pooled: bool,
    /// Where connections live: the runtime of whoever happens to need one first may hang, or
    /// end, while another has it.
    pub(super) home: Handle,
}

impl Connector {
    /// A connection that was told nothing.
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
                // Its runtime has ended. Whoever waits has a bound on that.
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
            .max_size(CONNECTIONS)
            .wait_timeout(Some(WAIT))
            .create_timeout(Some(WAIT))
            .recycle_timeout(Some(WAIT))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| StoreError::Failed(error.to_string()))?;
        Ok(Self {
            pool,
            tasks,
            pooled,
        })
    }

    /// A connection. It is given up on drop unless [`PooledConnection::done`] was called.
    pub(super) async fn lend(&self) -> Sql<PooledConnection> {
        Ok(PooledConnection {
            object: Some(self.pool.get().await?),
            pooled: self.pooled,
        })
    }

    /// Runs the operation, again where another transaction has crossed it, within
    /// [`OPERATION`]. Each try leaves nothing behind if it fails.
    pub(super) async fn run<T, F>(&self, operation: impl Fn() -> F + Send + Sync) -> StoreResult<T>
    where
        F: Future<Output = Sql<T>> + Send,
    {
        let tries = async {
            let mut tried = 0;
            loop {
                tried += 1;
                match operation().await {
                    Err(fault) if fault.is_repeatable() && tried < TRIES => {
                        // Not both at the same moment again.
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

    /// Lends no more connections, and waits until all have ended.
    pub(super) async fn close(&self) -> StoreResult<()> {
        self.pool.close();
        self.tasks.close();
        match tokio::time::timeout(ENDING, self.tasks.wait()).await {
            Ok(()) => Ok(()),
            Err(_) => Err(StoreError::Unavailable(
                "a connection to PostgreSQL has not ended within the time".to_owned(),
            )),
        }
    }
}

/// A connection that was lent. What happens in it after a fault, or after its caller has gone,
/// is not known; it goes back to the others only when all was well.
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
            // Its settings are those of a transaction.
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

    /// All was well; the connection may be lent again.
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
