//! Statements on a connection, inside and outside a transaction.
//!
//! On our own connections a statement is prepared once. Behind a pooler that assigns connections
//! per transaction, nothing may be left on them: there a statement is sent unnamed, with the types
//! of its parameters, and settings are per transaction.

use std::pin::pin;

use deadpool_postgres::Object;
use futures_util::TryStreamExt;
use tokio_postgres::Row;

use super::error::{Fault, Sql};
use super::params::{Params, plain, typed};

/// Begins a transaction, in which each statement sees what was committed before it.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";
/// The same, with the settings that our own connections get once.
const BEGIN_WITH_SETTINGS: &str = "BEGIN ISOLATION LEVEL READ COMMITTED;
    SET LOCAL statement_timeout = '10s';
    SET LOCAL lock_timeout = '8s';
    SET LOCAL idle_in_transaction_session_timeout = '3s';
    SELECT set_config('synchronous_commit', 'on', true)
    WHERE current_setting('synchronous_commit') IN ('off', 'local')";

/// A transaction. If it is not committed, it is discarded together with its connection.
pub(super) struct Transaction<'a> {
    object: &'a Object,
    pooled: bool,
}

impl<'a> Transaction<'a> {
    /// Begins one.
    pub(super) async fn begin(object: &'a Object, pooled: bool) -> Sql<Self> {
        let text = if pooled { BEGIN_WITH_SETTINGS } else { BEGIN };
        object.batch_execute(text).await.map_err(stale)?;
        Ok(Self { object, pooled })
    }

    /// The rows of a query.
    pub(super) async fn query(&self, text: &str, params: Params<'_>) -> Sql<Vec<Row>> {
        Ok(query(self.object, self.pooled, text, params).await?)
    }

    /// How many rows a statement has affected.
    pub(super) async fn execute(&self, text: &str, params: Params<'_>) -> Sql<u64> {
        Ok(execute(self.object, self.pooled, text, params).await?)
    }

    /// Statements without parameters.
    pub(super) async fn batch_execute(&self, text: &str) -> Sql<()> {
        Ok(self.object.batch_execute(text).await?)
    }

    /// Commits it.
    pub(super) async fn commit(self) -> Sql<()> {
        Ok(self.object.batch_execute("COMMIT").await?)
    }
}

/// The rows of a query.
pub(super) async fn query(
    object: &Object,
    pooled: bool,
    text: &str,
    params: Params<'_>,
) -> Result<Vec<Row>, tokio_postgres::Error> {
    if pooled {
        let rows = object.query_typed_raw(text, typed(params)).await?;
        return rows.try_collect().await;
    }
    let statement = object.prepare_cached(text).await?;
    object.query(&statement, &plain(params)).await
}

/// How many rows a statement has affected.
pub(super) async fn execute(
    object: &Object,
    pooled: bool,
    text: &str,
    params: Params<'_>,
) -> Result<u64, tokio_postgres::Error> {
    if pooled {
        let mut rows = pin!(object.query_typed_raw(text, typed(params)).await?);
        while rows.try_next().await?.is_some() {}
        return Ok(rows.rows_affected().unwrap_or(0));
    }
    let statement = object.prepare_cached(text).await?;
    object.execute(&statement, &plain(params)).await
}

/// A connection that turns out to be dead before it has changed anything may be replaced.
pub(super) fn stale(error: tokio_postgres::Error) -> Fault {
    if error.is_closed() {
        Fault::Stale
    } else {
        Fault::Database(error)
    }
}

/// A statement of a transaction.
pub(super) async fn rows(tx: &Transaction<'_>, text: &str, params: Params<'_>) -> Sql<Vec<Row>> {
    tx.query(text, params).await
}

/// As [`rows`], but returns only the number of rows.
pub(super) async fn change(tx: &Transaction<'_>, text: &str, params: Params<'_>) -> Sql<u64> {
    tx.execute(text, params).await
}
