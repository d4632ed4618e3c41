//! Compares two datasets, column by column.

mod categories;
mod details;
mod distances;
mod distribution;
mod number_changes;
mod observe;
mod paired;
mod verdict;

use std::collections::HashMap;

use lastcall_domain::compare::{
    CategoryChanges, ColumnChange, ColumnStatus, Comparison, DriftThresholds, KolmogorovSmirnov,
};
use lastcall_domain::{Progress, ReadOptions};

use self::categories::Counting;
use self::distances::{jensen_shannon, stability_index};
use self::distribution::Distribution;
use self::observe::{ObservedColumn, ObservedDataset};
use self::paired::Paired;
use crate::job::JobContext;
use crate::parse::Kind;
use crate::pipeline::Resources;
use crate::stats::text_counts::TextCounts;
use crate::{EngineError, Source};

/// Compares two datasets, which have the same hash seed.
pub(crate) fn compare(
    (baseline, read): (&Source, &ReadOptions),
    (candidate, read_candidate): (&Source, &ReadOptions),
    thresholds: &DriftThresholds,
    resources: &Resources<'_>,
    context: JobContext<'_>,
) -> Result<Comparison, EngineError> {
    let part = Progress::new();
    let within = JobContext {
        progress: &part,
        ..context
    };
    let before = ObservedDataset::of(baseline, read, resources, within)?;
    context.progress.set(0.5);
    let after = ObservedDataset::of(candidate, read_candidate, resources, within)?;
    let pairs = pairs(&before, &after);
    let texts = shares_of_texts(&before, &after, &pairs, resources, within)?;
    let mut columns = changes(before.columns, after.columns, &pairs, texts, context)?;
    for column in &mut columns {
        column.drift = column.psi.map(|psi| thresholds.drift(psi));
    }
    context.progress.set(1.0);
    Ok(Comparison {
        verdict: verdict::verdict(&before.side, &after.side, &columns, thresholds),
        thresholds: *thresholds,
        baseline: before.side,
        candidate: after.side,
        columns,
    })
}

/// The index in the candidate of each column of the baseline.
fn pairs(before: &ObservedDataset, after: &ObservedDataset) -> Vec<Option<usize>> {
    let names = after.columns.iter().enumerate();
    let places: HashMap<&str, usize> = names.map(|(at, new)| (new.name.as_str(), at)).collect();
    let columns = before.columns.iter();
    columns
        .map(|old| places.get(old.name.as_str()).copied())
        .collect()
}

/// The counts of the same categories on both sides; the last is of all others.
struct CategoryCounts {
    counts: (Vec<u64>, Vec<u64>),
    totals: [u64; 2],
    categories: CategoryChanges,
}

impl CategoryCounts {
    fn shares(&self) -> (Vec<f64>, Vec<f64>) {
        let shares = |counts: &[u64], total: u64| -> Vec<f64> {
            let counts = counts.iter();
            counts.map(|&count| count as f64 / total as f64).collect()
        };
        let (p, q) = &self.counts;
        let [n, m] = self.totals;
        (shares(p, n), shares(q, m))
    }
}

/// The counts of categories of pairs of text columns, by the baseline's columns. If a side has
/// more texts than fit in memory, it is read again to count the categories.
fn shares_of_texts(
    before: &ObservedDataset,
    after: &ObservedDataset,
    pairs: &[Option<usize>],
    resources: &Resources<'_>,
    context: JobContext<'_>,
) -> Result<HashMap<usize, CategoryCounts>, EngineError> {
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
        let texts = categories::choose((words, *total), (others, *n), context)?;
        let mut counts = |side: usize, column: usize, words: &TextCounts, n| {
            if words.is_exact() {
                return Some(categories::counts(words, n, &texts));
            }
            again[side].push((at, n, Counting::new(column, &texts)));
            None
        };
        let found = [counts(0, at, words, *total), counts(1, new, others, *n)];
        let listed = details::new_and_vanished(words, others);
        let texts = texts
            .iter()
            .map(|text| details::shown(text, [words, others]));
        let texts: Vec<String> = texts.collect();
        counted.insert(at, (found, [*total, *n], texts, listed));
    }
    for (side, (seen, again)) in [before, after].into_iter().zip(again).enumerate() {
        let mut places = Vec::new();
        let mut counting = Vec::new();
        for (at, n, one) in again {
            places.push((at, n));
            counting.push(one);
        }
        seen.count(&mut counting, resources, context)?;
        for ((at, n), counting) in places.into_iter().zip(counting) {
            if let Some((found, ..)) = counted.get_mut(&at) {
                found[side] = Some(counting.finish(n));
            }
        }
    }
    let counted = counted.into_iter();
    let counted = counted.filter_map(|(at, ([p, q], totals, texts, listed))| {
        let counts = (p?, q?);
        let categories = details::categories(texts, &counts, listed);
        let found = CategoryCounts {
            counts,
            totals,
            categories,
        };
        Some((at, found))
    });
    Ok(counted.collect())
}

