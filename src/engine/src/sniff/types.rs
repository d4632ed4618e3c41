//! Step four: the types of the first cells.
//!
//! They are an assumption: the last step decides, by every cell of the dataset.

use lastcall_domain::{Certainty, ReadStep};

use crate::parse::{CellRules, Hints, Kind};
use crate::read::build::build_column;
use crate::read::csv::cells::Cells;
use crate::read::dataset::TypeGuess;

/// Guesses the types of the columns from the first rows.
pub(crate) fn decide(
    names: Vec<String>,
    cells: &Cells<'_>,
    rules: &CellRules,
) -> (Vec<TypeGuess>, ReadStep) {
    let guess = |(at, name)| {
        let column = build_column(Kind::Text, cells.column(at), cells.rows(), rules, None);
        TypeGuess::new(name, &column)
    };
    let guesses: Vec<TypeGuess> = names.into_iter().enumerate().map(guess).collect();
    let hints = Hints { ..rules.hints() };
    let typed = guesses
        .iter()
        .filter(|guess| guess.kinds.resolve(&hints).kind != Kind::Text);
    let step = ReadStep {
        step: "types".into(),
        decision: format!(
            "{} of {} columns are not text, judging by the first {} rows",
            typed.count(),
            guesses.len(),
            cells.rows()
        ),
        certainty: Certainty::Likely,
    };
    (guesses, step)
}
