//! Suggestions, and names quoted as a query needs them.

/// The least similarity (Jaro–Winkler, 0 to 1) of a guess.
const ALIKE: f64 = 0.8;
/// With no more candidates than this, all of them are named when no guess is near.
const FEW: usize = 8;

/// A name as a query has to write it: in quotes where it is no plain identifier.
pub(crate) fn quoted(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

/// A sentence with the candidate that is most like `name`, or with all of them if they are few.
pub(crate) fn did_you_mean<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let candidates: Vec<_> = candidates.into_iter().collect();
    let folded = name.to_lowercase();
    let best = candidates
        .iter()
        .map(|candidate| {
            (
                strsim::jaro_winkler(&folded, &candidate.to_lowercase()),
                *candidate,
            )
        })
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    match best {
        Some((_, candidate)) => Some(format!("did you mean {}?", quoted(candidate))),
        None if (1..=FEW).contains(&candidates.len()) => {
            let all: Vec<_> = candidates.into_iter().map(quoted).collect();
            Some(format!("there are: {}", all.join(", ")))
        }
        None => None,
    }
}
