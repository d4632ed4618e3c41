//! Rate limiting of owners, in this process: a token bucket for each, and the `RateLimit` fields
//! with its state (IETF draft `httpapi-ratelimit-headers`).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError, RwLock};

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use lastcall_domain::{Owner, Timestamp};

use crate::errors::Code;
use crate::problem::Problem;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const MICROS: i64 = 1_000_000;
/// From this many buckets on, full ones are dropped, because they are equivalent to new ones.
const MIN_PRUNED: usize = 1_024;

/// A rate limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RatePolicy {
    /// Requests per second in the long run; at least 1.
    pub per_second: u32,
    /// Requests at once; at least 1.
    pub burst: u32,
}

/// The quota after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quota {
    policy: RatePolicy,
    /// The remaining requests.
    remaining: u32,
    /// After this many seconds the quota is full again or, after a rejection, one request is
    /// allowed.
    reset: u32,
}

/// The buckets of all owners.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    policy: RwLock<Option<RatePolicy>>,
    buckets: Mutex<Buckets>,
}

#[derive(Debug)]
struct Buckets {
    /// When the bucket of an owner is full again, in microseconds since 1970.
    full_at: HashMap<Owner, i64>,
    /// The number of buckets at which full ones are dropped: twice as many as remained the last
    /// time, so that a request checks two others on average.
    sweep_at: usize,
}

impl RatePolicy {
    /// The refill time of one request, in microseconds.
    fn interval(self) -> i64 {
        (MICROS / i64::from(self.per_second.max(1))).max(1)
    }

    /// The time that refills an empty bucket.
    fn window(self) -> i64 {
        self.interval() * i64::from(self.burst.max(1))
    }
}

impl Quota {
    /// Adds the fields to a response.
    pub(crate) fn write_headers(self, headers: &mut HeaderMap) {
        let window = seconds(self.policy.window());
        let policy = format!("\"owner\";q={};w={window}", self.policy.burst.max(1));
        let state = format!("\"owner\";r={};t={}", self.remaining, self.reset);
        for (name, value) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, state)] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
    }

    /// The error for a rejected request.
    pub(crate) fn refusal(self) -> Problem {
        let detail = format!(
            "there may be {} requests a second of one owner, {} at once",
            self.policy.per_second, self.policy.burst
        );
        Problem::new(Code::RateLimited, detail).retry_after(self.reset)
    }
}

impl RateLimiter {
    /// A limiter without buckets; without a policy it limits nothing.
    pub(crate) fn new(policy: Option<RatePolicy>) -> Self {
        Self {
            policy: RwLock::new(policy),
            buckets: Mutex::new(Buckets {
                full_at: HashMap::new(),
                sweep_at: MIN_PRUNED,
            }),
        }
    }

    /// Changes the policy. Used quota stays used, as far as it fits the new policy.
    pub(crate) fn set_policy(&self, policy: Option<RatePolicy>, now: Timestamp) {
        let now = now.timestamp_micros();
        let mut held = self.policy.write().unwrap_or_else(PoisonError::into_inner);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        match (std::mem::replace(&mut *held, policy), policy) {
            (Some(old), Some(new)) => {
                for full_at in buckets.full_at.values_mut() {
                    let missing = full_at.saturating_sub(now).clamp(0, old.window());
                    let missing = missing.saturating_mul(new.interval()) / old.interval();
                    *full_at = now + missing.min(new.window());
                }
            }
            _ => buckets.full_at.clear(),
        }
    }

    /// Takes one request from the owner's bucket, and returns the remaining quota, or an error if
    /// it was empty. `None` without a policy.
    pub(crate) fn take(&self, owner: &Owner, now: Timestamp) -> Option<Result<Quota, Quota>> {
        let policy = (*self.policy.read().unwrap_or_else(PoisonError::into_inner))?;
        let now = now.timestamp_micros();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let Buckets {
            full_at: buckets,
            sweep_at,
        } = &mut *buckets;
        let full_at = buckets.get(owner).copied().unwrap_or(now);
        // At most a whole bucket, in case the clock was set back.
        let missing = full_at.saturating_sub(now).clamp(0, policy.window());
        let after = missing + policy.interval();
        let quota = |remaining, reset| Quota {
            policy,
            remaining,
            reset: seconds(reset),
        };
        if after > policy.window() {
            buckets.insert(owner.clone(), now + missing);
            return Some(Err(quota(0, after - policy.window())));
        }
        if buckets.len() >= *sweep_at {
            buckets.retain(|_, full_at| *full_at > now);
            *sweep_at = MIN_PRUNED.max(2 * buckets.len());
        }
        buckets.insert(owner.clone(), now + after);
        let remaining = (policy.window() - after) / policy.interval();
        let remaining = u32::try_from(remaining).unwrap_or(u32::MAX);
        Some(Ok(quota(remaining, after)))
    }
}

