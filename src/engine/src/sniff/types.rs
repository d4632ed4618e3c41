//! Step four: the types of the first cells.
//!
//! It is an assumption. Every cell of the dataset takes part in the decision, which is the last
//! step's.

use lastcall_domain::{Certainty, ReadStep};

use crate::parse::{CellRules, Hints, Kind};
use crate::read::build::build_column;
use crate::read::csv::cells::Cells;
use crate::read::dataset::TypeGuess;

/// Looks at the first rows of every column.
pub(crate) fn decide(
    names: Vec<String>,
    cells: &Cells<'_>,
    rules: &CellRules,
) -> (Vec<TypeGuess>, ReadStep) {
    let look = |(at, name)| {
        let column = build_column(Kind::Text, cells.column(at), cells.rows(), rules, None);
        TypeGuess::new(name, &column)
    };
    let looks: Vec<TypeGuess> = names.into_iter().enumerate().map(look).collect();
    let hints = Hints { ..rules.hints() };
    let typed = looks
        .iter()
        .filter(|look| look.kinds.resolve(&hints).kind != Kind::Text);
    let step = ReadStep {
        step: "types".into(),
        decision: format!(
            "{} of {} columns are not text, as far as the first {} rows tell",
            typed.count(),
            looks.len(),
            cells.rows()
        ),
        certainty: Certainty::Likely,
    };
    (looks, step)
}
