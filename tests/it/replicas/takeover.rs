//! One job, and a worker that does not end it.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::balancer::Balancer;
use super::cluster::Cluster;
use crate::support::{Client, HeldQueries, Service, data, process, until};

/// A lease that is over soon.
const SHORT: [(&str, &str); 2] = [("jobs.lease", "1s"), ("jobs.heartbeat", "200ms")];

/// The lease, and the second within which a peer has to see that it is over.
const RESCUE: Duration = Duration::from_secs(2);
/// What a busy machine may add.
const ROOM: Duration = Duration::from_secs(10);

/// The replica runs a query that does not go on; its id.
#[track_caller]
fn held_query(replica: &Service) -> (String, HeldQueries) {
    let held = HeldQueries::of(replica);
    let client = replica.client();
    let session = client.session_with_birds();
    let id = client.sql(&session, data::COUNT);
    client.wait_for(&id, "running");
    (id, held)
}

/// The others, and a client of all of them.
#[track_caller]
fn peers(cluster: &Cluster, first: &Service) -> ([Service; 2], Balancer, Client) {
    let balancer = Balancer::start();
    balancer.admit(0, first);
    let peers = [1, 2].map(|place| {
        let peer = cluster.start(place);
        balancer.admit(place, &peer);
        peer
    });
    let client = balancer.client();
    (peers, balancer, client)
}

/// The right result, written once.
#[track_caller]
fn check(cluster: &Cluster, client: &Client, id: &str) {
    assert_eq!(client.result(id).json()["rows"][0][0], 10);
    assert_eq!(cluster.database.writes()[id], (1, 1));
}

/// Bytes that the processes for queries have written.
fn answered(replica: &Service) -> u64 {
    process::children(replica.pid())
        .into_iter()
        .flat_map(|pid| std::fs::read_to_string(format!("/proc/{pid}/io")))
        .flat_map(|text| {
            let written = text.lines().find_map(|line| line.strip_prefix("wchar: "));
            written.and_then(|bytes| bytes.parse::<u64>().ok())
        })
        .sum()
}

#[track_caller]
fn stop(replicas: [Service; 2]) {
    for replica in replicas {
        replica.stop();
    }
}

#[test]
fn a_job_whose_worker_was_killed_runs_on_a_peer() {
    let cluster = Cluster::new(SHORT);
    let first = cluster.first();
    let (id, _held) = held_query(&first);
    let (peers, balancer, _) = peers(&cluster, &first);
    let killed = Instant::now();
    first.kill9();
    until("a peer has the job", || {
        (peers[0].client().job(&id)["attempt"] == 2).then_some(())
    });
    let rescued = killed.elapsed();
    eprintln!("a peer had the job {rescued:?} after its worker was killed");
    assert!(rescued < RESCUE + ROOM, "{rescued:?}");
    until("HAProxy sees that the replica is gone", || {
        (!balancer.is_up(0)).then_some(())
    });
    let client = balancer.client();
    let job = client.succeeded(&id);
    assert_eq!(job["attempt"], 2, "{job:#}");
    assert_eq!(job["interruptions"], 0, "{job:#}");
    check(&cluster, &client, &id);
    stop(peers);
}

#[test]
fn a_worker_that_hangs_loses_its_job_and_its_late_write_is_refused() {
    // No shorter, as it is also how long the late write waits for its answer.
    let cluster = Cluster::new([("jobs.lease", "5s"), ("jobs.heartbeat", "500ms")]);
    let mut first = cluster.first();
    let (id, held) = held_query(&first);
    let (peers, ..) = peers(&cluster, &first);
    let client = peers[0].client();
    first.signal(Signal::SIGSTOP);
    let job = client.succeeded(&id);
    let result = client.result(&id);
    assert_eq!(job["attempt"], 2, "{job:#}");
    check(&cluster, &client, &id);

    // The query answers while the worker is stopped: it has its result as soon as it continues.
    let before = answered(&first);
    held.release();
    until("the late query has answered", || {
        (answered(&first) > before).then_some(())
    });
    // The row is locked until both its heartbeat and its result are sent, so that not the heartbeat
    // alone reports the lost claim.
    let row = format!("SELECT id FROM jobs WHERE id = '{id}' FOR UPDATE");
    let locked = cluster.database.hold(&row);
    kill(Pid::from_raw(first.pid()), Signal::SIGCONT).unwrap();
    until("heartbeat and result wait for the row", || {
        let waiting = "SELECT count(*) FROM pg_locks
             WHERE locktype = 'tuple' AND relation = 'jobs'::regclass";
        (cluster.database.query(waiting) == ["2"]).then_some(())
    });
    drop(locked);
    until("the stale write was rejected", || {
        let service = first.client().service("AnalysisService");
        let counts = &service["counts"];
        assert_eq!(counts["succeeded"], 0, "{service:#}");
        (counts["refused"] == 1).then_some(())
    });
    first.wait_for_line(&format!("job {id}: stale write rejected"));
    let metrics = first.client().get("/metrics").expect(200).text();
    let counted = r#"lastcall_service_work_total{outcome="refused",service="AnalysisService"} 1"#;
    assert!(metrics.contains(counted), "{metrics}");
    assert_eq!(client.job(&id), job);
    assert_eq!(client.result(&id).body, result.body);
    check(&cluster, &first.client(), &id);
    stop(peers);
    // Nothing of it is in its way.
    first.stop();
}

#[test]
fn handed_back_work_is_taken_by_a_peer_at_once() {
    let cluster = Cluster::new([
        // Longer than the test waits: no peer has the job because a lease was over.
        ("jobs.lease", "10m"),
        ("shutdown.deadline", "3s"),
        ("shutdown.cancel_before", "2s"),
    ]);
    let first = cluster.first();
    let (id, _held) = held_query(&first);
    let (peers, _balancer, client) = peers(&cluster, &first);
    let ended = first.terminate().expect(75);
    let job = client.succeeded(&id);
    assert_eq!(job["attempt"], 1, "{job:#}\n{ended:#?}");
    assert_eq!(job["interruptions"], 1, "{job:#}\n{ended:#?}");
    check(&cluster, &client, &id);
    stop(peers);
}
