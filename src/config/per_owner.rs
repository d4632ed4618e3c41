//! `limits.per_owner.*`: what one owner may do and have.

use lastcall_api::RatePolicy;
use lastcall_domain::OwnerLimits;

use super::reader::Reader;

/// `limits.per_owner.*`
#[derive(Clone, Copy, Debug)]
pub struct OwnerBounds {
    /// What one owner may have at once.
    pub store: OwnerLimits,
    /// How many requests one owner may send.
    pub rate: Option<RatePolicy>,
}

impl OwnerBounds {
    /// 0 is no bound.
    pub(super) fn read(read: &mut Reader) -> Self {
        const MOST: u64 = 1 << 50;
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
                sessions: bound(read.count("limits.per_owner.sessions", 0, 0..=MOST)),
                stored_bytes: bound(read.size("limits.per_owner.stored_bytes", 0, 0..=MOST)),
                running_jobs: bound(read.count("limits.per_owner.running_jobs", 0, 0..=MOST)),
                queued_jobs: bound(read.count("limits.per_owner.queued_jobs", 0, 0..=MOST)),
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
}
