//! How claims end other than by their own outcome: handed back, lost, or orphaned.

use std::sync::Arc;
use std::time::Duration;

use lastcall_domain::trace::Scope;

use super::super::arbiter::ArbiterState;
use super::super::claim::{Claim, Key};
use super::super::claim_state::{Blame, Effect, Event};
use super::super::stop::StopReason;
use super::{Claims, State};

impl Claims {
    /// The attempt's task was lost.
    pub(crate) fn orphan(&self, key: Key, incarnation: u64) {
        let state = &mut *self.lock();
        if let Some(claim) = state.claims.get_mut(&key)
            && claim.incarnation == incarnation
        {
            claim.orphan(if std::thread::panicking() {
                Blame::Own
            } else {
                Blame::Unknown
            });
        }
        state.note_orphans();
    }

    /// The attempt is given up for an outage: the claim is to be handed back.
    pub(crate) fn interrupt(&self, key: Key, incarnation: u64) {
        let state = &mut *self.lock();
        if let Some(claim) = state.claims.get_mut(&key)
            && claim.incarnation == incarnation
        {
            claim.orphan(Blame::Another);
        }
        state.note_orphans();
    }

    /// Drops the claims that are to be handed back but whose leases have expired, and returns them.
    pub(crate) fn drop_expired(&self, lease: Duration) -> Vec<(Key, Scope)> {
        let state = &mut *self.lock();
        let expired = state.claims.iter().filter(|(_, claim)| {
            claim.state.orphaned() == Some((Blame::Another, true))
                && claim.renewed.elapsed() > lease
        });
        let keys: Vec<(Key, Scope)> = expired
            .map(|(key, claim)| (*key, Scope::of(&claim.job)))
            .collect();
        for (key, _) in &keys {
            state.settle(*key);
        }
        keys
    }

    /// Everything that ran before `incarnation` is lost with its arbiter; the holder of the thread,
    /// if known, is to blame.
    pub(crate) fn abandon(&self, incarnation: u64) {
        let state = &mut *self.lock();
        let given_up = Arc::new(ArbiterState::new(incarnation));
        let given_up = std::mem::replace(&mut state.arbiter, given_up);
        let culprit = given_up.holder();
        state.busy = 0;
        state.fetch = None;
        for (cancel, _) in std::mem::take(&mut state.profiles_running).into_values() {
            cancel.cancel();
        }
        for claim in state.claims.values_mut() {
            claim.orphan(match culprit {
                None => Blame::Unknown,
                culprit if claim.ticket == culprit => Blame::Own,
                Some(_) => Blame::Another,
            });
        }
        state.note_orphans();
    }

    /// Takes over the orphans: returns those to be written as failed attempts, and whether there
    /// are others to be handed back.
    pub(crate) fn adopt_orphans(&self) -> (Vec<(Key, Blame)>, bool) {
        let state = &mut *self.lock();
        let mut failed = Vec::new();
        let mut released = false;
        if !std::mem::take(&mut state.orphans) {
            return (failed, released);
        }
        for (key, claim) in &mut state.claims {
            match claim.state.orphaned() {
                // Its hand-back decides.
                Some((_, false)) | None => {}
                Some((Blame::Another, true)) => released = true,
                Some((blame, true)) => {
                    claim.state.apply(Event::Adopt);
                    claim.incarnation = state.arbiter.incarnation;
                    failed.push((*key, blame));
                }
            }
        }
        (failed, released)
    }

    /// Stops the claims that `which` selects and that can be handed back, and returns them.
    pub(crate) fn stop_for_hand_back(&self, which: impl Fn(&Claim) -> bool) -> Vec<Key> {
        let state = &mut *self.lock();
        let mut keys = Vec::new();
        for (key, claim) in &mut state.claims {
            if which(claim) && claim.state.apply(Event::BeginReturn) == Effect::Changed {
                claim.stop_handle.stop(StopReason::HandedBack);
                keys.push(*key);
            }
        }
        state.ahead.retain(|key| !keys.contains(key));
        keys
    }

    /// The hand-back of the claim is over; if it is still held, another one may try. Returns
    /// whether it is an orphan that is still held.
    pub(crate) fn stays(&self, key: Key) -> bool {
        let state = &mut *self.lock();
        let Some(claim) = state.claims.get_mut(&key) else {
            return false;
        };
        claim.state.apply(Event::EndReturn);
        let orphaned = claim.state.orphaned().is_some();
        state.orphans |= orphaned;
        orphaned
    }

    /// The row of the claim is no longer ours to write.
    pub(crate) fn settle(&self, key: Key) {
        self.settle_with(key, || ());
    }

    /// The same, and runs `counted` atomically with it, so that no snapshot of the jobs sees only
    /// one of the two.
    pub(crate) fn settle_with(&self, key: Key, counted: impl FnOnce()) {
        let state = &mut *self.lock();
        counted();
        state.settle(key);
    }
}

impl State {
    pub(super) fn settle(&mut self, key: Key) {
        let Some(claim) = self.claims.get_mut(&key) else {
            return;
        };
        if claim.state.apply(Event::Settle) == Effect::Gone {
            self.claims.remove(&key);
            self.ahead.retain(|waiting| *waiting != key);
        }
    }

    /// Removes ended claims, and notes that there are orphans to adopt.
    fn note_orphans(&mut self) {
        self.claims.retain(|_, claim| !claim.gone);
        self.orphans = true;
    }
}

impl Claim {
    fn orphan(&mut self, blame: Blame) {
        match self.state.apply(Event::Orphan(blame)) {
            Effect::Changed => self.stop_handle.stop(StopReason::Lost),
            Effect::Gone => self.gone = true,
            Effect::Ignored => {}
        }
    }
}
