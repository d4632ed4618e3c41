//! Rows that repeat an earlier row.
//!
//! Rows are compared by 64-bit hashes of all their cells. Two distinct rows collide with a
//! probability of 2⁻⁶⁴; among ten million rows, the probability of a collision is 3 in a million.

use crate::EngineError;
use crate::job::JobContext;
use crate::stats::distinct::DistinctSketch;

const PIECE: usize = 1 << 16;

/// The hashes of all rows while they fit, then a sketch of them.
pub(crate) struct Duplicates {
    rows: u64,
    most: usize,
    stage: Stage,
}

enum Stage {
    Exact(Vec<u64>),
    Sketched(DistinctSketch),
}

impl Duplicates {
    pub(crate) fn new(bytes: usize) -> Self {
        Self {
            rows: 0,
            most: bytes / 8,
            stage: Stage::Exact(Vec::new()),
        }
    }

    pub(crate) fn add(
        &mut self,
        hashes: &[u64],
        context: JobContext<'_>,
    ) -> Result<(), EngineError> {
        self.rows += hashes.len() as u64;
        if let Stage::Exact(held) = &mut self.stage {
            if held.len() + hashes.len() <= self.most {
                if held.capacity() - held.len() < hashes.len() {
                    // By a quarter instead of doubling, to keep the limit.
                    held.reserve_exact(hashes.len().max(held.len() / 4));
                }
                held.extend_from_slice(hashes);
                return Ok(());
            }
            let mut sketch = DistinctSketch::new(16);
            for piece in held.chunks(PIECE) {
                context.check()?;
                piece.iter().for_each(|&hash| sketch.add(hash));
            }
            self.stage = Stage::Sketched(sketch);
        }
        if let Stage::Sketched(sketch) = &mut self.stage {
            hashes.iter().for_each(|&hash| sketch.add(hash));
        }
        Ok(())
    }

    /// How many rows repeat an earlier one; for an estimate, also its error as a fraction of the
    /// rows, at two standard deviations.
    pub(crate) fn finish(self, context: JobContext<'_>) -> Result<(u64, Option<f64>), EngineError> {
        match self.stage {
            Stage::Exact(held) => {
                let different = count_different(held, context)?;
                Ok((self.rows - different, None))
            }
            Stage::Sketched(sketch) => {
                let (different, error) = sketch.estimate();
                let rows = self.rows.max(1) as f64;
                Ok((
                    self.rows.saturating_sub(different),
                    Some(error * different as f64 / rows),
                ))
            }
        }
    }
}

/// Counts distinct hashes. They are distributed evenly, so that their leading bits split them into
/// parts of about equal size, each of which is sorted quickly.
fn count_different(mut hashes: Vec<u64>, context: JobContext<'_>) -> Result<u64, EngineError> {
    let parts = (hashes.len() / PIECE).next_power_of_two().min(1 << 16);
    let bits = parts.trailing_zeros();
    if bits == 0 {
        hashes.sort_unstable();
        hashes.dedup();
        return Ok(hashes.len() as u64);
    }
    let part_of = |hash: u64| (hash >> (64 - bits)) as usize;
    let mut starts = vec![0usize; parts + 1];
    for piece in hashes.chunks(PIECE) {
        context.check()?;
        for &hash in piece {
            starts[part_of(hash) + 1] += 1;
        }
    }
    for part in 0..parts {
        starts[part + 1] += starts[part];
    }
    // American flag sort (McIlroy, Bostic and McIlroy 1993): each hash goes to its part in place.
    let mut next = starts.clone();
    for part in 0..parts {
        context.check()?;
        while next[part] < starts[part + 1] {
            let at = next[part];
            let home = part_of(hashes[at]);
            if home == part {
                next[part] += 1;
            } else {
                hashes.swap(at, next[home]);
                next[home] += 1;
            }
        }
    }
    let mut different = 0;
    for part in 0..parts {
        context.check()?;
        let slice = &mut hashes[starts[part]..starts[part + 1]];
        slice.sort_unstable();
        different += slice.chunk_by(|a, b| a == b).count() as u64;
    }
    Ok(different)
}
