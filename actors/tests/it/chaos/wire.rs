//! The connection of one process to the store, with everything that can go wrong on it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use lastcall_domain::store::{
    Admission, ClaimOrder, HeartbeatResult, Hint, Idempotency, JobFilter, JobResult, Order,
    Outcome, Page, Precondition, Store, StoreCounts, StoreError, StoreResult, Submission,
    UploadOutcome, WriteResult,
};
use lastcall_domain::{
    BlobKey, ClaimRef, ContentKey, Dataset, DatasetName, Job, JobId, MemoryStore, Owner,
    OwnerLimits, ReadOptions, Schema, Session, SessionId, Timestamp,
};
use tokio::sync::broadcast;
use tokio::time::sleep;
use uuid::Uuid;

use crate::fixture::quiet_panic;

/// SplitMix64 (Steele, Lea, Flood 2014): small, and the same everywhere.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// A number below `bound`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// True once in this many calls.
    pub(super) fn once_in(&mut self, times: u64) -> bool {
        times > 0 && self.below(times) == 0
    }
}

/// How often faults occur: once in so many calls, never if 0.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Weather {
    /// The call does nothing and fails.
    pub(crate) before: u64,
    /// The call succeeds and its response is lost.
    pub(crate) after: u64,
    /// The call takes up to a second.
    pub(crate) slow: u64,
    /// The caller's task panics, before or after.
    pub(crate) panic: u64,
}

/// How often each job has ended, as the store reported to any process.
pub(crate) type Endings = Arc<Mutex<BTreeMap<JobId, u32>>>;

/// The store as one process reaches it.
#[derive(Clone)]
pub(crate) struct Wire {
    store: MemoryStore,
    state: Arc<Mutex<State>>,
    endings: Endings,
}

struct State {
    random: Random,
    weather: Weather,
    dead: bool,
    refusing: bool,
    faults: u64,
    disk: Option<Duration>,
}

enum Fate {
    Fine,
    Before,
    After,
    PanicBefore,
    PanicAfter,
}

impl Wire {
    pub(crate) fn new(store: &MemoryStore, seed: u64, weather: Weather, endings: &Endings) -> Self {
        Self {
            store: store.clone(),
            state: Arc::new(Mutex::new(State {
                random: Random::new(seed),
                weather,
                dead: false,
                refusing: false,
                faults: 0,
                disk: None,
            })),
            endings: Arc::clone(endings),
        }
    }

    /// Kills the process: none of its further calls reach the store, and none of its pending calls
    /// return.
    pub(crate) fn kill(&self) {
        self.state.lock().unwrap().dead = true;
    }

    /// Calls work again from now on; earlier ones never return.
    pub(crate) fn revive(&self) {
        self.state.lock().unwrap().dead = false;
    }

    /// The store permanently refuses every call.
    pub(crate) fn refuse(&self) {
        self.state.lock().unwrap().refusing = true;
    }

    /// Every call is delayed by this.
    pub(crate) fn slow_down(&self, disk: Duration) {
        self.state.lock().unwrap().disk = Some(disk);
    }

    /// Whether nothing went wrong on it.
    pub(super) fn was_fine(&self) -> bool {
        self.state.lock().unwrap().faults == 0
    }

    pub(crate) fn set(&self, weather: Weather) {
        self.state.lock().unwrap().weather = weather;
    }

    async fn pass<T>(&self, call: impl Future<Output = StoreResult<T>>) -> StoreResult<T> {
        self.go(call, false).await
    }

    /// As [`Self::pass`], for a call from the task of an attempt or an actor, which may panic;
    /// nothing restarts the shutdown sequence.
    async fn risk<T>(&self, call: impl Future<Output = StoreResult<T>>) -> StoreResult<T> {
        self.go(call, true).await
    }

    async fn go<T>(
        &self,
        call: impl Future<Output = StoreResult<T>>,
        risky: bool,
    ) -> StoreResult<T> {
        let (fate, delay) = {
            let state = &mut *self.state.lock().unwrap();
            let weather = state.weather;
            let random = &mut state.random;
            let delay = random.once_in(weather.slow).then(|| random.below(1000));
            let delay = delay.map(Duration::from_millis).or(state.disk);
            let fate = if random.once_in(weather.before) {
                Fate::Before
            } else if random.once_in(weather.after) {
                Fate::After
            } else if risky && random.once_in(weather.panic) {
                Fate::PanicBefore
            } else if risky && random.once_in(weather.panic) {
                Fate::PanicAfter
            } else {
                Fate::Fine
            };
            state.faults += u64::from(!matches!(fate, Fate::Fine) || delay.is_some());
            (fate, delay)
        };
        if let Some(delay) = delay {
            sleep(delay).await;
        }
        if self.state.lock().unwrap().dead {
            return std::future::pending().await;
        }
        if self.state.lock().unwrap().refusing {
            return Err(StoreError::Failed("the store says no".to_owned()));
        }
        let lost = || StoreError::Unavailable("the weather is bad".to_owned());
        match fate {
            Fate::Fine => call.await,
            Fate::Before => Err(lost()),
            Fate::After => call.await.and(Err(lost())),
            Fate::PanicBefore => quiet_panic(),
            Fate::PanicAfter => {
                let _ = call.await;
                quiet_panic()
            }
        }
    }

