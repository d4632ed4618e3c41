//! TtlCleaner: removes expired and deleted sessions, and purges old records.
//!
//! A session is removed in two steps: it is marked, and then its blobs and its row are removed.
//! After a crash at any point, a later sweep finds the mark and finishes the removal. Sessions with
//! work in flight are never touched; the store does not list them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix::prelude::*;
use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use lastcall_domain::{BlobKey, Blobs, Clock, SessionId, Store, StoreResult};
use log::{info, warn};
use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};

use crate::config::CleanerConfig;
use crate::gate::Gate;
use crate::messages::{Ping, Stop, Sweep};
use crate::status::{CleanerCounts, MailboxStatus, ServiceStatus};
use crate::supervisor::{ChildHandle, ChildState, ExitNotice, StartContext};
use crate::worker::Counter;

/// Its name.
pub(crate) const NAME: &str = "TtlCleaner";
/// An incomplete sweep is repeated after this time, if the interval is longer.
const RETRY_INTERVAL: Duration = Duration::from_secs(30);
/// A sweep triggered by a deleted session is repeated after these times, one after the other, if
/// the interval is longer. By the first, the running jobs of the session have been cancelled and
/// have stopped; by the second, the lease of a worker that missed it has expired. The times do not
/// depend on how each job ends, here or at a peer.
const AFTER_DELETION: [Duration; 2] = [Duration::from_secs(5), RETRY_INTERVAL];
/// Sessions that may fail before a sweep is given up.
const MAX_FAILURES: usize = 1000;

/// The state of TtlCleaner that survives the actor.
pub(crate) struct Cleaning {
    store: Arc<dyn Store>,
    blobs: Arc<dyn Blobs>,
    clock: Arc<dyn Clock>,
    config: CleanerConfig,
    /// The permit of the current sweep.
    gate: Gate,
    work_available: Notify,
    sweep_sent: AtomicBool,
    address: tokio::sync::watch::Sender<Option<Recipient<Sweep>>>,
    sweeps: Counter,
    removed: Counter,
    failed: Counter,
    forgotten: Counter,
}

