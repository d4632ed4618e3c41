//! Tests of released claims, and of claims whose arbiter is abandoned.

use chrono::DateTime;
use lastcall_domain::{JobError, JobSpec, Owner, SessionId, TableFormat};

use super::*;
use crate::gate::Gate;
use crate::worker::claim_state::Blame;
use crate::worker::outcome::AttemptOutcome;

const LEASE: Duration = Duration::from_secs(5);

/// This many claims whose attempts run.
fn running(count: usize) -> (Claims, Gate, Vec<Key>) {
    let (hands, gate) = (Claims::new(), Gate::new(usize::MAX));
    let mut jobs = Vec::new();
    let mut permits = Vec::new();
    for _ in 0..count {
        let spec = JobSpec::Sql {
            query: String::new(),
            parameters: Vec::new(),
            format: TableFormat::Json,
        };
        let now = DateTime::default();
        let mut job = Job::new(
            JobId::new(),
            SessionId::new(),
            Owner::anonymous(),
            spec,
            now,
        );
        let holder = lastcall_domain::InstanceId::new();
        let taken = job.take(holder, LEASE, now, &lastcall_domain::Limits::default());
        assert!(taken.is_ok());
        jobs.push(job);
        permits.extend(gate.try_enter());
    }
    let keys = jobs.iter().map(|job| key(job.claim())).collect();
    hands.begin_fetch(1, permits, None);
    hands.claimed(1, jobs, Instant::now(), || None);
    for _ in 0..count {
        assert!(hands.start_next(0, count).is_some());
    }
    (hands, gate, keys)
}

#[test]
fn a_claim_that_is_being_released_is_not_written_as_well() {
    let (hands, gate, keys) = running(1);
    let key = keys[0];
    assert_eq!(hands.stop_for_hand_back(|_| true), [key]);
    // The attempt has ended at the same moment.
    assert!(!hands.begin_write(key));
    hands.finish(key, 0);
    // It stays held until the store has it, and the next hand-back may select it.
    assert_eq!(hands.stop_for_hand_back(|_| true), []);
    assert!(!hands.stays(key));
    assert_eq!(hands.stop_for_hand_back(|_| true), [key]);
    hands.settle(key);
    assert_eq!((hands.in_hand(), gate.in_flight()), (0, 0));
}

#[test]
fn an_orphan_that_is_being_released_is_not_written_as_well() {
    let (hands, _, keys) = running(1);
    let key = keys[0];
    assert_eq!(hands.stop_for_hand_back(|_| true), [key]);
    hands.abandon(1);
    assert_eq!(hands.adopt_orphans(), (vec![], false));
    // The store has not taken it.
    assert!(hands.stays(key));
    assert_eq!(hands.adopt_orphans(), (vec![(key, Blame::Unknown)], false));
}

#[test]
fn only_the_holder_of_the_thread_is_blamed() {
    let (hands, _, keys) = running(3);
    let arbiter = hands.arbiter();
    let culprit = hands.lock().claims[&keys[1]].ticket;
    let hanging = arbiter.track(culprit.unwrap_or(Ticket(0)), async { hands.abandon(1) });
    assert!(futures_util::FutureExt::now_or_never(hanging).is_some());
    assert_eq!(hands.adopt_orphans(), (vec![(keys[1], Blame::Own)], true));
    let released = hands.stop_for_hand_back(Claim::is_released);
    let mut expected = vec![keys[0], keys[2]];
    expected.sort_unstable();
    assert_eq!(released, expected);
    released.iter().for_each(|key| hands.settle(*key));
    assert_eq!(hands.in_hand(), 1);
}

#[test]
fn nobody_is_blamed_if_the_holder_of_the_thread_is_unknown() {
    let (hands, _, keys) = running(2);
    hands.abandon(1);
    let (failed, released) = hands.adopt_orphans();
    assert_eq!((failed.len(), released), (keys.len(), false));
    assert!(failed.iter().all(|(_, blame)| *blame == Blame::Unknown));
}

#[test]
fn permits_of_an_abandoned_arbiter_are_returned() {
    let (hands, gate) = (Claims::new(), Gate::new(usize::MAX));
    let hangs = hands.arbiter();
    let failed = AttemptOutcome::Failed(JobError::transient("x", "x"));
    let admit = |arbiter: &ArbiterState| {
        let pass = futures_util::FutureExt::now_or_never(arbiter.writes.admit(&failed));
        pass.map(std::mem::forget).is_some()
    };
    while admit(&hangs) {}
    // A fetch was under way as well, on the hung arbiter.
    hands.begin_fetch(1, gate.try_enter().into_iter().collect(), None);
    assert_eq!(gate.in_flight(), 1);
    hands.abandon(1);
    assert!(admit(&hands.arbiter()));
    assert_eq!(gate.in_flight(), 0);
}
