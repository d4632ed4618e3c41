//! The dispatcher's knowledge of the queue: when to look into the store.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lastcall_domain::InstanceId;
use tokio::time::Instant;

use crate::backoff::backoff;

/// News that may concern this service is looked at within this time, together with whatever
/// else has come by then.
const WAKE_DELAY: Duration = Duration::from_millis(2);
/// The first pause after the store has failed; it doubles up to the poll's interval.
const FAILED: Duration = Duration::from_millis(50);
/// Moments to look at that are remembered; beyond it the poll finds what is due.
const MOMENTS: usize = 1024;

/// A look that has begun.
#[derive(Clone, Copy, Debug)]
pub(super) struct FetchToken {
    /// Its number: no two are the same.
    pub(super) number: u64,
    wakes: u64,
    at: Instant,
}

#[derive(Debug)]
pub(super) struct FetchSchedule {
    poll: Duration,
    seed: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The claim that is under way.
    claiming: Option<u64>,
    /// The last claim found less than it asked for, and nothing was heard since.
    queue_empty: bool,
    wakes: u64,
    failures: u32,
    looks: u64,
    /// When to look without a reason.
    next_poll: Instant,
    /// When to look because something comes due.
    moments: BTreeSet<Instant>,
}

impl FetchSchedule {
    pub(super) fn new(poll: Duration, instance: InstanceId) -> Self {
        Self {
            poll,
            seed: instance.as_uuid().as_u64_pair().1,
            state: Mutex::new(State {
                claiming: None,
                queue_empty: false,
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
        // A store that fails is not asked more often because callers are in haste.
        if state.failures == 0 {
            state.queue_empty = false;
        }
    }

    /// Jobs may have become claimable.
    pub(super) fn look_soon(&self) {
        self.look_at(Instant::now() + WAKE_DELAY);
    }

    /// A job becomes claimable then.
    pub(super) fn look_at(&self, moment: Instant) {
        let state = &mut *self.lock();
        let covered = state
            .moments
            .first()
            .is_some_and(|first| *first <= moment && *first + WAKE_DELAY >= moment);
        if !covered && state.moments.len() < MOMENTS {
            state.moments.insert(moment);
        }
    }

    /// Whether it is worth a look now; if so a claim is under way until [`Self::end_look`].
    pub(super) fn begin_fetch(&self) -> Option<FetchToken> {
        let state = &mut *self.lock();
        let now = Instant::now();
        if state.claiming.is_some() || (state.queue_empty && state.next_look() > now) {
            return None;
        }
        state.looks += 1;
        state.claiming = Some(state.looks);
        Some(FetchToken {
            number: state.looks,
            wakes: state.wakes,
            at: now,
        })
    }

    /// The claim has an answer; `short`: less than it asked for.
    pub(super) fn looked(&self, begun: FetchToken, short: bool) {
        let now = Instant::now();
        let state = &mut *self.lock();
        state.failures = 0;
        state.queue_empty = short && state.wakes == begun.wakes;
        state.next_poll = now + jittered(self.poll, self.seed.wrapping_add(begun.number));
        if short {
            // What came due while the store was at it may have been too late for it.
            state.moments = state.moments.split_off(&begun.at);
            state.moments.remove(&begun.at);
        }
    }

    /// The store has failed.
    pub(super) fn failed(&self) {
        let state = &mut *self.lock();
        state.queue_empty = true;
        state.failures = state.failures.saturating_add(1);
        state.next_poll = Instant::now() + backoff(FAILED, self.poll, state.failures);
    }

    /// The store answers again.
    pub(super) fn store_is_back(&self) {
        let state = &mut *self.lock();
        state.failures = 0;
        state.queue_empty = false;
    }

    /// That claim is no longer under way.
    pub(super) fn end_look(&self, begun: FetchToken) {
        let _ = self
            .lock()
            .claiming
            .take_if(|number| *number == begun.number);
    }

    /// Whatever claim is under way will not be heard of again.
    pub(super) fn abandon(&self) {
        let state = &mut *self.lock();
        if state.claiming.take().is_some() {
            state.queue_empty = false;
        }
    }

    /// When to look again if nothing is heard before; `None` while a claim is under way.
    pub(super) fn next_look(&self) -> Option<Instant> {
        let state = self.lock();
        state.claiming.is_none().then(|| state.next_look())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next_look(&self) -> Instant {
        if self.failures > 0 {
            // A store that fails is not asked more often because something comes due.
            return self.next_poll;
        }
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

    fn queue() -> FetchSchedule {
        FetchSchedule::new(SECOND, InstanceId::new())
    }

    /// A look that found nothing.
    fn look(queue: &FetchSchedule) {
        let begun = queue.begin_fetch().expect("there is a reason to look");
        queue.looked(begun, true);
        queue.end_look(begun);
    }

    #[tokio::test(start_paused = true)]
    async fn an_empty_queue_is_looked_at_again_by_the_poll() {
        let queue = queue();
        look(&queue);
        assert!(queue.begin_fetch().is_none());
        tokio::time::sleep_until(queue.next_look().expect("no claim is under way")).await;
        look(&queue);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wake_while_the_store_answers_is_not_lost() {
        let queue = queue();
        let begun = queue.begin_fetch().expect("there is a reason to look");
        queue.woken();
        assert!(queue.begin_fetch().is_none(), "one claim at a time");
        queue.looked(begun, true);
        queue.end_look(begun);
        look(&queue);
        assert!(queue.begin_fetch().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_answer_is_followed_by_another_look() {
        let queue = queue();
        let begun = queue.begin_fetch().expect("there is a reason to look");
        queue.looked(begun, false);
        queue.end_look(begun);
        look(&queue);
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_due_while_the_store_answers_is_looked_at_again() {
        let queue = queue();
        let begun = queue.begin_fetch().expect("there is a reason to look");
        let due = Instant::now() + SECOND / 4;
        queue.look_at(due);
        // The store has read the queue before; its answer takes its time.
        tokio::time::sleep(SECOND / 2).await;
        queue.looked(begun, true);
        queue.end_look(begun);
        assert_eq!(queue.next_look(), Some(due));
        look(&queue);
        assert!(queue.next_look() > Some(Instant::now() + SECOND / 2));
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_due_is_not_forgotten_because_the_store_fails() {
        let mut queue = queue();
        queue.poll = 60 * SECOND;
        look(&queue);
        let due = Instant::now() + SECOND;
        queue.look_at(due);
        queue.woken();
        let begun = queue.begin_fetch().expect("it was woken");
        queue.failed();
        queue.end_look(begun);
        tokio::time::sleep_until(queue.next_look().expect("no claim is under way")).await;
        look(&queue);
        assert_eq!(queue.next_look(), Some(due));
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_that_was_given_up_ends_no_other() {
        let queue = queue();
        let hangs = queue.begin_fetch().expect("there is a reason to look");
        queue.abandon();
        let begun = queue.begin_fetch().expect("nothing is under way");
        queue.end_look(hangs);
        assert!(queue.begin_fetch().is_none());
        queue.looked(begun, true);
        queue.end_look(begun);
        assert!(queue.next_look().is_some());
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
            let begun = queue.begin_fetch().expect("it is time");
            queue.failed();
            queue.end_look(begun);
            queue.woken();
            assert!(queue.begin_fetch().is_none());
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
