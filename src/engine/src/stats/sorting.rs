//! Sorts 64-bit keys.

/// By how many bits keys are distributed at once: the buckets' ends are to stay in the nearest
/// cache.
const STEP: u32 = 8;
const BUCKETS: usize = 1 << STEP;

/// Sorts by the leading 24 bits of each key's distance from the smallest, from the lowest of them
/// to the highest (a radix sort; Knuth 1998, 5.2.5), which takes no branch that depends on a key.
/// The few that agree in all of these bits are put in order after it. `spare` is room to work in.
pub(crate) fn sort(keys: &mut Vec<u64>, spare: &mut Vec<u64>) {
    if keys.len() < BUCKETS {
        keys.sort_unstable();
        return;
    }
    let (mut min, mut max, mut last) = (u64::MAX, 0, 0);
    let mut sorted = true;
    for &key in keys.iter() {
        (min, max) = (min.min(key), max.max(key));
        sorted &= last <= key;
        last = key;
    }
    if sorted {
        return;
    }
    let shift = (64 - (max - min).leading_zeros()).saturating_sub(3 * STEP);
    let leading = |key: u64| ((key - min) >> shift) as usize;
    let low = |key| leading(key) % BUCKETS;
    let middle = |key| (leading(key) >> STEP) % BUCKETS;
    let high = |key| (leading(key) >> (2 * STEP)) % BUCKETS;
    let mut counts = [[0; BUCKETS]; 3];
    let [lows, middles, highs] = &mut counts;
    for &key in keys.iter() {
        lows[low(key)] += 1;
        middles[middle(key)] += 1;
        highs[high(key)] += 1;
    }
    spare.resize(keys.len(), 0);
    distribute(keys, spare, lows, low);
    distribute(spare, keys, middles, middle);
    distribute(keys, spare, highs, high);
    std::mem::swap(keys, spare);
    if shift > 0 && !insert(keys) {
        keys.sort_unstable();
    }
}

/// Copies keys by bucket, those of a bucket in the order they came in. `counts` has how many each
/// bucket gets.
fn distribute(
    from: &[u64],
    to: &mut [u64],
    counts: &mut [u32; BUCKETS],
    bucket: impl Fn(u64) -> usize,
) {
    let mut start = 0;
    for count in counts.iter_mut() {
        start += std::mem::replace(count, start);
    }
    for &key in from {
        let place = &mut counts[bucket(key)];
        to[*place as usize] = key;
        *place += 1;
    }
}

/// Sorts by insertion keys that are nearly in order; gives up where they turn out not to be.
fn insert(keys: &mut [u64]) -> bool {
    let mut steps = 4 * keys.len();
    for at in 1..keys.len() {
        let key = keys[at];
        let mut to = at;
        while to > 0 && keys[to - 1] > key {
            keys[to] = keys[to - 1];
            to -= 1;
        }
        keys[to] = key;
        let Some(left) = steps.checked_sub(at - to) else {
            return false;
        };
        steps = left;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::distinct::mix;

    #[test]
    fn buckets_sort_whatever_there_is() {
        for (count, mask) in [
            (0, 0),
            (1, 7),
            (4096, u64::MAX),
            (4096, 3),
            (500, 1 << 63 | 5),
            (70_000, 0xff00_0000_0000_ffff),
            (70_000, u64::MAX),
        ] {
            let mut keys: Vec<u64> = (0..count).map(|n| mix(n) & mask).collect();
            let mut expected = keys.clone();
            expected.sort_unstable();
            sort(&mut keys, &mut Vec::new());
            assert_eq!(keys, expected);
        }
        // All but one agree in the leading bits, and are upside down.
        let mut keys: Vec<u64> = (0..4096).rev().chain([u64::MAX]).collect();
        sort(&mut keys, &mut Vec::new());
        assert!(keys.is_sorted());
        let mut ends = vec![u64::MAX, 0, u64::MAX, 1];
        sort(&mut ends, &mut Vec::new());
        assert_eq!(ends, [0, 1, u64::MAX, u64::MAX]);
    }
}
