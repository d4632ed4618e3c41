//! `limits.per_owner.*`: what one owner may do and have.

use lastcall_api::RatePolicy;
use lastcall_domain::OwnerLimits;

use super::reader::Reader;
use super::units::show_size;

/// `limits.per_owner.*`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnerBounds {
    /// What one owner may have at once.
    pub store: OwnerLimits,
    /// How many requests one owner may send.
    pub rate: Option<RatePolicy>,
}

impl OwnerBounds {
    /// 0 means no bound.
    pub(super) fn read(read: &mut Reader) -> Self {
        const MAX_BYTES: u64 = 1 << 50;
        let bound = |number: u64| (number > 0).then_some(number);
        let per_second = read.count("limits.per_owner.requests_per_second", 0, 0..=1_000_000_u32);
        let burst = read.count("limits.per_owner.burst", 0, 0..=1_000_000_u32);
        if burst > 0 && per_second == 0 && read.is_sound("limits.per_owner.requests_per_second") {
            read.fault(
                "limits.per_owner.burst",
                "0 where limits.per_owner.requests_per_second is 0",
            );
        }
        Self {
            store: OwnerLimits {
                sessions: bound(read.count("limits.per_owner.sessions", 0, 0..=MAX_BYTES)),
                stored_bytes: bound(read.size("limits.per_owner.stored_bytes", 0, 0..=MAX_BYTES)),
                running_jobs: bound(read.count("limits.per_owner.running_jobs", 0, 0..=MAX_BYTES)),
                queued_jobs: bound(read.count("limits.per_owner.queued_jobs", 0, 0..=MAX_BYTES)),
            },
            rate: (per_second > 0).then(|| RatePolicy {
                per_second,
                burst: match burst {
                    0 => per_second * 2,
                    burst => burst,
                },
            }),
        }
    }

    /// Each key with its value in the notation of the configuration; an absent burst with its
    /// effective value.
    pub fn shown(&self) -> [(&'static str, String); 6] {
        let OwnerLimits {
            sessions,
            stored_bytes,
            queued_jobs,
            running_jobs,
        } = self.store;
        let count = |bound: Option<u64>| bound.unwrap_or(0).to_string();
        let rate = |part: fn(RatePolicy) -> u32| self.rate.map_or(0, part).to_string();
        [
            (
                "limits.per_owner.requests_per_second",
                rate(|rate| rate.per_second),
            ),
            ("limits.per_owner.burst", rate(|rate| rate.burst)),
            ("limits.per_owner.sessions", count(sessions)),
            (
                "limits.per_owner.stored_bytes",
                show_size(stored_bytes.unwrap_or(0)),
            ),
            ("limits.per_owner.queued_jobs", count(queued_jobs)),
            ("limits.per_owner.running_jobs", count(running_jobs)),
        ]
    }
}
