//! The provenance of a profile: the data's origin, and how it was read.

use lastcall_domain::profile::Profile;

use super::Fact;
use crate::number::{bytes, count};
use crate::text::shorten;

/// The facts that the profile has.
pub(super) fn of(profile: &Profile) -> Vec<Fact> {
    let (data, read) = (&profile.dataset, &profile.read);
    let mut facts = vec![
        Fact::new("Dataset", shorten(&data.name, 120)),
        Fact::new("Format", data.format.as_str().to_uppercase()).with(bytes(data.bytes)),
    ];
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
        facts.push(Fact::new("Skipped lines", count(read.skipped_lines)));
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
