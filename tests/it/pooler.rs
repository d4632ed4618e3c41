//! A database behind PgBouncer in transaction mode: no accepted job is lost, even if the process is
//! killed, and the log names the pooler.

use serde_json::json;

use crate::support::service::Builder;
use crate::support::{Database, Home, data, until};

const JOBS: usize = 40;

fn service(home: &Home, database: &Database) -> Builder {
    home.service()
        .set("store.url", &database.url)
        .set("state.dir", home.path().display().to_string())
        .set("jobs.lease", "2s")
        .set("jobs.heartbeat", "500ms")
}

#[test]
fn accepted_jobs_are_done_behind_a_pooler_though_the_process_is_killed() {
    let (home, database) = (Home::new(), Database::behind_a_pooler());
    let first = service(&home, &database).start();
    first.wait_for_line("behind a pooler");
    let client = first.client();
    let session = client.session_with_birds();
    let mut jobs: Vec<String> = (0..JOBS)
        .map(|_| client.sql(&session, data::COUNT))
        .collect();
    client.succeeded(&jobs[0]);
    first.kill9();
    // Two replicas share what is left, and the few connections of the pooler.
    let (second, other) = (service(&home, &database).start(), Home::new());
    let third = service(&other, &database)
        .set("blobs.url", home.blobs_url())
        .start();
    let clients = [second.client(), third.client()];
    for n in 0..JOBS {
        jobs.push(clients[n % 2].sql(&session, data::COUNT));
    }
    for (n, job) in jobs.iter().enumerate() {
        let job = clients[n % 2].succeeded(job);
        assert!(job["attempt"].as_u64() <= Some(2), "{job:#}");
    }
    until("it is ready", || {
        (clients[0].get("/readyz").status == 200).then_some(())
    });
    second.stop();
    third.stop();
}

#[test]
fn connections_that_the_server_ends_behind_a_pooler_lose_no_job() {
    let (home, database) = (Home::new(), Database::behind_a_pooler());
    let service = service(&home, &database).start();
    let client = service.client();
    let session = client.session_with_birds();
    let mut jobs = Vec::new();
    for n in 0..JOBS {
        if n % 8 == 0 {
            database.query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid()",
            );
        }
        let body = json!({"kind": "sql", "query": data::COUNT});
        let key = format!("{n}");
        // Whether a request was done whose answer was lost is not known: its key makes it safe.
        let accepted = crate::support::until("it is accepted", || {
            let path = format!("/v1/sessions/{session}/analyses");
            let answer = client.post_with(&path, &[("Idempotency-Key", &key)], &body);
            if answer.status == 202 {
                return Some(answer.json());
            }
            answer.expect_problem(503, "store_unavailable");
            None
        });
        jobs.push(accepted["id"].as_str().unwrap().to_owned());
    }
    for job in &jobs {
        client.succeeded(job);
    }
    service.stop();
}
