//! LeaseKeeper: renews the claims of both worker services, takes jobs away from peers that have
//! died, and passes on what other processes say.
//!
//! It is a child of its own, the first to start and the last to stop, so that leases are kept
//! while a service is being started again, while its thread hangs, and until the drain has ended.
//!
//! It never claims and never completes: it only says of a claim that it holds or is lost.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use futures_util::future::BoxFuture;
use lastcall_domain::store::{Beat, Hint};
use lastcall_domain::{Feed, JobId, Service, Store};
use log::{info, warn};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep_until, timeout};

use crate::messages::{Ping, Stop};
use crate::pool::{Key, Pool, Which, claim_ref, hand_back};
use crate::supervisor::{Birth, Link, Obituary, Part};

/// Its name.
pub(crate) const NAME: &str = "LeaseKeeper";
/// Jobs taken away in one transaction.
const EXPIRE_BATCH: u32 = 100;
/// Claims renewed in one transaction.
const BEAT_BATCH: usize = 1000;
/// How often listeners hear of progress.
const PROGRESS: Duration = Duration::from_millis(250);
/// Heartbeats that a hint asks for come no closer than this.
const HURRY: Duration = Duration::from_millis(100);
/// A claim that has waited so long for a slot is given to a peer.
const STUCK_AHEAD: Duration = Duration::from_secs(1);

/// A claim to renew, and its progress.
type Due<'a> = (&'a Arc<Pool>, Key, f64);

/// What LeaseKeeper works on; survives the actor.
pub(crate) struct Leases {
    store: Arc<dyn Store>,
    feed: Feed,
    pools: Vec<Arc<Pool>>,
    rhythm: Rhythm,
}

/// How long leases hold, and how often they are renewed and looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rhythm {
    pub(crate) lease: Duration,
    pub(crate) heartbeat: Duration,
    pub(crate) expire: Duration,
}

