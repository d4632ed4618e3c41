//! A steady load while the replicas come and go.
//!
//! The long runs:
//!
//! ```text
//! LASTCALL_ROLLS=500 cargo test --test it replicas::rolling::rolling -- --nocapture
//! LASTCALL_REPLICA_KILLS=500 cargo test --test it replicas::rolling::random -- --nocapture
//! ```

use std::time::Duration;

use nix::sys::signal::Signal;

use super::balancer::Balancer;
use super::cluster::{Cluster, REPLICAS};
use super::load::{Faults, Load};
use crate::support::{Service, until};

/// Restarts where `LASTCALL_ROLLS` names no other number; each takes little more than its lame
/// duck.
const ROLLS: u64 = 50;
/// Kills where `LASTCALL_REPLICA_KILLS` names no other number.
const KILLS: u64 = 30;
/// Hangs where `LASTCALL_REPLICA_HANGS` names no other number.
const HANGS: u64 = 15;

/// Hangs beyond those, where none of those hit a replica with a job in hand.
const MORE_HANGS: u64 = 200;

/// A job may lose its worker as often as it happens to.
const SHORT_LEASE: [(&str, &str); 4] = [
    ("jobs.lease", "1s"),
    ("jobs.heartbeat", "200ms"),
    ("jobs.max_attempts", "100"),
    ("sessions.ttl", "1day"),
];

fn from_environment(name: &str, otherwise: u64) -> u64 {
    let given = std::env::var(name).ok();
    given.map_or(otherwise, |text| text.parse().expect("a number"))
}

/// All replicas behind a balancer, and a session with a dataset.
#[track_caller]
fn start(cluster: &Cluster) -> (Vec<Service>, Balancer, String) {
    let mut replicas = vec![cluster.first()];
    replicas.extend((1..REPLICAS).map(|place| cluster.start(place)));
    let balancer = Balancer::start();
    for (place, replica) in replicas.iter().enumerate() {
        balancer.admit(place, replica);
    }
    let session = balancer.client().session_with_birds();
    (replicas, balancer, session)
}

/// Waits until the load has made progress with the current replicas.
#[track_caller]
fn wait_for_progress(load: &Load) {
    let before = load.accepted();
    until("jobs are accepted", || {
        (load.accepted() > before + 2).then_some(())
    });
}

#[test]
fn rolling_restarts_lose_nothing_and_fail_no_request() {
    let rolls = from_environment("LASTCALL_ROLLS", ROLLS) as usize;
    let cluster = Cluster::new([
        // The balancer looks every 100 ms; the rest is for a machine that is busy. With none at
        // all a request may be cut off.
        ("shutdown.lame_duck", "1s"),
        ("sessions.ttl", "1day"),
    ]);
    let (mut replicas, balancer, session) = start(&cluster);
    let load = Load::start(&balancer, &session, Faults::Count);
    for roll in 0..rolls {
        wait_for_progress(&load);
        let place = roll % REPLICAS;
        let ended = replicas.remove(place).terminate();
        assert!(matches!(ended.code, Some(0 | 75)), "{ended:#?}");
        let replica = cluster.start(place);
        balancer.admit(place, &replica);
        replicas.insert(place, replica);
    }
    let told = load.stop();
    eprintln!(
        "{rolls} restarts: {} jobs, {} requests, {} failed",
        told.jobs.len(),
        told.requests,
        told.failures.len(),
    );
    told.check(&cluster, &balancer.client());
    for replica in replicas {
        replica.stop();
    }
}

/// Prints its seed; `LASTCALL_SEED=…` repeats its choices, though not the operating system's.
#[test]
fn random_kills_lose_no_job() {
    let kills = from_environment("LASTCALL_REPLICA_KILLS", KILLS);
    let seed = from_environment("LASTCALL_SEED", fastrand::u64(..));
    eprintln!("{kills} kills, LASTCALL_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let cluster = Cluster::new(SHORT_LEASE);
    let (mut replicas, balancer, session) = start(&cluster);
    let load = Load::start(&balancer, &session, Faults::Retry);
    for _ in 0..kills {
        wait_for_progress(&load);
        std::thread::park_timeout(Duration::from_millis(random.u64(..300)));
        let place = random.usize(..REPLICAS);
        replicas.remove(place).kill9();
        let replica = cluster.start(place);
        balancer.admit(place, &replica);
        replicas.insert(place, replica);
    }
    let told = load.stop();
    eprintln!(
        "{kills} kills: {} jobs, {} requests, {} of them again",
        told.jobs.len(),
        told.requests,
        told.repeated,
    );
    assert!(
        told.repeated > 0 || kills < KILLS,
        "no request was ever cut off"
    );
    told.check(&cluster, &balancer.client());
    for replica in replicas {
        replica.stop();
    }
}

/// A replica that hangs for longer than its lease has lost its jobs without noticing. Some hang
/// until that is so, some for a random time.
#[test]
fn random_hangs_let_no_late_write_through() {
    let hangs = from_environment("LASTCALL_REPLICA_HANGS", HANGS);
    let seed = from_environment("LASTCALL_SEED", fastrand::u64(..));
    eprintln!("{hangs} hangs, LASTCALL_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let cluster = Cluster::new(SHORT_LEASE);
    let (mut replicas, balancer, session) = start(&cluster);
    let instances: Vec<String> = replicas.iter().map(instance).collect();
    let load = Load::start(&balancer, &session, Faults::Retry);
    let (mut hung, mut taken) = (0, 0);
    while hung < hangs || taken == 0 {
        assert!(
            hung < hangs + MORE_HANGS,
            "none had a job in hand when it hung"
        );
        wait_for_progress(&load);
        std::thread::park_timeout(Duration::from_millis(random.u64(..300)));
        let place = random.usize(..REPLICAS);
        replicas[place].signal(Signal::SIGSTOP);
        hung += 1;
        match in_hand(&cluster, &instances[place]) {
            Some(claim) if taken == 0 || random.bool() => {
                until("a peer has taken the job away", || {
                    (in_hand(&cluster, &instances[place]).as_ref() != Some(&claim)).then_some(())
                });
                taken += 1;
            }
            _ => std::thread::park_timeout(Duration::from_millis(random.u64(..3000))),
        }
        replicas[place].signal(Signal::SIGCONT);
    }
    let told = load.stop();
    let lost = until("those that hung know what they have lost", || {
        let lost: u64 = replicas.iter().map(lost).sum();
        (lost > 0).then_some(lost)
    });
    eprintln!(
        "{hung} hangs: {} jobs, {} requests, {} of them again, {taken} jobs taken away while \
         their worker hung, {lost} claims lost",
        told.jobs.len(),
        told.requests,
        told.repeated,
    );
    told.check(&cluster, &balancer.client());
    for replica in replicas {
        replica.stop();
    }
}

/// The process as the rows name it.
#[track_caller]
fn instance(replica: &Service) -> String {
    let system = replica.client().system();
    system["instance"].as_str().unwrap().to_owned()
}

/// The job that it has had in hand for longest, and the epoch of its claim.
fn in_hand(cluster: &Cluster, instance: &str) -> Option<String> {
    let text = format!(
        "SELECT id, epoch FROM jobs WHERE state = 1 AND holder = '{instance}'
         ORDER BY id LIMIT 1"
    );
    cluster.database.query(&text).pop()
}

/// Claims of the process that a peer took away.
fn lost(replica: &Service) -> u64 {
    ["AnalysisService", "ReportService"]
        .into_iter()
        .filter_map(|name| replica.client().service(name)["counts"]["lost"].as_u64())
        .sum()
}
