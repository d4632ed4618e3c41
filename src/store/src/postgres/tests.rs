//! Tests below the port: the plans of the queries.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use lastcall_domain::store::{JobFilter, Order};
use lastcall_domain::{Owner, Service, SessionId, State, Timestamp};
use tokio_postgres::NoTls;
use tokio_util::task::TaskTracker;

use super::pool::{Connections, Connector};
use super::{migrate, owner_limits, queue, read, removal, tls, url, work};

#[tokio::test]
async fn no_query_that_is_asked_often_reads_past_what_it_wants() {
    let server = std::env::var("LASTCALL_TEST_POSTGRES").expect(
        "LASTCALL_TEST_POSTGRES names no PostgreSQL server: run the tests by scripts/test.sh",
    );
    let (client, connection) = tokio_postgres::connect(&server, NoTls).await.unwrap();
    tokio::spawn(connection);
    // Without rows every plan costs the same, so plans without an index are disabled, and the
    // values of the parameters are hidden from the planner.
    let schema = format!("test_{}", uuid::Uuid::now_v7().simple());
    let settings = format!(
        "CREATE SCHEMA {schema}; SET search_path = {schema}; {} ; SET enable_seqscan = off;
         SET enable_bitmapscan = off; SET enable_sort = off;
         SET plan_cache_mode = force_generic_plan;",
        migrate::MIGRATIONS.concat()
    );
    client.batch_execute(&settings).await.unwrap();

    let mut texts = vec![
        queue::owners(),
        queue::ready(),
        queue::suspects(None),
        queue::suspects(Some(3)),
        queue::RUNNING.to_owned(),
        work::expired(),
        read::answer_to_text(),
        queue::RESUME.to_owned(),
        owner_limits::SESSIONS.to_owned(),
        owner_limits::QUEUED.to_owned(),
        removal::EXPIRED.to_owned(),
        "SELECT id FROM sessions WHERE removing LIMIT $1".to_owned(),
        "SELECT id FROM jobs WHERE session = $1::uuid AND state < 2".to_owned(),
        "UPDATE jobs SET waits_for = NULL WHERE waits_for = ANY($1::uuid[])".to_owned(),
        "UPDATE datasets SET columns = $2 WHERE blob = $1 AND read = $3".to_owned(),
        "SELECT count(*) FROM jobs WHERE service = $1 AND state = 0 AND state < 2".to_owned(),
        "SELECT id FROM removed WHERE removed_at < $1 LIMIT $2".to_owned(),
        "SELECT key FROM answers WHERE created_at < $1 LIMIT $2".to_owned(),
    ];
    let (owner, session) = (Some(Owner::anonymous()), Some(SessionId::new()));
    for (owner, session) in [(&owner, &None), (&None, &session), (&owner, &session)] {
        for state in State::ALL.map(Some).into_iter().chain([None]) {
            for order in [Order::Asc, Order::Desc] {
                texts.push(read::jobs_text(&JobFilter {
                    owner: owner.clone(),
                    session: *session,
                    state,
                    service: Some(Service::Report),
                    kind: Some("report"),
                    dataset: Some("penguins".to_owned().try_into().unwrap()),
                    label: Some("team:blue".parse().unwrap()),
                    alive_at: Some(Timestamp::default()),
                    order,
                }));
            }
        }
    }
    for (n, text) in texts.into_iter().enumerate() {
        let prepared = client.prepare(&text).await.unwrap();
        let count = prepared.params().len();
        let types: Vec<&str> = prepared.params().iter().map(|kind| kind.name()).collect();
        let values = vec!["NULL"; count].join(", ");
        let types = types.join(", ");
        client
            .batch_execute(&format!("PREPARE plan_{n} ({types}) AS {text}"))
            .await
            .unwrap();
        let explain = format!("EXPLAIN EXECUTE plan_{n} ({values})");
        let plan = client.query(&explain, &[]).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
        let plan = plan.join("\n");
        assert!(!plan.contains("Seq Scan"), "{text}\n{plan}");
        assert!(!plan.contains("Sort"), "{text}\n{plan}");
    }
    client
        .batch_execute(&format!("DROP SCHEMA {schema} CASCADE"))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_connection_outlives_the_runtime_that_opened_it() {
    let server = std::env::var("LASTCALL_TEST_POSTGRES").expect(
        "LASTCALL_TEST_POSTGRES names no PostgreSQL server: run the tests by scripts/test.sh",
    );
    let target = url::read(&server).unwrap();
    let connections = Connections::new(Connector {
        tls: tls::connector(&target.trust).unwrap(),
        config: target.config,
        tasks: TaskTracker::new(),
        pooled: false,
        home: tokio::runtime::Handle::current(),
    });
    let connections = Arc::new(connections.unwrap());
    let shared = Arc::clone(&connections);
    let conn = tokio::task::spawn_blocking(move || {
        let passing = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        passing.block_on(shared.acquire()).unwrap()
    });
    let mut conn = conn.await.unwrap();
    assert_eq!(conn.query("SELECT 1", &[]).await.unwrap().len(), 1);
    conn.done();
    connections.close().await.unwrap();
}