impl Leases {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        feed: Feed,
        pools: Vec<Arc<Pool>>,
        rhythm: Rhythm,
    ) -> Arc<Self> {
        Arc::new(Self {
            store,
            feed,
            pools,
            rhythm,
        })
    }

    /// Runs until the actor ends.
    async fn keep(self: Arc<Self>) {
        let mut hints = self.store.hints();
        let shared = hints.is_some();
        let now = Instant::now();
        let (mut beat_at, mut expire_at, mut news_at, mut ask_at) = (now, now, now, now);
        let mut failing = false;
        let mut asked = BTreeSet::new();
        loop {
            let now = Instant::now();
            if now >= beat_at {
                asked.clear();
                // What was renewed in the last half of the interval can wait for the next.
                let due = self.due(|pool| pool.hands.due_for_renewal(self.rhythm.heartbeat / 2));
                failing = self.beat(due, failing).await;
                beat_at = Instant::now() + self.rhythm.heartbeat;
            } else if !asked.is_empty() && now >= ask_at {
                let jobs = std::mem::take(&mut asked);
                let due = self.due(|pool| pool.hands.claims_of(&jobs));
                failing = self.beat(due, failing).await;
            }
            if now >= expire_at {
                self.expire().await;
                if shared {
                    let until = now + self.rhythm.lease;
                    hand_back(&self.pools, Which::WaitingFor(STUCK_AHEAD), until).await;
                }
                expire_at = Instant::now() + self.rhythm.expire;
            }
            if now >= news_at {
                self.tell_progress();
                news_at = Instant::now() + PROGRESS;
            }
            // With nothing in hand there is nothing to renew and no progress to tell.
            let mut next = expire_at;
            if self.pools.iter().any(|pool| pool.hands.in_hand() > 0) {
                next = next.min(beat_at).min(news_at);
            }
            if !asked.is_empty() {
                next = next.min(ask_at);
            }
            tokio::select! {
                biased;
                () = sleep_until(next) => {}
                hint = next_hint(&mut hints) => if let Some(job) = self.hear(hint) {
                    if asked.is_empty() {
                        ask_at = Instant::now() + HURRY;
                    }
                    asked.insert(job);
                },
            }
        }
    }

    fn due(&self, claims: impl Fn(&Pool) -> Vec<(Key, f64)>) -> Vec<Due<'_>> {
        let mut due = Vec::new();
        for pool in &self.pools {
            due.extend(
                claims(pool)
                    .into_iter()
                    .map(|(key, done)| (pool, key, done)),
            );
        }
        due
    }

    /// Renews these claims. Whether the store failed; `failing`: whether it did before.
    async fn beat(&self, due: Vec<Due<'_>>, failing: bool) -> bool {
        for batch in due.chunks(BEAT_BATCH) {
            let claims: Vec<_> = batch
                .iter()
                .map(|(_, key, done)| (claim_ref(*key), *done))
                .collect();
            let sent = Instant::now();
            let fault = match timeout(
                self.rhythm.lease,
                self.store.heartbeat(&claims, self.rhythm.lease),
            )
            .await
            {
                Ok(Ok(beats)) => {
                    for ((pool, key, _), beat) in batch.iter().zip(beats) {
                        note(pool, *key, beat, sent);
                    }
                    continue;
                }
                Ok(Err(fault)) => fault.to_string(),
                Err(_) => "the store does not answer".to_owned(),
            };
            if !failing {
                warn!("{} claims cannot be renewed: {fault}", due.len());
            }
            return true;
        }
        if failing && !due.is_empty() {
            info!("claims are renewed again");
            return false;
        }
        failing
    }

    /// Takes jobs away from workers that have not renewed their leases.
    async fn expire(&self) {
        loop {
            let expired =
                match timeout(self.rhythm.lease, self.store.expire_leases(EXPIRE_BATCH)).await {
                    Ok(Ok(expired)) => expired,
                    // A store that fails is spoken of where claims are renewed and made.
                    Ok(Err(_)) | Err(_) => return,
                };
            let count = expired.len();
            for job in expired {
                warn!(
                    "job {}: its worker is gone; it is {}",
                    job.id,
                    job.state().as_str()
                );
                self.feed.changed(job.id);
                self.wake(job.service());
            }
            if count < EXPIRE_BATCH as usize {
                return;
            }
        }
    }

    fn tell_progress(&self) {
        for pool in &self.pools {
            for (job, done) in pool.hands.news() {
                self.feed.progress(job, done);
            }
        }
    }

    /// Passes a hint on. The job in it, if it is in hand here: the news may be its caller's wish
    /// to cancel it.
    fn hear(&self, hint: Result<Hint, RecvError>) -> Option<JobId> {
        match hint {
            Ok(Hint::Queued(service)) => self.wake(service),
            Ok(Hint::Changed(job)) => {
                self.feed.changed(job);
                return self.holds(job).then_some(job);
            }
            Err(_) => self.pools.iter().for_each(|pool| pool.wake()),
        }
        None
    }

    fn holds(&self, job: JobId) -> bool {
        self.pools.iter().any(|pool| pool.hands.holds(job))
    }

    fn wake(&self, service: Service) {
        for pool in self.pools.iter().filter(|pool| pool.service == service) {
            pool.wake();
        }
    }
}

/// The next hint, or some that were missed; never where there are none to come.
async fn next_hint(hints: &mut Option<broadcast::Receiver<Hint>>) -> Result<Hint, RecvError> {
    let Some(receiver) = hints else {
        return std::future::pending().await;
    };
    let hint = receiver.recv().await;
    if matches!(hint, Err(RecvError::Closed)) {
        *hints = None;
    }
    hint
}

fn note(pool: &Pool, key: Key, beat: Beat, sent: Instant) {
    if pool.hands.beat(key, beat, sent) {
        warn!("job {}: its claim was lost", key.0);
        pool.tally.lost.one();
    }
}

impl Part for Leases {
    fn name(&self) -> &'static str {
        NAME
    }

    /// It has no work of its own: it is stopped when nobody has claims any more.
    fn close(&self) {}

    fn idle(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    fn abandon(&self, _: u64) {}
}

/// The actor.
pub(crate) struct LeaseKeeper {
    leases: Arc<Leases>,
    _obituary: Obituary,
}

impl LeaseKeeper {
    /// Starts it on this arbiter.
    pub(crate) fn begin(leases: &Arc<Leases>, birth: Birth) -> Link {
        let keeper = Self {
            leases: Arc::clone(leases),
            _obituary: birth.obituary,
        };
        Link::new(&keeper.start())
    }
}

impl Actor for LeaseKeeper {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.spawn(Arc::clone(&self.leases).keep().into_actor(self));
    }
}

impl Handler<Ping> for LeaseKeeper {
    type Result = ();

    fn handle(&mut self, ping: Ping, _: &mut Context<Self>) {
        // Whoever asked may be gone.
        let _ = ping.reply.send(());
    }
}

impl Handler<Stop> for LeaseKeeper {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}
