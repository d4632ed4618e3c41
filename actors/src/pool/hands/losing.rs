//! How claims leave the hands other than by their own end: handed back, lost, or orphaned with
//! the task that had them.

use super::super::claim::{Claim, Key, Stage, Stop};
use super::{Hands, State};

impl Hands {
    /// The attempt's task is gone without a word.
    pub(crate) fn orphan(&self, key: Key, incarnation: u64) {
        let state = &mut *self.lock();
        if let Some(claim) = state.claims.get_mut(&key)
            && claim.incarnation == incarnation
        {
            claim.orphan();
        }
        state.note_orphans();
    }

    /// Everything that ran before `incarnation` is lost with its arbiter.
    pub(crate) fn abandon(&self, incarnation: u64) {
        let state = &mut *self.lock();
        state.incarnation = incarnation;
        state.busy = 0;
        for (cancel, _) in std::mem::take(&mut state.asks_running).into_values() {
            cancel.cancel();
        }
        for claim in state.claims.values_mut() {
            if matches!(claim.stage, Stage::Running | Stage::Writing) {
                claim.orphan();
            }
        }
        state.note_orphans();
    }

    /// The orphans, now to be written as failed attempts.
    pub(crate) fn adopt_orphans(&self) -> Vec<Key> {
        let state = &mut *self.lock();
        let mut keys = Vec::new();
        if !std::mem::take(&mut state.orphans) {
            return keys;
        }
        for (key, claim) in &mut state.claims {
            if claim.stage == Stage::Orphaned {
                claim.stage = Stage::Writing;
                claim.incarnation = state.incarnation;
                keys.push(*key);
            }
        }
        keys
    }

    /// Stops the claims that `which` names and that can be handed back, and names them.
    pub(crate) fn stop_for_hand_back(&self, which: impl Fn(&Claim) -> bool) -> Vec<Key> {
        let state = &mut *self.lock();
        let mut keys = Vec::new();
        for (key, claim) in &mut state.claims {
            if claim.can_be_handed_back() && which(claim) {
                claim.reins.stop(Stop::HandedBack);
                claim.going = true;
                keys.push(*key);
            }
        }
        state.ahead.retain(|key| !keys.contains(key));
        keys
    }

    /// The hand-back of the claim is over. If it is still in hand, the next may try.
    pub(crate) fn stays(&self, key: Key) {
        if let Some(claim) = self.lock().claims.get_mut(&key) {
            claim.going = false;
        }
    }

    /// The row of the claim is no longer ours to write.
    pub(crate) fn settle(&self, key: Key) {
        self.lock().settle(key);
    }
}

impl State {
    pub(super) fn settle(&mut self, key: Key) {
        let Some(claim) = self.claims.get_mut(&key) else {
            return;
        };
        match claim.stage {
            Stage::Running => claim.settled = true,
            Stage::Writing => {}
            Stage::Waiting | Stage::Orphaned | Stage::Ended => {
                self.claims.remove(&key);
                self.ahead.retain(|waiting| *waiting != key);
            }
        }
    }

    /// Lets go of the orphans whose rows are no longer ours; the others are to be adopted.
    fn note_orphans(&mut self) {
        self.claims
            .retain(|_, claim| !(claim.settled && claim.stage == Stage::Orphaned));
        self.orphans = true;
    }
}

impl Claim {
    fn orphan(&mut self) {
        self.stage = Stage::Orphaned;
        self.reins.stop(Stop::Lost);
    }
}
