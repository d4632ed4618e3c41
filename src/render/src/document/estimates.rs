//! The estimated statistics of a profile and their accuracy, in sentences.

use lastcall_domain::profile::Profile;

use crate::number::count;

/// A sentence for each estimated statistic.
pub(super) fn estimates(profile: &Profile) -> Vec<String> {
    let mut notes = Vec::new();
    let worst =
        |errors: &mut dyn Iterator<Item = Option<f64>>| errors.flatten().fold(0.0, f64::max);
    let columns = &profile.columns;
    if columns.iter().any(|c| c.distinct_estimated) {
        let error = worst(&mut columns.iter().map(|c| c.distinct_error));
        notes.push(format!(
            "Distinct counts marked ≈ are estimates from a sketch, within {} at two standard deviations.",
            share(error)
        ));
    }
    if columns.iter().any(|c| c.top_estimated) {
        let error = columns
            .iter()
            .filter_map(|c| c.top_error)
            .max()
            .unwrap_or(0);
        notes.push(format!(
            "Counts of top values marked ≈ may be off by up to {} rows.",
            count(error)
        ));
    }
    let quantiles = || {
        columns
            .iter()
            .filter_map(|c| c.numeric.as_ref())
            .map(|n| n.quantiles)
    };
    if quantiles().any(|q| q.estimated) {
        let error = worst(&mut quantiles().map(|q| q.rank_error));
        notes.push(format!(
            "Quantiles marked ≈ are estimates from a sketch, whose rank is off by at most {} of the count.",
            share(error)
        ));
    }
    if profile.dataset.duplicate_rows_estimated {
        let error = profile.dataset.duplicate_rows_error.unwrap_or(0.0);
        notes.push(format!(
            "The number of duplicate rows is an estimate, within {} of the rows.",
            share(error)
        ));
    }
    let all = &profile.correlations;
    if all.spearman_estimated {
        let sample = all
            .spearman_sample
            .map_or_else(String::new, |n| format!(" of {} rows", count(n)));
        notes.push(format!("Spearman's ρ was estimated from a sample{sample}."));
    }
    if all.columns_left_out > 0 {
        notes.push(format!(
            "{} numeric columns beyond the limit are not in the correlations.",
            count(all.columns_left_out)
        ));
    }
    notes
}

fn share(error: f64) -> String {
    format!(
        "±{}%",
        crate::number::figure((error * 10_000.0).round() / 100.0)
    )
}
