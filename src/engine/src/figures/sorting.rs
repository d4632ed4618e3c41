//! Sorting keys of 64 bits.

/// Sorts by buckets of equal width, about one for each value. What is left to do is little where
/// values are spread evenly; crowded buckets are cut into buckets again. `spare` is room to
/// work in.
pub(super) fn sort(keys: &mut [u64], spare: &mut Vec<u64>) {
    spare.resize(spare.len().max(keys.len()), 0);
    sort_with(keys, spare);
}

/// A bucket with more values than this is crowded.
const FEW: usize = 16;
const MOST_BUCKETS: usize = 4096;

fn sort_with(keys: &mut [u64], spare: &mut [u64]) {
    if keys.len() <= 8 * FEW {
        keys.sort_unstable();
        return;
    }
    let (mut min, mut max) = (u64::MAX, 0);
    for &key in keys.iter() {
        (min, max) = (min.min(key), max.max(key));
    }
    if min == max {
        return;
    }
    let mut ends = [0u32; MOST_BUCKETS];
    let buckets = keys.len().next_power_of_two().min(MOST_BUCKETS);
    let ends = &mut ends[..buckets];
    let shift = (64 - (max - min).leading_zeros()).saturating_sub(buckets.trailing_zeros());
    let bucket = |key: u64| ((key - min) >> shift) as usize;
    for &key in keys.iter() {
        ends[bucket(key)] += 1;
    }
    let (mut start, mut crowded) = (0, false);
    for end in ends.iter_mut() {
        let count = std::mem::replace(end, start);
        crowded |= count as usize > FEW;
        start += count;
    }
    for &key in keys.iter() {
        let end = &mut ends[bucket(key)];
        spare[*end as usize] = key;
        *end += 1;
    }
    keys.copy_from_slice(&spare[..keys.len()]);
    if crowded {
        let mut start = 0;
        for end in ends.iter().map(|&end| end as usize) {
            if end - start > FEW {
                sort_with(&mut keys[start..end], spare);
            }
            start = end;
        }
    }
    // Insertion: no value is further from its place than its bucket is long.
    for at in 1..keys.len() {
        let key = keys[at];
        let mut to = at;
        while to > 0 && keys[to - 1] > key {
            keys[to] = keys[to - 1];
            to -= 1;
        }
        keys[to] = key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::distinct::mix;

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
        let mut ends = vec![u64::MAX, 0, u64::MAX, 1];
        sort(&mut ends, &mut Vec::new());
        assert_eq!(ends, [0, 1, u64::MAX, u64::MAX]);
    }
}
