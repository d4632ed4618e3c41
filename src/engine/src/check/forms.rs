//! Text formats: addresses, identifiers, durations.

use std::net::{Ipv4Addr, Ipv6Addr};

use lastcall_domain::check::Form;

/// Whether the text is of the form.
pub(super) fn matches(form: Form, text: &str) -> bool {
    match form {
        Form::Email => is_email(text),
        Form::Uri => is_uri(text),
        Form::Uuid => is_uuid(text),
        Form::Ipv4 => text.parse::<Ipv4Addr>().is_ok(),
        Form::Ipv6 => text.parse::<Ipv6Addr>().is_ok(),
        Form::Hostname => is_hostname(text),
        Form::Base64 => is_base64(text),
        Form::Year => is_digits(text.strip_prefix('-').unwrap_or(text), 4),
        Form::YearMonth => text.split_once('-').is_some_and(|(year, month)| {
            is_digits(year, 4) && is_digits(month, 2) && ("01"..="12").contains(&month)
        }),
        Form::Duration => is_duration(text),
        Form::Geopoint => text.split_once(',').is_some_and(|(longitude, latitude)| {
            let within = |text: &str, most: f64| {
                text.trim()
                    .parse::<f64>()
                    .is_ok_and(|degrees| degrees.abs() <= most)
            };
            within(longitude, 180.0) && within(latitude, 90.0)
        }),
    }
}

fn is_digits(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|b| b.is_ascii_digit())
}

/// One `@` between a local part and a domain with a dot.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let local_fits = |c: char| c.is_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-".contains(c);
    let local_is_fine = (1..=64).contains(&local.len())
        && local.chars().all(local_fits)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..");
    local_is_fine && domain.contains('.') && is_hostname(domain)
}

fn is_hostname(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    text.len() <= 253 && text.trim_end_matches('.').split('.').all(label)
}

/// A scheme, followed by something without blanks.
fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let mut letters = scheme.chars();
    letters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && letters.all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        && !rest.is_empty()
        && rest != "//"
        && !rest.contains(|c: char| c.is_whitespace() || "<>\"{}|\\^`".contains(c))
}

fn is_uuid(text: &str) -> bool {
    let mut parts = text.split('-');
    let lengths = [8, 4, 4, 4, 12];
    let fits = lengths.iter().all(|&length| {
        parts
            .next()
            .is_some_and(|part| part.len() == length && part.bytes().all(|b| b.is_ascii_hexdigit()))
    });
    fits && parts.next().is_none()
}

fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let padding = text.len() - body.len();
    text.len().is_multiple_of(4)
        && padding <= 2
        && body
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
}

/// `P3Y6M4DT12H30M5S`, `P2W`: at least one unit, in order.
fn is_duration(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let Some(text) = text.strip_prefix('P') else {
        return false;
    };
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let is_span = |mut rest: &str, units: &str| {
        let mut units = units.chars();
        while !rest.is_empty() {
            let digits = rest.len()
                - rest
                    .trim_start_matches(|c: char| c.is_ascii_digit() || c == '.')
                    .len();
            let Some(unit) = rest[digits..].chars().next() else {
                return false;
            };
            let is_number = rest[..digits].parse::<f64>().is_ok();
            if !is_number || !units.any(|known| known == unit) {
                return false;
            }
            rest = &rest[digits + unit.len_utf8()..];
        }
        true
    };
    match time {
        Some(time) => !time.is_empty() && is_span(date, "YMWD") && is_span(time, "HMS"),
        None => !date.is_empty() && is_span(date, "YMWD"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similar_texts_do_not_match_a_form() {
        for (form, right, wrong) in [
            (Form::Email, "a.b+c@example.org", "a@b"),
            (Form::Email, "jürgen@müller.de", "a b@c.de"),
            (Form::Email, "x@sub.example.org", "x@@example.org"),
            (Form::Uri, "https://example.org/?a=1#b", "example.org"),
            (Form::Uri, "mailto:a@example.org", "http://a b"),
            (
                Form::Uuid,
                "01a203f0-5190-707d-95ef-d91700d50391",
                "01a203f0-5190",
            ),
            (Form::Ipv4, "192.0.2.1", "192.0.2.256"),
            (Form::Ipv6, "2001:db8::1", "2001:db8::1::2"),
            (Form::Hostname, "a-b.example", "-a.example"),
            (Form::Base64, "aGVsbG8=", "aGVsbG8"),
            (Form::Year, "2024", "24"),
            (Form::YearMonth, "2024-05", "2024-13"),
            (Form::Duration, "P1DT2H", "1 day"),
            (Form::Duration, "P2W", "P"),
            (Form::Duration, "PT1.5S", "P1H"),
            (Form::Geopoint, "8.54, 47.37", "200, 10"),
        ] {
            assert!(matches(form, right), "{right}");
            assert!(!matches(form, wrong), "{wrong}");
        }
    }
}
