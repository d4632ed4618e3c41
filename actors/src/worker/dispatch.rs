//! The dispatcher of a pool, run by its actor: fills slots, claims jobs, and sleeps until there is
//! a reason for another fetch.
//!
//! It never waits for the store: a fetch is a task of its own, so that slots that become free
//! meanwhile are filled, and so that the fetch outlives an actor that dies while it is under way.

use std::sync::Arc;
use std::time::Duration;

use lastcall_domain::running_time;
use lastcall_domain::store::ClaimOrder;
use log::warn;
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep, sleep_until};

use super::Pool;
use super::claims::Next;
use super::complete::write_orphan;
use super::execute::attempt;
use super::fetch_schedule::FetchToken;
use super::release::{Which, hand_back};
use super::serve_request::serve;
use super::slot::Slot;
use crate::gate::Permit;
use crate::phase::Phase;

/// Runs until the actor ends, or until its arbiter is abandoned. `born` is the incarnation of the
/// actor.
pub(crate) async fn dispatch(pool: Arc<Pool>, born: u64) {
    loop {
        let incarnation = pool.claims.incarnation();
        if born < incarnation {
            return;
        }
        let (failed, released) = pool.claims.adopt_orphans();
        for (key, blame) in failed {
            let written = write_orphan(Arc::clone(&pool), key, blame, incarnation);
            spawn_local(pool.claims.scope(key).run(written));
        }
        if released {
            spawn_local(release(Arc::clone(&pool)));
        }
        fill(&pool, incarnation);
        let next_fetch = claim(&pool, incarnation);
        // Without a scheduled fetch, the poll interval guards against a lost notification.
        let next_fetch = next_fetch.unwrap_or_else(|| Instant::now() + pool.config.poll);
        tokio::select! {
            biased;
            () = pool.work_available.notified() => {}
            () = sleep_until(next_fetch) => {}
        }
    }
}

/// Hands back what was lost through no fault of its own. During a shutdown, what the store has not
/// taken within the lease is left to the lease: a peer may have it by then.
async fn release(pool: Arc<Pool>) {
    let until = Instant::now() + pool.rules.store_timeout;
    hand_back(&[Arc::clone(&pool)], Which::Released, until).await;
    if pool.rules.shared && pool.rules.phase.get().is_shutting_down() {
        for (key, scope) in pool.claims.drop_expired(pool.rules.lease) {
            scope.enter(|| {
                warn!("job {}: cannot record the outcome: lease expired", key.0);
            });
            pool.given_up(key);
        }
        pool.notify_dispatcher();
    }
}

/// Fills the free slots.
fn fill(pool: &Arc<Pool>, incarnation: u64) {
    let workers = pool.config.workers.max(1);
    let arbiter = pool.claims.arbiter();
    while let Some(next) = pool.claims.start_next(incarnation, workers) {
        let slot = Slot::new(pool, &arbiter, fill);
        let (pool, arbiter) = (Arc::clone(pool), Arc::clone(&arbiter));
        spawn_local(async move {
            match next {
                Next::Attempt {
                    key,
                    task,
                    stop_handle,
                    ticket,
                } => {
                    let span = pool.ports.tracer.attempt(&task.job);
                    let scope = span.scope();
                    let attempt = attempt(pool, key, *task, stop_handle, slot, span);
                    arbiter.track(ticket, scope.run(attempt)).await;
                }
                Next::ProfileRequest {
                    id,
                    request,
                    ticket,
                } => {
                    arbiter.track(ticket, serve(pool, id, request, slot)).await;
                }
            }
        });
    }
}

/// Claims as many jobs as there is room for, if a fetch is due. Otherwise returns when one will be,
/// if that is known.
fn claim(pool: &Arc<Pool>, incarnation: u64) -> Option<Instant> {
    let workers = pool.config.workers.max(1);
    let ahead = pool.estimate.ahead(workers, pool.config.mailbox);
    let room = pool.claims.room(workers, ahead);
    if room == 0 || !pool.is_claiming() || pool.claim_gate.is_closed() {
        return None;
    }
    let Some(token) = pool.fetch_schedule.begin_fetch() else {
        return pool.fetch_schedule.next_fetch();
    };
    let mut fetch = PendingFetch {
        pool: Arc::clone(pool),
        token,
        answered: true,
    };
    let permits: Vec<Permit> = (0..room)
        .map_while(|_| pool.claim_gate.try_enter().ok())
        .collect();
    if !permits.is_empty() {
        let turn = pool.rules.suspects.take(pool);
        let order = ClaimOrder {
            service: pool.service,
            holder: pool.rules.instance,
            lease: pool.rules.lease,
            limit: u32::try_from(permits.len()).unwrap_or(u32::MAX),
            suspect: turn.is_some(),
        };
        pool.claims.begin_fetch(token.number, permits, turn);
        fetch.answered = false;
        spawn_local(fetch.claim(order, incarnation));
    }
    None
}

/// A fetch that is under way.
struct PendingFetch {
    pool: Arc<Pool>,
    token: FetchToken,
    answered: bool,
}

impl PendingFetch {
    async fn claim(mut self, order: ClaimOrder, incarnation: u64) {
        let pool = &self.pool;
        let service = pool.service;
        let requested_at = Instant::now();
        let answer = pool.ports.store.claim(order);
        let answer = tokio::select! {
            biased;
            answer = running_time::timeout(pool.rules.store_timeout, answer) => answer,
            // An unresponsive store does not delay a drain any further.
            () = shutting_down_for(pool, order.lease) => Err(running_time::Elapsed),
        };
        self.answered = true;
        // A later response has no receiver, and costs no job anything.
        match answer {
            Ok(Ok(jobs)) => {
                pool.fetch_schedule
                    .fetched(self.token, jobs.len() < order.limit as usize);
                pool.counters.claimed.add(jobs.len() as u64);
                let ids: Vec<_> = jobs.iter().map(|job| job.id).collect();
                let late = || pool.claim_gate.try_enter().ok();
                pool.claims
                    .claimed(self.token.number, jobs, requested_at, late);
                for id in ids {
                    pool.ports.feed.changed(id);
                }
            }
            Ok(Err(error)) => {
                warn!("{service}: cannot claim: {error}");
                pool.fetch_schedule.failed();
                if let Some(dependency) = error.dependency() {
                    pool.rules.breakers.open(dependency, &error.to_string());
                }
            }
            Err(_) => {
                warn!("{service}: cannot claim: the store is not responding");
                pool.fetch_schedule.failed();
            }
        }
        fill(pool, incarnation);
    }
}

/// Returns once this much of the shutdown has passed.
async fn shutting_down_for(pool: &Pool, time: Duration) {
    pool.rules.phase.reached(Phase::LameDuck).await;
    sleep(time).await;
}

impl Drop for PendingFetch {
    fn drop(&mut self) {
        if !self.answered {
            // Its task was lost: do not retry at once, as the store may be the cause of a panic.
            self.pool.fetch_schedule.failed();
        }
        self.pool.claims.end_fetch(self.token.number);
        self.pool.fetch_schedule.end_fetch(self.token);
        self.pool.notify_dispatcher();
    }
}
