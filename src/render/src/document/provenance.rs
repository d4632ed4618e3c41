//! The provenance of a report: the data's origin, and how it was read.

use lastcall_domain::ReadReport;
use lastcall_domain::profile::Profile;

use super::Fact;
use crate::number::bytes;
use crate::text::shorten;

/// The facts that the profile has.
pub(super) fn of(profile: &Profile) -> Vec<Fact> {
    let data = &profile.dataset;
    let mut facts = vec![
        dataset("Dataset", &data.name),
        Fact::new("Format", data.format.as_str().to_uppercase()).with(bytes(data.bytes)),
    ];
    facts.extend(reading(&profile.read));
    facts
}

/// The name of a dataset.
pub(super) fn dataset(label: &str, name: &str) -> Fact {
    Fact::new(label, shorten(name, 120))
}

/// How the data was read.
pub(super) fn reading(read: &ReadReport) -> Vec<Fact> {
    let mut facts = Vec::new();
    let texts = [
        ("Encoding", read.encoding.as_deref()),
        ("Delimiter", read.delimiter.as_deref().map(named)),
        ("Quote", read.quote.as_deref().map(named)),
        ("Decimal mark", read.decimal.as_deref()),
        ("Sheet", read.sheet.as_deref()),
    ];
    for (label, value) in texts {
        facts.extend(value.map(|value| Fact::new(label, shorten(value, 40))));
    }
    let header = read.header.map(|header| {
        let first = if header {
            "names the columns"
        } else {
            "is data"
        };
        Fact::new("First row", first)
    });
    facts.extend(header);
    if read.skipped_lines > 0 {
        facts.push(Fact::count("Skipped lines", read.skipped_lines));
    }
    facts
}

/// The name of a character that is invisible.
fn named(mark: &str) -> &str {
    match mark {
        "" => "none",
        "\t" => "tab",
        " " => "space",
        mark => mark,
    }
}