/// Whole seconds, rounded up.
fn seconds(micros: i64) -> u32 {
    u32::try_from(micros.max(0).saturating_add(MICROS - 1) / MICROS).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    const POLICY: RatePolicy = RatePolicy {
        per_second: 4,
        burst: 3,
    };

    fn take(limiter: &RateLimiter, owner: &str, millis: i64) -> Result<u32, u32> {
        let now = Timestamp::default() + TimeDelta::milliseconds(1_000_000 + millis);
        let taken = limiter.take(&Owner::new(owner), now).unwrap();
        taken
            .map(|quota| quota.remaining)
            .map_err(|quota| quota.reset)
    }

    #[test]
    fn a_burst_and_then_the_rate() {
        let limiter = RateLimiter::new(Some(POLICY));
        let burst = [0, 0, 0, 0].map(|at| take(&limiter, "a", at));
        assert_eq!(burst, [Ok(2), Ok(1), Ok(0), Err(1)]);
        assert_eq!(
            take(&limiter, "b", 0),
            Ok(2),
            "another owner has a bucket of its own"
        );
        assert_eq!(take(&limiter, "a", 249), Err(1));
        assert_eq!(take(&limiter, "a", 250), Ok(0));
        assert_eq!(take(&limiter, "a", 499), Err(1));
        assert_eq!(
            take(&limiter, "a", 10_000),
            Ok(2),
            "it is full again, and no more"
        );
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let limiter = RateLimiter::new(Some(POLICY));
        for _ in 0..3 {
            take(&limiter, "a", 500_000).unwrap();
        }
        assert_eq!(take(&limiter, "a", 0), Err(1));
        assert_eq!(take(&limiter, "a", 250), Ok(0));
    }

    #[test]
    fn full_buckets_are_dropped() {
        let limiter = RateLimiter::new(Some(POLICY));
        for n in 0..10 * MIN_PRUNED {
            take(&limiter, &n.to_string(), n as i64 * 10).unwrap();
        }
        assert!(limiter.buckets.lock().unwrap().full_at.len() <= MIN_PRUNED + 1);
    }

    #[test]
    fn what_was_taken_stays_taken_when_the_policy_changes() {
        let now = |millis: i64| Timestamp::default() + TimeDelta::milliseconds(1_000_000 + millis);
        let policy = |per_second, burst| Some(RatePolicy { per_second, burst });
        let limiter = RateLimiter::new(policy(4, 10));
        for _ in 0..6 {
            take(&limiter, "a", 0).unwrap();
        }
        // A slower refill: six of ten are taken, as before.
        limiter.set_policy(policy(1, 10), now(0));
        assert_eq!(take(&limiter, "a", 0), Ok(3));
        assert_eq!(take(&limiter, "a", 1_000), Ok(3));
        // A larger bucket, and one that is smaller than what was taken.
        limiter.set_policy(policy(2, 100), now(1_000));
        assert_eq!(take(&limiter, "a", 1_000), Ok(92));
        limiter.set_policy(policy(2, 4), now(1_000));
        assert_eq!(take(&limiter, "a", 1_000), Err(1));
        assert_eq!(take(&limiter, "a", 1_500), Ok(0));
        assert_eq!(take(&limiter, "b", 1_500), Ok(3), "a new owner");
    }

    #[test]
    fn a_policy_can_come_and_go() {
        let limiter = RateLimiter::new(None);
        let now = Timestamp::default();
        assert_eq!(limiter.take(&Owner::new("a"), now), None);
        limiter.set_policy(Some(POLICY), now);
        for _ in 0..3 {
            assert!(limiter.take(&Owner::new("a"), now).unwrap().is_ok());
        }
        assert!(limiter.take(&Owner::new("a"), now).unwrap().is_err());
        limiter.set_policy(None, now);
        assert_eq!(limiter.take(&Owner::new("a"), now), None);
        limiter.set_policy(Some(POLICY), now);
        assert!(
            limiter.take(&Owner::new("a"), now).unwrap().is_ok(),
            "a full bucket"
        );
    }

    #[test]
    fn without_a_policy_nothing_is_counted() {
        let limiter = RateLimiter::new(None);
        assert_eq!(
            limiter.take(&Owner::anonymous(), Timestamp::default()),
            None
        );
    }
}
