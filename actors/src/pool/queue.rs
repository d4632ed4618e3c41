//! What the pump knows of the queue in the store: when it is worth a look.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lastcall_domain::InstanceId;
use tokio::time::Instant;

/// News that may concern this service is looked at within this time, together with whatever
/// else has come by then.
const SOON: Duration = Duration::from_millis(2);
/// The first pause after the store has failed; it doubles up to the poll's interval.
const FAILED: Duration = Duration::from_millis(50);
/// Moments to look at that are remembered; beyond it the poll finds what is due.
const MOMENTS: usize = 1024;

#[derive(Debug)]
pub(super) struct Queue {
    poll: Duration,
    seed: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// A claim is under way.
    claiming: bool,
    /// The last claim found less than it asked for, and nothing was heard since.
    dry: bool,
    wakes: u64,
    failures: u32,
    looks: u64,
    /// When to look without a reason.
    next_poll: Instant,
    /// When to look because something comes due.
    moments: BTreeSet<Instant>,
}

impl Queue {
    pub(super) fn new(poll: Duration, instance: InstanceId) -> Self {
        Self {
            poll,
            seed: instance.as_uuid().as_u64_pair().1,
            state: Mutex::new(State {
                claiming: false,
                dry: false,
                wakes: 0,
                failures: 0,
                looks: 0,
                next_poll: Instant::now(),
                moments: BTreeSet::new(),
            }),
        }
    }

    /// Somebody says that jobs were queued.
    pub(super) fn woken(&self) {
        let state = &mut *self.lock();
        state.wakes += 1;
        // A store that fails is not asked more often because callers hurry.
        if state.failures == 0 {
            state.dry = false;
        }
    }

    /// Jobs may have become claimable.
    pub(super) fn look_soon(&self) {
        self.look_at(Instant::now() + SOON);
    }

    /// A job becomes claimable then.
    pub(super) fn look_at(&self, moment: Instant) {
        let state = &mut *self.lock();
        let covered = state
            .moments
            .first()
            .is_some_and(|first| *first <= moment && *first + SOON >= moment);
        if !covered && state.moments.len() < MOMENTS {
            state.moments.insert(moment);
        }
    }

    /// Whether it is worth a look now; if so a claim is under way until [`Self::end_look`].
    /// Gives the count of wakes for [`Self::looked`].
    pub(super) fn begin_look(&self) -> Option<u64> {
        let state = &mut *self.lock();
        if state.claiming || (state.dry && state.next_look() > Instant::now()) {
            return None;
        }
        state.claiming = true;
        Some(state.wakes)
    }

    /// The claim that began at `wakes` has an answer; `short`: less than it asked for.
    pub(super) fn looked(&self, wakes: u64, short: bool) {
        let now = Instant::now();
        let state = &mut *self.lock();
        state.failures = 0;
        state.dry = short && state.wakes == wakes;
        state.looks += 1;
        state.next_poll = now + jittered(self.poll, self.seed.wrapping_add(state.looks));
        if short {
            state.moments = state.moments.split_off(&now);
            state.moments.remove(&now);
        }
    }

    /// The store has failed.
    pub(super) fn failed(&self) {
        let state = &mut *self.lock();
        state.dry = true;
        let pause = FAILED * 2_u32.pow(state.failures.min(10));
        state.failures += 1;
        state.moments.clear();
        state.next_poll = Instant::now() + pause.min(self.poll);
    }

    /// No claim is under way any more.
    pub(super) fn end_look(&self) {
        self.lock().claiming = false;
    }

    /// When to look again if nothing is heard before; `None` while a claim is under way.
    pub(super) fn next_look(&self) -> Option<Instant> {
        let state = self.lock();
        (!state.claiming).then(|| state.next_look())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next_look(&self) -> Instant {
        let moment = self.moments.first().copied();
        moment.map_or(self.next_poll, |moment| moment.min(self.next_poll))
    }
}

/// `span`, a fifth more or less, so that replicas do not ask in step. The same `seed` gives the
/// same answer: a test that failed can be run again.
pub(crate) fn jittered(span: Duration, seed: u64) -> Duration {
    // The finalizer of SplitMix64 (Steele, Lea, Flood 2014).
    let mut bits = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^= bits >> 31;
    let part = u32::try_from(bits % 401).unwrap_or(200);
    span * (800 + part) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn queue() -> Queue {
        Queue::new(SECOND, InstanceId::new())
    }

    /// A look that found nothing.
    fn look(queue: &Queue) {
        let wakes = queue.begin_look().expect("there is a reason to look");
        queue.looked(wakes, true);
        queue.end_look();
    }

    #[tokio::test(start_paused = true)]
    async fn an_empty_queue_is_looked_at_again_by_the_poll() {
        let queue = queue();
        look(&queue);
        assert!(queue.begin_look().is_none());
        tokio::time::sleep_until(queue.next_look().expect("no claim is under way")).await;
        look(&queue);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wake_while_the_store_answers_is_not_lost() {
        let queue = queue();
        let wakes = queue.begin_look().expect("there is a reason to look");
        queue.woken();
        assert!(queue.begin_look().is_none(), "one claim at a time");
        queue.looked(wakes, true);
        queue.end_look();
        look(&queue);
        assert!(queue.begin_look().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_answer_is_followed_by_another_look() {
        let queue = queue();
        let wakes = queue.begin_look().expect("there is a reason to look");
        queue.looked(wakes, false);
        queue.end_look();
        look(&queue);
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_that_comes_due_is_looked_at_then() {
        let queue = queue();
        look(&queue);
        let due = Instant::now() + SECOND / 4;
        queue.look_at(due);
        assert_eq!(queue.next_look(), Some(due));
        tokio::time::sleep_until(due).await;
        look(&queue);
        assert!(queue.next_look() > Some(due + SECOND / 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_fails_is_asked_ever_more_seldom_whoever_hurries() {
        let queue = queue();
        let mut last = Duration::ZERO;
        for _ in 0..8 {
            assert!(queue.begin_look().is_some());
            queue.failed();
            queue.end_look();
            queue.woken();
            assert!(queue.begin_look().is_none());
            let next = queue.next_look().expect("no claim is under way");
            let pause = next - Instant::now();
            assert!(pause >= last && pause <= SECOND, "{pause:?} after {last:?}");
            last = pause;
            tokio::time::sleep_until(next).await;
        }
        assert_eq!(last, SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn moments_to_look_at_are_bounded() {
        let queue = queue();
        let now = Instant::now();
        for second in 0..10 * MOMENTS as u32 {
            queue.look_at(now + second * SECOND);
        }
        assert_eq!(queue.lock().moments.len(), MOMENTS);
        assert_eq!(queue.next_look(), Some(now));
    }

    #[test]
    fn the_jitter_is_a_fifth_at_most() {
        let second = Duration::from_secs(1);
        let spans: Vec<_> = (0..1000).map(|seed| jittered(second, seed)).collect();
        assert!(
            spans
                .iter()
                .all(|span| *span >= second * 4 / 5 && *span <= second * 6 / 5)
        );
        assert!(spans.iter().any(|span| *span < second * 9 / 10));
        assert!(spans.iter().any(|span| *span > second * 11 / 10));
    }
}
