//! Ten thousand jobs of one owner, and the first of another.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::service::Builder;
use crate::support::{Answer, Client, Database, Home, until};

const CROWD: &str = "key-of-the-crowd";
const SINGLE: &str = "key-of-the-single";
const JOBS: usize = 10_000;
/// What submits at once.
const CLIENTS: usize = 8;

#[test]
fn the_first_job_of_an_owner_waits_for_one_slot_of_anothers_ten_thousand_on_sqlite() {
    let home = Home::new();
    first_job_behind_a_crowd(home.service());
}

#[test]
fn the_first_job_of_an_owner_waits_for_one_slot_of_anothers_ten_thousand_on_postgres() {
    let (home, database) = (Home::new(), Database::new());
    let builder = home
        .service()
        .set("store.url", &database.url)
        .set("state.dir", home.path().display().to_string());
    first_job_behind_a_crowd(builder);
}

fn key(name: &str, key: &str) -> Value {
    let digest = Sha256::digest(key);
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    json!({ "name": name, "sha256": digest, "role": "user" })
}

fn query(client: &Client, session: &str, number: usize) -> String {
    // Another query each time: no answer is there already.
    client.sql(
        session,
        &format!("select {number} as n, count(*) from birds"),
    )
}

fn first_job_behind_a_crowd(builder: Builder) {
    let keys = json!([key("crowd", CROWD), key("single", SINGLE)]);
    let service = builder
        .set("auth.mode", "keys")
        .set("auth.keys", keys.to_string())
        .set("analysis.workers", "1")
        .set("analysis.max_queued", "20000")
        .start();
    let crowd = service.client().with_key(CROWD);
    let session = crowd.session_with_birds();
    std::thread::scope(|scope| {
        for first in 0..CLIENTS {
            let (crowd, session) = (&crowd, &session);
            scope.spawn(move || {
                for number in (first..JOBS).step_by(CLIENTS) {
                    query(crowd, session, number);
                }
            });
        }
    });
    let single = service.client().with_key(SINGLE);
    let own = single.session_with_birds();
    for number in 0..5 {
        let job = single.succeeded(&query(&single, &own, number));
        let (created, started) = (text(&job, "created_at"), text(&job, "started_at"));
        // One may have been claimed at the moment at which the job came.
        let before = started_between(&crowd, created, started);
        assert!(before <= 2, "{before} of the crowd went first: {job:#}");
    }
    let left = crowd
        .get("/v1/jobs?state=queued&limit=1")
        .expect(200)
        .json();
    assert_eq!(left["items"].as_array().map(Vec::len), Some(1), "{left:#}");
    service.kill9();
}

/// How many of the newest jobs that the caller's service has begun were begun after the first
/// moment and not after the second.
fn started_between(client: &Client, after: &str, until: &str) -> usize {
    let jobs = client.get("/v1/jobs?state=succeeded&order=desc&limit=100");
    let jobs = jobs.expect(200).json();
    let jobs = jobs["items"].as_array().unwrap();
    assert!(!jobs.is_empty(), "the crowd is being served");
    let started = jobs.iter().map(|job| text(job, "started_at"));
    started.filter(|at| *at > after && *at <= until).count()
}

fn text<'a>(job: &'a Value, field: &str) -> &'a str {
    job[field].as_str().unwrap()
}

#[test]
fn the_bounds_on_an_owner_hold_on_the_real_process() {
    let (home, database) = (Home::new(), Database::new());
    let keys = json!([key("crowd", CROWD), key("single", SINGLE)]);
    let service = home
        .service()
        .set("store.url", &database.url)
        .set("state.dir", home.path().display().to_string())
        .set("auth.mode", "keys")
        .set("auth.keys", keys.to_string())
        .set("limits.per_owner.requests_per_second", "1000")
        .set("limits.per_owner.sessions", "1")
        .set("limits.per_owner.stored_bytes", "4KiB")
        .set("limits.per_owner.queued_jobs", "3")
        .set("limits.per_owner.running_jobs", "1")
        .start();
    let crowd = service.client().with_key(CROWD);
    let session = crowd.session_with_birds();
    let list = crowd.get("/v1/jobs").expect(200);
    assert_eq!(list.header("ratelimit-policy"), "\"owner\";q=2000;w=2");
    assert!(
        list.header("ratelimit").starts_with("\"owner\";r="),
        "{list:?}"
    );
    let refused = crowd.post("/v1/sessions", &json!({}));
    refused.expect_problem(429, "too_many_sessions");
    let path = format!("/v1/sessions/{session}/datasets/large");
    let large = format!("a\n{}", "1\n".repeat(4_096));
    let refused = crowd.put(&path, "text/csv", large.as_bytes());
    refused.expect_problem(507, "quota_exceeded");

    // One runs, however many slots are free, and three wait.
    let held = database.hold("LOCK TABLE results IN ACCESS EXCLUSIVE MODE");
    let path = format!("/v1/sessions/{session}/analyses");
    let submit = |number: usize| {
        let body = json!({ "kind": "sql", "query": format!("select {number} as n") });
        crowd.post(&path, &body)
    };
    let mut jobs = vec![id(submit(0).expect(202))];
    let running = || {
        database
            .query("SELECT count(*) FROM jobs WHERE state = 1")
            .concat()
    };
    until("one runs", || (running() == "1").then_some(()));
    for number in 1..=3 {
        jobs.push(id(submit(number).expect(202)));
    }
    submit(4).expect_problem(429, "owner_queue_full");
    assert_eq!(running(), "1");
    let single = service.client().with_key(SINGLE);
    let own = single.session_with_birds();
    let other = query(&single, &own, 0);
    until("another owner's runs beside it", || {
        (running() == "2").then_some(())
    });
    drop(held);
    for job in &jobs {
        crowd.succeeded(job);
    }
    single.succeeded(&other);
    service.stop();
}

#[test]
fn an_owners_low_jobs_give_way_to_its_others_on_the_real_process() {
    let (home, database) = (Home::new(), Database::new());
    let service = home
        .service()
        .set("store.url", &database.url)
        .set("state.dir", home.path().display().to_string())
        .set("limits.per_owner.running_jobs", "1")
        .start();
    let client = service.client();
    let session = client.session_with_birds();
    let path = format!("/v1/sessions/{session}/analyses");
    let submit = |number: usize, priority: &str| {
        let query = format!("select {number} as n");
        let body = json!({ "kind": "sql", "query": query, "priority": priority });
        let job = client.post(&path, &body).expect(202);
        assert_eq!(job.json()["priority"], priority);
        id(job)
    };
    // In its row the first job runs until the others are in the queue.
    let held = database.hold("LOCK TABLE results IN ACCESS EXCLUSIVE MODE");
    let first = submit(0, "normal");
    until("it runs", || {
        let running = database.query("SELECT count(*) FROM jobs WHERE state = 1");
        (running.concat() == "1").then_some(())
    });
    let low = submit(1, "low");
    let normal = submit(2, "normal");
    drop(held);
    let started = [first, normal, low].map(|job| {
        let job = client.succeeded(&job);
        text(&job, "started_at").to_owned()
    });
    assert!(started.is_sorted(), "{started:?}");
    service.stop();
}

fn id(answer: Answer) -> String {
    text(&answer.json(), "id").to_owned()
}