impl Cleaning {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        blobs: Arc<dyn Blobs>,
        clock: Arc<dyn Clock>,
        config: CleanerConfig,
    ) -> Arc<Self> {
        Arc::new(Self {
            store,
            blobs,
            clock,
            config,
            gate: Gate::new(usize::MAX),
            work_available: Notify::new(),
            sweep_sent: AtomicBool::new(false),
            address: tokio::sync::watch::Sender::new(None),
            sweeps: Counter::default(),
            removed: Counter::default(),
            failed: Counter::default(),
            forgotten: Counter::default(),
        })
    }

    /// Sends the actor a [`Sweep`], unless one waits there already.
    pub(crate) fn sweep(&self) {
        if !self.sweep_sent.swap(true, Ordering::AcqRel)
            && let Some(address) = &*self.address.borrow()
        {
            address.do_send(Sweep);
        }
    }

    /// Adds its status.
    pub(crate) fn describe(&self, status: &mut ServiceStatus) {
        status.in_flight = self.gate.in_flight();
        status.mailbox = MailboxStatus {
            capacity: 1,
            depth: usize::from(self.sweep_sent.load(Ordering::Acquire)),
        };
        status.cleaner = Some(CleanerCounts {
            sweeps: self.sweeps.get(),
            removed: self.removed.get(),
            failed: self.failed.get(),
            forgotten: self.forgotten.get(),
        });
    }

    /// Runs until the actor ends: sweeps at once, for what the last incarnation left, and then
    /// every interval and on request.
    async fn clean(self: Arc<Self>) {
        let mut repeats = [].iter();
        loop {
            let Ok(permit) = self.gate.try_enter() else {
                return;
            };
            let whole = self.sweep_once().await;
            drop(permit);
            let pause = match repeats.next() {
                Some(pause) => self.config.interval.min(*pause),
                None if whole => self.config.interval,
                None => self.config.interval.min(RETRY_INTERVAL),
            };
            tokio::select! {
                biased;
                () = self.work_available.notified() => repeats = AFTER_DELETION.iter(),
                () = sleep_until(Instant::now() + pause) => {}
            }
        }
    }

    /// Removes everything that is due. Returns whether it neither failed nor was stopped.
    async fn sweep_once(&self) -> bool {
        self.sweeps.inc();
        let mut failed = BTreeSet::new();
        let mut removed = 0;
        let whole = loop {
            match self.batch(&mut failed).await {
                Ok(None) => break failed.is_empty(),
                Ok(Some(count)) => removed += count,
                Err(fault) => {
                    warn!("{NAME}: sweep incomplete: {fault}");
                    break false;
                }
            }
            if self.gate.is_closed() || failed.len() >= MAX_FAILURES {
                break false;
            }
            yield_now().await;
        };
        if removed > 0 {
            info!("{NAME}: sessions removed: {removed}");
        }
        whole && self.purge().await
    }

    /// Removes one batch; `None` if nothing is left but what has already failed.
    async fn batch(&self, failed: &mut BTreeSet<SessionId>) -> StoreResult<Option<u64>> {
        let known = u32::try_from(failed.len()).unwrap_or(u32::MAX);
        let limit = self.config.batch.max(1).saturating_add(known);
        let mut marked = self.store.begin_removal(self.clock.now(), limit).await?;
        marked.retain(|session| !failed.contains(session));
        if marked.is_empty() {
            return Ok(None);
        }
        let mut emptied = Vec::with_capacity(marked.len());
        for session in marked {
            let prefix = BlobKey::prefix(session);
            let removed = tokio::select! {
                biased;
                // The blob store may be left between two blobs. Marked sessions stay marked for the
                // next run.
                () = self.gate.closed() => break,
                removed = self.blobs.delete_prefix(&prefix) => removed,
            };
            match removed {
                Ok(()) => emptied.push(session),
                Err(fault) => {
                    warn!("{NAME}: cannot remove the data of session {session}: {fault}");
                    self.failed.inc();
                    failed.insert(session);
                }
            }
        }
        if !emptied.is_empty() {
            self.store.finish_removal(&emptied).await?;
        }
        let count = emptied.len() as u64;
        self.removed.add(count);
        Ok(Some(count))
    }

    /// Purges expired records, a batch at a time.
    async fn purge(&self) -> bool {
        let age = TimeDelta::from_std(self.config.remember).unwrap_or(TimeDelta::MAX);
        let Some(before) = self.clock.now().checked_sub_signed(age) else {
            return true;
        };
        let limit = self.config.batch.max(1);
        loop {
            match self.store.purge(before, limit).await {
                Ok(count) => {
                    self.forgotten.add(count);
                    if count < u64::from(limit) {
                        return true;
                    }
                }
                Err(fault) => {
                    warn!("{NAME}: cannot purge expired records: {fault}");
                    return false;
                }
            }
            if self.gate.is_closed() {
                return false;
            }
            yield_now().await;
        }
    }
}

impl ChildState for Cleaning {
    fn name(&self) -> &'static str {
        NAME
    }

    fn close(&self) {
        self.gate.close();
        self.work_available.notify_one();
    }

    fn idle(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.gate.idle())
    }

    fn abandon(&self, _: u64) {}
}

/// The TtlCleaner actor.
pub(crate) struct TtlCleaner {
    cleaning: Arc<Cleaning>,
    _exit_notice: ExitNotice,
}

impl TtlCleaner {
    /// Starts it on this arbiter.
    pub(crate) fn begin(cleaning: &Arc<Cleaning>, context: StartContext) -> ChildHandle {
        let cleaner = Self {
            cleaning: Arc::clone(cleaning),
            _exit_notice: context.exit_notice,
        };
        ChildHandle::new(&cleaner.start())
    }
}

impl Actor for TtlCleaner {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        let address = ctx.address().recipient();
        self.cleaning.address.send_replace(Some(address));
        self.cleaning.sweep_sent.store(false, Ordering::Release);
        ctx.spawn(Arc::clone(&self.cleaning).clean().into_actor(self));
    }
}

impl Handler<Sweep> for TtlCleaner {
    type Result = ();

    fn handle(&mut self, _: Sweep, _: &mut Context<Self>) {
        self.cleaning.sweep_sent.store(false, Ordering::Release);
        self.cleaning.work_available.notify_one();
    }
}

impl Handler<Ping> for TtlCleaner {
    type Result = ();

    fn handle(&mut self, ping: Ping, _: &mut Context<Self>) {
        // The supervisor may be gone.
        let _ = ping.reply.send(());
    }
}

impl Handler<Stop> for TtlCleaner {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}