/// The columns of the baseline in order, then the new ones.
fn changes(
    before: Vec<ObservedColumn>,
    after: Vec<ObservedColumn>,
    pairs: &[Option<usize>],
    mut texts: HashMap<usize, CategoryCounts>,
    context: JobContext<'_>,
) -> Result<Vec<ColumnChange>, EngineError> {
    let mut after: Vec<Option<ObservedColumn>> = after.into_iter().map(Some).collect();
    let mut changes = Vec::with_capacity(before.len());
    for (at, old) in before.into_iter().enumerate() {
        context.check()?;
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
        missing_change: None,
        chi_squared: None,
        numbers: None,
        histogram: None,
        categories: None,
    }
}

fn change(
    old: ObservedColumn,
    new: Option<ObservedColumn>,
    texts: Option<CategoryCounts>,
) -> ColumnChange {
    let mut side = old.side();
    let Some(new) = new else {
        return ColumnChange {
            baseline: Some(side),
            ..unmatched(old.name, ColumnStatus::Removed)
        };
    };
    let mut new_side = new.side();
    // A column without values is of any type.
    if new.is_untyped() {
        new_side.kind = side.kind;
    } else if old.is_untyped() {
        side.kind = new_side.kind;
    }
    let status = if side.kind == new_side.kind {
        ColumnStatus::Kept
    } else {
        ColumnStatus::Retyped
    };
    let booleans = details::booleans(&old, &new);
    let chi_squared = match (&texts, &booleans) {
        (Some(texts), _) => details::chi_squared(&texts.counts.0, &texts.counts.1),
        (None, Some((_, p, q))) => details::chi_squared(p, q),
        (None, None) => None,
    };
    let is_sketch = old.distribution.is_sketch() || new.distribution.is_sketch();
    let kinds = (old.kind, new.kind);
    let pair = if family(kinds.0) == family(kinds.1) {
        old.distribution.paired(new.distribution)
    } else {
        None
    };
    let shares = texts
        .as_ref()
        .map(CategoryCounts::shares)
        .or_else(|| pair.as_ref().map(|pair| pair.numbers.shares()));
    let categories = texts.map(|texts| texts.categories);
    let psi = shares.as_ref().map(|(p, q)| stability_index(p, q));
    // Booleans have no order.
    let pair = pair.filter(|_| kinds.0 != Kind::Boolean);
    // The largest distance between the distribution functions (Smirnov 1939).
    let smirnov = pair.as_ref().map(|pair| {
        let (n, m) = pair.totals;
        test(pair.numbers.distance(), n, m)
    });
    let error = pair.as_ref().and_then(|pair| pair.error);
    let numbers = pair.as_ref().map(|pair| &pair.numbers);
    ColumnChange {
        missing_change: Some(new_side.missing_share - side.missing_share),
        baseline: Some(side),
        candidate: Some(new_side),
        psi,
        jensen_shannon: shares.as_ref().map(|(p, q)| jensen_shannon(p, q)),
        kolmogorov_smirnov: smirnov,
        estimated: error.is_some() || is_sketch,
        error,
        chi_squared,
        numbers: numbers
            .filter(|_| kinds.0.is_numeric())
            .and_then(Paired::changes),
        histogram: numbers.and_then(|numbers| details::histogram(numbers, kinds)),
        categories: categories.or(booleans.map(|(categories, ..)| categories)),
        ..unmatched(old.name, status)
    }
}

/// The comparable kinds: numbers, times, booleans.
fn family(kind: Kind) -> u8 {
    match kind {
        Kind::Integer | Kind::Large | Kind::Decimal | Kind::Float => 0,
        Kind::Date(_) | Kind::Timestamp(_) => 1,
        Kind::Boolean => 2,
        Kind::Text => 3,
    }
}

/// The test of two samples of these sizes.
fn test(statistic: f64, n: u64, m: u64) -> KolmogorovSmirnov {
    KolmogorovSmirnov {
        statistic,
        p_value: crate::stats::p_values::kolmogorov(statistic, n, m),
    }
}
