//! When the dispatcher fetches jobs from the store.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lastcall_domain::InstanceId;
use tokio::time::Instant;

use crate::backoff::backoff;

/// A hint leads to a fetch within this time, together with all others that arrive meanwhile.
const WAKE_DELAY: Duration = Duration::from_millis(2);
/// The first pause after a failure of the store; doubled up to the poll interval.
const MIN_RETRY_PAUSE: Duration = Duration::from_millis(50);
/// The most due times that are remembered; beyond it, the poll finds what is due.
const MAX_DUE_TIMES: usize = 1024;

/// A fetch that has token.
#[derive(Clone, Copy, Debug)]
pub(super) struct FetchToken {
    /// Its unique number.
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
    /// The fetch that is under way.
    fetching: Option<u64>,
    /// Whether the last fetch returned less than requested, and no hint has arrived since.
    queue_empty: bool,
    wakes: u64,
    failures: u32,
    fetches: u64,
    /// When to poll.
    next_poll: Instant,
    /// When jobs become due.
    due_times: BTreeSet<Instant>,
}

impl FetchSchedule {
    pub(super) fn new(poll: Duration, instance: InstanceId) -> Self {
        Self {
            poll,
            seed: instance.as_uuid().as_u64_pair().1,
            state: Mutex::new(State {
                fetching: None,
                queue_empty: false,
                wakes: 0,
                failures: 0,
                fetches: 0,
                next_poll: Instant::now(),
                due_times: BTreeSet::new(),
            }),
        }
    }

    /// Records a hint that jobs were queued.
    pub(super) fn woken(&self) {
        let state = &mut *self.lock();
        state.wakes += 1;
        // Hints do not shorten the back-off of a failing store.
        if state.failures == 0 {
            state.queue_empty = false;
        }
    }

    /// Schedules a fetch, because jobs may have become claimable.
    pub(super) fn fetch_soon(&self) {
        self.fetch_at(Instant::now() + WAKE_DELAY);
    }

    /// Schedules a fetch for when a job becomes claimable.
    pub(super) fn fetch_at(&self, due: Instant) {
        let state = &mut *self.lock();
        let covered = state
            .due_times
            .first()
            .is_some_and(|first| *first <= due && *first + WAKE_DELAY >= due);
        if !covered && state.due_times.len() < MAX_DUE_TIMES {
            state.due_times.insert(due);
        }
    }

    /// Begins a fetch if one is due. It is then under way until [`Self::end_fetch`].
    pub(super) fn begin_fetch(&self) -> Option<FetchToken> {
        let state = &mut *self.lock();
        let now = Instant::now();
        if state.fetching.is_some() || (state.queue_empty && state.next_fetch() > now) {
            return None;
        }
        state.fetches += 1;
        state.fetching = Some(state.fetches);
        Some(FetchToken {
            number: state.fetches,
            wakes: state.wakes,
            at: now,
        })
    }

    /// Records the success of a fetch; `short` means that it returned less than requested.
    pub(super) fn fetched(&self, token: FetchToken, short: bool) {
        let now = Instant::now();
        let state = &mut *self.lock();
        state.failures = 0;
        state.queue_empty = short && state.wakes == token.wakes;
        state.next_poll = now + jittered(self.poll, self.seed.wrapping_add(token.number));
        if short {
            // Jobs that became due during the fetch may have been missed.
            state.due_times = state.due_times.split_off(&token.at);
            state.due_times.remove(&token.at);
        }
    }

    /// Records a failure of the store.
    pub(super) fn failed(&self) {
        let state = &mut *self.lock();
        state.queue_empty = true;
        state.failures = state.failures.saturating_add(1);
        state.next_poll = Instant::now() + backoff(MIN_RETRY_PAUSE, self.poll, state.failures);
    }

    /// The store has recovered.
    pub(super) fn store_is_back(&self) {
        let state = &mut *self.lock();
        state.failures = 0;
        state.queue_empty = false;
    }

    /// Ends a fetch.
    pub(super) fn end_fetch(&self, token: FetchToken) {
        let _ = self
            .lock()
            .fetching
            .take_if(|number| *number == token.number);
    }

    /// Forgets the fetch that is under way, if any: it will not report back.
    pub(super) fn abandon(&self) {
        let state = &mut *self.lock();
        if state.fetching.take().is_some() {
            state.queue_empty = false;
        }
    }

