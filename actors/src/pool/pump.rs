//! The pump: what the actor over a pool does. It fills slots, claims, and sleeps until there is
//! a reason to look again.
//!
//! It never waits for the store: a claim is a task of its own, so that a slot which becomes free
//! meanwhile is filled, and so that a claim outlives an actor that dies while it is under way.

use std::sync::Arc;

use log::warn;
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep_until, timeout};

use super::Pool;
use super::ask::answer;
use super::attempt::attempt;
use super::hands::Next;
use super::write::write_orphan;
use crate::gate::Permit;

/// A taken slot; free again when it is dropped.
pub(crate) struct Slot {
    pool: Arc<Pool>,
    incarnation: u64,
}

impl Slot {
    /// Gives the slot to whatever is next, at once. Only on the arbiter that has the slots.
    pub(super) fn next(self) {
        let (pool, incarnation) = (Arc::clone(&self.pool), self.incarnation);
        drop(self);
        fill(&pool, incarnation);
    }

    pub(super) fn incarnation(&self) -> u64 {
        self.incarnation
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.pool.hands.release(self.incarnation);
        self.pool.bell.notify_one();
    }
}

/// Runs until the actor ends, or until its arbiter was given up. `born`: the incarnation of the
/// actor.
pub(crate) async fn pump(pool: Arc<Pool>, born: u64) {
    loop {
        let incarnation = pool.hands.incarnation();
        if born < incarnation {
            return;
        }
        for key in pool.hands.adopt_orphans() {
            spawn_local(write_orphan(Arc::clone(&pool), key, incarnation));
        }
        fill(&pool, incarnation);
        let look = claim(&pool, incarnation);
        // Where there is nothing to wait for but the bell, the poll is the net under a lost ring.
        let look = look.unwrap_or_else(|| Instant::now() + pool.config.poll);
        tokio::select! {
            biased;
            () = pool.bell.notified() => {}
            () = sleep_until(look) => {}
        }
    }
}

/// Starts as much as there are free slots for.
fn fill(pool: &Arc<Pool>, incarnation: u64) {
    let workers = pool.config.workers.max(1);
    while let Some(next) = pool.hands.start_next(incarnation, workers) {
        let slot = Slot {
            pool: Arc::clone(pool),
            incarnation,
        };
        let pool = Arc::clone(pool);
        match next {
            Next::Attempt { key, task, reins } => {
                spawn_local(attempt(pool, key, *task, reins, slot));
            }
            Next::Ask { id, ask } => {
                spawn_local(answer(pool, id, ask, slot));
            }
        }
    }
}

/// Claims as many jobs as there is room for, if there is a reason to look. Otherwise says when
/// there will be one, if it is time that makes it.
fn claim(pool: &Arc<Pool>, incarnation: u64) -> Option<Instant> {
    let workers = pool.config.workers.max(1);
    let ahead = pool.estimate.ahead(workers, pool.config.mailbox);
    let room = pool.hands.room(workers, ahead);
    if room == 0 || !pool.is_claiming() || pool.claims.is_closed() {
        return None;
    }
    let Some(wakes) = pool.queue.begin_look() else {
        return pool.queue.next_look();
    };
    let look = Look(Arc::clone(pool));
    let permits: Vec<Permit> = (0..room)
        .map_while(|_| pool.claims.try_enter().ok())
        .collect();
    if !permits.is_empty() {
        spawn_local(look.claim(permits, wakes, incarnation));
    }
    None
}

/// A claim that is under way.
struct Look(Arc<Pool>);

impl Look {
    async fn claim(self, permits: Vec<Permit>, wakes: u64, incarnation: u64) {
        let pool = &self.0;
        let (service, rules) = (pool.service, &pool.rules);
        let limit = u32::try_from(permits.len()).unwrap_or(u32::MAX);
        let asked = Instant::now();
        let answer = pool
            .ports
            .store
            .claim(service, rules.instance, rules.lease, limit);
        // What is claimed by an answer that comes later than this has lost its lease anyway.
        match timeout(rules.lease, answer).await {
            Ok(Ok(jobs)) => {
                pool.queue.looked(wakes, jobs.len() < permits.len());
                pool.tally.claimed.add(jobs.len() as u64);
                let ids: Vec<_> = jobs.iter().map(|job| job.id).collect();
                pool.hands.claimed(jobs, permits, asked);
                for id in ids {
                    pool.ports.feed.changed(id);
                }
            }
            Ok(Err(error)) => {
                warn!("{service}: cannot claim: {error}");
                pool.queue.failed();
            }
            Err(_) => {
                warn!("{service}: cannot claim: the store does not answer");
                pool.queue.failed();
            }
        }
        fill(pool, incarnation);
    }
}

impl Drop for Look {
    fn drop(&mut self) {
        self.0.queue.end_look();
        self.0.bell.notify_one();
    }
}
