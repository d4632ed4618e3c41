//! A schema of its own on the PostgreSQL server of the tests.

use lastcall_domain::{Limits, StoreResult, Timestamp};
use lastcall_store::PostgresStore;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

/// The URL of the server that `scripts/test.sh` starts.
pub(crate) fn server() -> String {
    std::env::var("LASTCALL_TEST_POSTGRES").expect(
        "LASTCALL_TEST_POSTGRES names no PostgreSQL server: run the tests by scripts/test.sh",
    )
}

/// A schema that nobody else uses.
pub(crate) struct Schema {
    /// The URL of the database with the schema in front.
    pub(crate) url: String,
    /// A connection for the test itself.
    pub(crate) client: Client,
}

impl Schema {
    /// Makes one.
    pub(crate) async fn new() -> Self {
        let name = format!("test_{}", Uuid::now_v7().simple());
        let url = format!(
            "{}?sslmode=disable&options=-csearch_path%3D{name}",
            server()
        );
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
        tokio::spawn(connection);
        let make = format!("CREATE SCHEMA {name}");
        client.batch_execute(&make).await.unwrap();
        Self { url, client }
    }

    /// A database of its own, whose store is reached through PgBouncer in transaction mode: there a
    /// schema cannot be put in front by the URL.
    pub(crate) async fn behind_a_pooler() -> Self {
        let pooler = std::env::var("LASTCALL_TEST_PGBOUNCER")
            .expect("LASTCALL_TEST_PGBOUNCER names no PgBouncer: run the tests by scripts/test.sh");
        let name = format!("test_{}", Uuid::now_v7().simple());
        let direct = server();
        let (client, connection) = tokio_postgres::connect(&direct, NoTls).await.unwrap();
        tokio::spawn(connection);
        let make = format!("CREATE DATABASE {name}");
        client.batch_execute(&make).await.unwrap();
        let own = format!("{}{name}", &direct[..=direct.rfind('/').unwrap()]);
        let (client, connection) = tokio_postgres::connect(&own, NoTls).await.unwrap();
        tokio::spawn(connection);
        let url = format!(
            "{}{name}?sslmode=disable",
            &pooler[..=pooler.rfind('/').unwrap()]
        );
        Self { url, client }
    }

    /// The store in it, as one more process opens it.
    pub(crate) async fn open(&self) -> PostgresStore {
        self.try_open().await.unwrap()
    }

    /// As [`open`](Self::open), where that may fail.
    pub(crate) async fn try_open(&self) -> StoreResult<PostgresStore> {
        PostgresStore::open(&self.url, Limits::default()).await
    }

    /// Stops the store's clock at `now`, until it is set again.
    pub(crate) async fn take_over_the_clock(&self, now: Timestamp) {
        let micros = now.timestamp_micros();
        let text = format!(
            "CREATE TABLE test_clock (micros bigint);
             INSERT INTO test_clock VALUES ({micros});
             CREATE OR REPLACE FUNCTION lastcall_now() RETURNS bigint LANGUAGE sql STABLE AS
                 'SELECT micros FROM test_clock'"
        );
        self.client.batch_execute(&text).await.unwrap();
    }

    /// Sets the store's time.
    pub(crate) async fn set_clock(&self, now: Timestamp) {
        let text = "UPDATE test_clock SET micros = greatest(micros, $1)";
        let micros = now.timestamp_micros();
        self.client.execute(text, &[&micros]).await.unwrap();
    }
}
