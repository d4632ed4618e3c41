//! Unknown columns, with suggestions.

use lastcall_domain::check::ColumnMatch;

use crate::read::dataset::Plan;

/// The minimum similarity of a suggestion.
const SIMILAR: f64 = 0.8;
/// Names that are longer, in bytes, are not compared.
const MAX_LENGTH: usize = 100;
/// How many columns are compared.
const COMPARED: usize = 1_000;
/// The most unknown names with suggestions: a contract may be for another dataset altogether.
const MAX_LOOKUPS: usize = 50;

/// The names of the columns of a dataset.
pub(super) struct Names<'a> {
    names: &'a [String],
    lookups: usize,
}

impl<'a> Names<'a> {
    pub(super) fn new(names: &'a [String]) -> Self {
        Self { names, lookups: 0 }
    }

    pub(super) fn of(plan: &'a Plan) -> Self {
        Self::new(&plan.names)
    }

    /// The message for an unknown column, with a suggestion.
    pub(super) fn without(&mut self, name: &str) -> String {
        match self.similar(name) {
            Some(similar) => format!("there is no column `{name}`; did you mean `{similar}`?"),
            None => format!("there is no column `{name}`"),
        }
    }

    fn similar(&mut self, name: &str) -> Option<&'a str> {
        self.lookups += 1;
        if self.lookups > MAX_LOOKUPS || name.len() > MAX_LENGTH {
            return None;
        }
        let wanted = name.to_lowercase();
        let names = self.names.iter().take(COMPARED);
        let likeness = names
            .filter(|found| found.len() <= MAX_LENGTH)
            .map(|found| {
                let lower = found.trim().to_lowercase();
                (strsim::jaro_winkler(&wanted, &lower), found)
            });
        let best = likeness.max_by(|a, b| a.0.total_cmp(&b.0));
        let best = best.filter(|(likeness, _)| *likeness >= SIMILAR);
        best.map(|(_, similar)| similar.as_str())
    }
}

/// How the columns of the contract and of the data differ, if the difference is not allowed.
pub(super) fn mismatch(way: ColumnMatch, wanted: &[String], names: &[String]) -> Option<String> {
    let missing = wanted.iter().find(|name| !names.contains(name));
    let more = names.iter().find(|name| !wanted.contains(name));
    let missing = missing.map(|name| Names::new(names).without(name));
    let more = more.map(|name| format!("there is a column `{name}` that is not in the contract"));
    match way {
        ColumnMatch::Exact => missing.or(more).or_else(|| {
            let ordered = wanted.len() == names.len() && wanted.iter().eq(names);
            (!ordered).then(|| "the columns are in another order".to_owned())
        }),
        ColumnMatch::Equal => missing.or(more),
        ColumnMatch::Subset => missing,
        ColumnMatch::Superset => more,
        ColumnMatch::Partial => {
            let common = wanted.iter().any(|name| names.contains(name));
            (!common).then(|| "there is none of these columns".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likest_name_is_meant_and_long_or_many_names_are_not_compared() {
        let long = "n".repeat(1 << 20);
        let names = ["Customer ", "order", &long].map(str::to_owned);
        let mut found = Names::new(&names);
        assert!(found.without("customer").ends_with("`Customer `?"));
        assert!(!found.without("zip").contains("mean"));
        assert!(!found.without(&long).contains("mean"));
        for _ in 0..MAX_LOOKUPS {
            found.without("x");
        }
        assert!(!found.without("customer").contains("mean"));
        let many: Vec<String> = (0..COMPARED).map(|at| at.to_string()).collect();
        let many = [many, vec!["customer".to_owned()]].concat();
        assert!(!Names::new(&many).without("custome").contains("mean"));
    }
}
