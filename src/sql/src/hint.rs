//! Suggestions, and quoted names.

/// The minimum similarity (Jaro–Winkler, 0 to 1) of a suggestion.
const MIN_SIMILARITY: f64 = 0.8;
/// Up to so many candidates are all named if none is similar.
const MAX_LISTED: usize = 8;

/// A name as a query has to write it: quoted unless it is a plain identifier.
pub(crate) fn quoted(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

/// A sentence with the candidate that is most similar to `name`, or with all of them if they are
/// few.
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
        .filter(|(likeness, _)| *likeness >= MIN_SIMILARITY)
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    match best {
        Some((_, candidate)) => Some(format!("did you mean {}?", quoted(candidate))),
        None if (1..=MAX_LISTED).contains(&candidates.len()) => {
            let all: Vec<_> = candidates.into_iter().map(quoted).collect();
            Some(format!("there are: {}", all.join(", ")))
        }
        None => None,
    }
}
