//! Migrates the schema at start. Processes that start together take turns.

use lastcall_domain::{StoreError, StoreResult};

use super::error::Sql;
use super::pool::Connections;

/// The steps from one version of the schema to the next; the version is their number.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("schema.sql"),
    include_str!("suspects.sql"),
    include_str!("read_options.sql"),
    include_str!("replicas.sql"),
    include_str!("fair.sql"),
    include_str!("priorities.sql"),
    include_str!("trace.sql"),
    include_str!("content_key.sql"),
    include_str!("labels.sql"),
];
/// The advisory lock of a migration; its other key is the schema, because all schemas of a database
/// share its locks. The locks of the queues are the numbers of the services.
const MIGRATION_LOCK: i32 = 1_000;

pub(super) async fn migrate(connections: &Connections) -> StoreResult<()> {
    let found = connections.run(|| step(connections)).await?;
    if found > MIGRATIONS.len() {
        return Err(StoreError::Failed(format!(
            "the database was written by a newer version of Lastcall: its schema has version \
             {found}, this one knows {}",
            MIGRATIONS.len()
        )));
    }
    Ok(())
}

/// Migrates the schema. Returns the version that it had.
async fn step(connections: &Connections) -> Sql<usize> {
    let mut conn = connections.acquire().await?;
    let tx = conn.begin().await?;
    tx.query(
        "SELECT pg_advisory_xact_lock(hashtext(current_schema()), $1)",
        &[&MIGRATION_LOCK],
    )
    .await?;
    tx.batch_execute("CREATE TABLE IF NOT EXISTS lastcall_schema (version bigint NOT NULL)")
        .await?;
    let version = tx
        .query("SELECT max(version) FROM lastcall_schema", &[])
        .await?;
    let version: Option<i64> = match version.first() {
        Some(row) => row.try_get(0)?,
        None => None,
    };
    let found = usize::try_from(version.unwrap_or(0)).unwrap_or(usize::MAX);
    for migration in MIGRATIONS.get(found..).unwrap_or_default() {
        tx.batch_execute(migration).await?;
    }
    if found < MIGRATIONS.len() {
        let now = MIGRATIONS.len() as i64;
        tx.execute("INSERT INTO lastcall_schema VALUES ($1)", &[&now])
            .await?;
    }
    tx.commit().await?;
    conn.done();
    Ok(found)
}
