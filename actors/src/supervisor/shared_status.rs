//! The supervision status, readable from every thread without a message.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::thread::ChildThread;
use crate::status::{ServiceState, ServiceStatus};

/// A service that exceeded its restart limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Escalation {
    /// Its name.
    pub service: String,
    /// Its last fault.
    pub fault: String,
}

pub(super) struct SharedStatus {
    children: Mutex<Vec<ServiceStatus>>,
    abandoned: Mutex<Vec<ChildThread>>,
    escalation: watch::Sender<Option<Escalation>>,
    rounds: AtomicU64,
}

impl SharedStatus {
    pub(super) fn new(names: impl Iterator<Item = &'static str>) -> Self {
        let named = |name: &str| ServiceStatus {
            name: name.to_owned(),
            ..ServiceStatus::default()
        };
        Self {
            children: Mutex::new(names.map(named).collect()),
            abandoned: Mutex::default(),
            escalation: watch::Sender::new(None),
            rounds: AtomicU64::new(0),
        }
    }

    /// The supervision status of the children.
    pub(super) fn children(&self) -> Vec<ServiceStatus> {
        self.lock().clone()
    }

    /// The abandoned threads that are still running. Those that have ended are joined.
    pub(super) fn abandoned(&self) -> Vec<String> {
        let mut threads = self
            .abandoned
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for ended in threads.extract_if(.., |thread| thread.has_ended()) {
            ended.join();
        }
        threads
            .iter()
            .map(|thread| thread.name().to_owned())
            .collect()
    }

    /// How many rounds of pings the supervisor has sent.
    pub(super) fn rounds(&self) -> u64 {
        self.rounds.load(Ordering::Relaxed)
    }

    pub(super) fn count_round(&self) {
        self.rounds.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits until a child exceeds its restart limit.
    pub(super) async fn escalated(&self) -> Escalation {
        let mut receiver = self.escalation.subscribe();
        let escalation = receiver.wait_for(Option::is_some).await;
        match escalation.ok().and_then(|escalation| escalation.clone()) {
            Some(escalation) => escalation,
            // Unreachable: `self` owns the sender.
            None => std::future::pending().await,
        }
    }

    /// Marks the child as draining.
    pub(super) fn mark_draining(&self, child: usize) {
        let mut children = self.lock();
        let state = &mut children[child].state;
        if *state == ServiceState::Running {
            *state = ServiceState::Draining;
        }
    }

    /// Whether the child exceeded its restart limit.
    pub(super) fn has_failed(&self, child: usize) -> bool {
        self.lock()[child].state == ServiceState::Failed
    }

    pub(super) fn set(&self, child: usize, state: ServiceState) {
        self.lock()[child].state = state;
    }

    pub(super) fn faulted(&self, child: usize, fault: &str) {
        self.lock()[child].last_fault = Some(fault.to_owned());
    }

    pub(super) fn restarted(&self, child: usize, fault: &str) {
        self.lock()[child].restarts += 1;
        self.faulted(child, fault);
    }

    pub(super) fn hung(&self, child: usize) {
        self.lock()[child].hung += 1;
    }

    pub(super) fn abandon(&self, thread: ChildThread) {
        let mut threads = self
            .abandoned
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        threads.push(thread);
    }

    /// Only the first escalation counts.
    pub(super) fn escalate(&self, service: &str, fault: &str) {
        self.escalation.send_if_modified(|escalation| {
            let first = escalation.is_none();
            if first {
                *escalation = Some(Escalation {
                    service: service.to_owned(),
                    fault: fault.to_owned(),
                });
            }
            first
        });
    }

    fn lock(&self) -> MutexGuard<'_, Vec<ServiceStatus>> {
        self.children.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