    fn ended(&self, job: &Job) {
        if job.state().is_final() {
            *self.endings.lock().unwrap().entry(job.id).or_default() += 1;
        }
    }
}

/// Calls that are passed on, with faults.
macro_rules! passes {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident: $of:ty),* $(,)?) -> $answer:ty;)*) => {
        #[async_trait]
        impl Store for Wire {
            $(async fn $name(&self, $($arg: $of),*) -> StoreResult<$answer> {
                self.pass(self.store.$name($($arg),*)).await
            })*

            async fn complete(&self, claim: ClaimRef, outcome: Outcome) -> StoreResult<WriteResult> {
                let call = async {
                    let result = self.store.complete(claim, outcome).await?;
                    result.iter().for_each(|job| self.ended(job));
                    Ok(result)
                };
                self.risk(call).await
            }

            async fn hand_back(&self, claims: &[ClaimRef]) -> StoreResult<Vec<WriteResult>> {
                let call = async {
                    let results = self.store.hand_back(claims).await?;
                    results.iter().flatten().for_each(|job| self.ended(job));
                    Ok(results)
                };
                self.pass(call).await
            }

            async fn expire_leases(&self, in_hand: &[JobId], limit: u32) -> StoreResult<Vec<Job>> {
                let call = async {
                    let jobs = self.store.expire_leases(in_hand, limit).await?;
                    jobs.iter().for_each(|job| self.ended(job));
                    Ok(jobs)
                };
                self.risk(call).await
            }

            async fn claim(&self, order: ClaimOrder) -> StoreResult<Vec<Job>> {
                self.risk(self.store.claim(order)).await
            }

            async fn begin_removal(
                &self,
                now: Timestamp,
                limit: u32,
            ) -> StoreResult<Vec<SessionId>> {
                self.risk(self.store.begin_removal(now, limit)).await
            }

            fn hints(&self) -> Option<broadcast::Receiver<Hint>> {
                self.store.hints()
            }

            fn limit_owners(&self, limits: OwnerLimits) {
                self.store.limit_owners(limits);
            }
        }
    };
}

passes! {
    fn create_session(session: Session, idempotency: Option<Idempotency>) -> Admission<Session>;
    fn session(id: SessionId) -> Option<Session>;
    fn sessions(owner: &Owner, now: Timestamp, order: Order, after: Option<SessionId>, limit: u32) -> Page<Session>;
    fn renew_session(id: SessionId, expires_at: Timestamp) -> ();
    fn delete_session(id: SessionId) -> bool;
    fn was_removed(id: &Uuid, owner: &Owner) -> bool;
    fn finish_removal(sessions: &[SessionId]) -> ();
    fn purge(before: Timestamp, limit: u32) -> u64;
    fn put_dataset(dataset: Dataset, precondition: Precondition) -> UploadOutcome;
    fn dataset(session: SessionId, name: &DatasetName) -> Option<Dataset>;
    fn datasets(session: SessionId, after: Option<&DatasetName>, limit: u32) -> Page<Dataset>;
    fn set_schema(blob: &BlobKey, read: &ReadOptions, schema: &Schema) -> ();
    fn set_read_options(seen: &Dataset, read: ReadOptions) -> bool;
    fn delete_dataset(session: SessionId, name: &DatasetName, precondition: &Precondition) -> Option<Dataset>;
    fn submit(submission: Submission) -> Admission<Job>;
    fn submit_answered(submission: Submission, result: JobResult) -> Admission<Job>;
    fn job(id: JobId) -> Option<Job>;
    fn jobs(filter: &JobFilter, after: Option<JobId>, limit: u32) -> Page<Job>;
    fn result(id: JobId) -> Option<JobResult>;
    fn answer_to(key: &ContentKey) -> Option<JobId>;
    fn cancel(id: JobId) -> Option<Job>;
    fn heartbeat(claims: &[(ClaimRef, f64)], lease: Duration) -> Vec<HeartbeatResult>;
    fn recover() -> u64;
    fn counts() -> StoreCounts;
    fn ping() -> ();
    fn close() -> ();
}