    /// When to fetch next unless a hint arrives; `None` while a fetch is under way.
    pub(super) fn next_fetch(&self) -> Option<Instant> {
        let state = self.lock();
        state.fetching.is_none().then(|| state.next_fetch())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next_fetch(&self) -> Instant {
        if self.failures > 0 {
            // Due jobs do not shorten the back-off of a failing store.
            return self.next_poll;
        }
        let due = self.due_times.first().copied();
        due.map_or(self.next_poll, |due| due.min(self.next_poll))
    }
}

/// `span`, a fifth more or less, so that replicas do not poll in step. The same `seed` gives the
/// same result, so that failed tests can be repeated.
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

    /// A fetch that finds nothing.
    fn fetch(queue: &FetchSchedule) {
        let token = queue.begin_fetch().expect("a fetch is due");
        queue.fetched(token, true);
        queue.end_fetch(token);
    }

    #[tokio::test(start_paused = true)]
    async fn an_empty_queue_is_polled() {
        let queue = queue();
        fetch(&queue);
        assert!(queue.begin_fetch().is_none());
        tokio::time::sleep_until(queue.next_fetch().expect("no fetch is under way")).await;
        fetch(&queue);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wake_during_a_fetch_is_not_lost() {
        let queue = queue();
        let token = queue.begin_fetch().expect("a fetch is due");
        queue.woken();
        assert!(queue.begin_fetch().is_none(), "one claim at a time");
        queue.fetched(token, true);
        queue.end_fetch(token);
        fetch(&queue);
        assert!(queue.begin_fetch().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_fetch_is_followed_by_another() {
        let queue = queue();
        let token = queue.begin_fetch().expect("a fetch is due");
        queue.fetched(token, false);
        queue.end_fetch(token);
        fetch(&queue);
    }

    #[tokio::test(start_paused = true)]
    async fn what_becomes_due_during_a_fetch_is_fetched() {
        let queue = queue();
        let token = queue.begin_fetch().expect("a fetch is due");
        let due = Instant::now() + SECOND / 4;
        queue.fetch_at(due);
        // The store has already read the queue; its response takes time.
        tokio::time::sleep(SECOND / 2).await;
        queue.fetched(token, true);
        queue.end_fetch(token);
        assert_eq!(queue.next_fetch(), Some(due));
        fetch(&queue);
        assert!(queue.next_fetch() > Some(Instant::now() + SECOND / 2));
    }

    #[tokio::test(start_paused = true)]
    async fn due_times_survive_a_failure_of_the_store() {
        let mut queue = queue();
        queue.poll = 60 * SECOND;
        fetch(&queue);
        let due = Instant::now() + SECOND;
        queue.fetch_at(due);
        queue.woken();
        let token = queue.begin_fetch().expect("it was woken");
        queue.failed();
        queue.end_fetch(token);
        tokio::time::sleep_until(queue.next_fetch().expect("no fetch is under way")).await;
        fetch(&queue);
        assert_eq!(queue.next_fetch(), Some(due));
    }

    #[tokio::test(start_paused = true)]
    async fn an_abandoned_fetch_ends_no_other() {
        let queue = queue();
        let hangs = queue.begin_fetch().expect("a fetch is due");
        queue.abandon();
        let token = queue.begin_fetch().expect("nothing is under way");
        queue.end_fetch(hangs);
        assert!(queue.begin_fetch().is_none());
        queue.fetched(token, true);
        queue.end_fetch(token);
        assert!(queue.next_fetch().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_that_becomes_due_is_fetched() {
        let queue = queue();
        fetch(&queue);
        let due = Instant::now() + SECOND / 4;
        queue.fetch_at(due);
        assert_eq!(queue.next_fetch(), Some(due));
        tokio::time::sleep_until(due).await;
        fetch(&queue);
        assert!(queue.next_fetch() > Some(due + SECOND / 2));
    }

    #[tokio::test(start_paused = true)]
    async fn hints_do_not_shorten_the_back_off_of_a_failing_store() {
        let queue = queue();
        let mut last = Duration::ZERO;
        for _ in 0..8 {
            let token = queue.begin_fetch().expect("it is time");
            queue.failed();
            queue.end_fetch(token);
            queue.woken();
            assert!(queue.begin_fetch().is_none());
            let next = queue.next_fetch().expect("no fetch is under way");
            let pause = next - Instant::now();
            assert!(pause >= last && pause <= SECOND, "{pause:?} after {last:?}");
            last = pause;
            tokio::time::sleep_until(next).await;
        }
        assert_eq!(last, SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn due_times_are_bounded() {
        let queue = queue();
        let now = Instant::now();
        for second in 0..10 * MAX_DUE_TIMES as u32 {
            queue.fetch_at(now + second * SECOND);
        }
        assert_eq!(queue.lock().due_times.len(), MAX_DUE_TIMES);
        assert_eq!(queue.next_fetch(), Some(now));
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
