//! How one dataset differs from another, column by column.

mod categories;
mod distances;
mod distribution;
mod observe;

use std::collections::HashMap;

use lastcall_domain::compare::{ColumnChange, ColumnStatus, Comparison, Drift, KolmogorovSmirnov};
use lastcall_domain::{Progress, ReadOptions};

use self::categories::Counting;
use self::distances::{jensen_shannon, stability_index};
use self::distribution::Distribution;
use self::observe::{Seen, SeenColumn};
use crate::ctl::Ctl;
use crate::figures::words::Words;
use crate::pipeline::Resources;
use crate::{EngineError, Source};

/// Compares two datasets, whose hashes have one seed.
pub(crate) fn compare(
    baseline: &Source,
    candidate: &Source,
    options: &ReadOptions,
    resources: &Resources<'_>,
    ctl: Ctl<'_>,
) -> Result<Comparison, EngineError> {
    let part = Progress::new();
    let within = Ctl {
        progress: &part,
        ..ctl
    };
    let before = Seen::of(baseline, options, resources, within)?;
    ctl.progress.set(0.5);
    let after = Seen::of(candidate, options, resources, within)?;
    let pairs = pairs(&before, &after);
    let texts = shares_of_texts(&before, &after, &pairs, resources, within)?;
    let columns = changes(before.columns, after.columns, &pairs, texts, ctl)?;
    ctl.progress.set(1.0);
    Ok(Comparison {
        baseline: before.side,
        candidate: after.side,
        columns,
    })
}

/// Where the columns of the baseline are in the candidate.
fn pairs(before: &Seen, after: &Seen) -> Vec<Option<usize>> {
    let names = after.columns.iter().enumerate();
    let places: HashMap<&str, usize> = names.map(|(at, new)| (new.name.as_str(), at)).collect();
    let columns = before.columns.iter();
    columns
        .map(|old| places.get(old.name.as_str()).copied())
        .collect()
}

/// The shares of the same parts on both sides.
type Shares = (Vec<f64>, Vec<f64>);

/// The shares of the categories of pairs of text columns, by the baseline's columns. Where a side
/// has more texts than fit in memory, it is read again to count the categories.
fn shares_of_texts(
    before: &Seen,
    after: &Seen,
    pairs: &[Option<usize>],
    resources: &Resources<'_>,
    ctl: Ctl<'_>,
) -> Result<HashMap<usize, Shares>, EngineError> {
    let mut counted = HashMap::new();
    let mut again = [Vec::new(), Vec::new()];
    for (at, new) in pairs.iter().enumerate() {
        let Some(new) = *new else { continue };
        let sides = (
            &before.columns[at].distribution,
            &after.columns[new].distribution,
        );
        let (
            Distribution::Texts { words, total },
            Distribution::Texts {
                words: others,
                total: n,
            },
        ) = sides
        else {
            continue;
        };
        if *total == 0 || *n == 0 {
            continue;
        }
        let texts = categories::choose((words, *total), (others, *n), ctl)?;
        let mut counts = |side: usize, column: usize, words: &Words, n| {
            if words.is_exact() {
                return Some(categories::counts(words, n, &texts));
            }
            again[side].push((at, n, Counting::new(column, &texts)));
            None
        };
        let found = [counts(0, at, words, *total), counts(1, new, others, *n)];
        counted.insert(at, (found, [*total, *n]));
    }
    for (side, (seen, again)) in [before, after].into_iter().zip(again).enumerate() {
        let mut places = Vec::new();
        let mut counting = Vec::new();
        for (at, n, one) in again {
            places.push((at, n));
            counting.push(one);
        }
        seen.count(&mut counting, resources, ctl)?;
        for ((at, n), counting) in places.into_iter().zip(counting) {
            if let Some((found, _)) = counted.get_mut(&at) {
                found[side] = Some(counting.finish(n));
            }
        }
    }
    let shares = |counts: Vec<u64>, total: u64| -> Vec<f64> {
        let counts = counts.into_iter();
        counts.map(|count| count as f64 / total as f64).collect()
    };
    let counted = counted.into_iter();
    Ok(counted
        .filter_map(|(at, ([p, q], [n, m]))| Some((at, (shares(p?, n), shares(q?, m)))))
        .collect())
}

/// The columns of the baseline in their order, then those that are new.
fn changes(
    before: Vec<SeenColumn>,
    after: Vec<SeenColumn>,
    pairs: &[Option<usize>],
    mut texts: HashMap<usize, Shares>,
    ctl: Ctl<'_>,
) -> Result<Vec<ColumnChange>, EngineError> {
    let mut after: Vec<Option<SeenColumn>> = after.into_iter().map(Some).collect();
    let mut changes = Vec::with_capacity(before.len());
    for (at, old) in before.into_iter().enumerate() {
        ctl.check()?;
        let new = pairs[at].and_then(|new| after[new].take());
        changes.push(change(old, new, texts.remove(&at)));
    }
    let added = after.into_iter().flatten().map(|new| ColumnChange {
        candidate: Some(new.side()),
        ..unmatched(new.name, ColumnStatus::Added)
    });
    changes.extend(added);
    Ok(changes)
}

fn unmatched(name: String, status: ColumnStatus) -> ColumnChange {
    ColumnChange {
        name,
        status,
        baseline: None,
        candidate: None,
        psi: None,
        drift: None,
        jensen_shannon: None,
        kolmogorov_smirnov: None,
        estimated: false,
        error: None,
    }
}

fn change(old: SeenColumn, new: Option<SeenColumn>, texts: Option<Shares>) -> ColumnChange {
    let side = old.side();
    let Some(new) = new else {
        return ColumnChange {
            baseline: Some(side),
            ..unmatched(old.name, ColumnStatus::Removed)
        };
    };
    let same = old.kind.column_type() == new.kind.column_type();
    let status = if same {
        ColumnStatus::Kept
    } else {
        ColumnStatus::Retyped
    };
    let shares = texts.or_else(|| old.distribution.shares(&new.distribution));
    let psi = shares.as_ref().map(|(p, q)| stability_index(p, q));
    let smirnov = old.distribution.smirnov(&new.distribution);
    let error = smirnov.and_then(|(_, error)| error);
    ColumnChange {
        baseline: Some(side),
        candidate: Some(new.side()),
        psi,
        drift: psi.map(Drift::of),
        jensen_shannon: shares.as_ref().map(|(p, q)| jensen_shannon(p, q)),
        kolmogorov_smirnov: smirnov.map(|(test, _)| test),
        estimated: error.is_some() || old.distribution.is_sketch() || new.distribution.is_sketch(),
        error,
        ..unmatched(old.name, status)
    }
}

/// The test of two samples of these sizes.
fn test(statistic: f64, n: u64, m: u64) -> KolmogorovSmirnov {
    KolmogorovSmirnov {
        statistic,
        p_value: crate::figures::significance::kolmogorov(statistic, n, m),
    }
}
