//! `tracestate`: the state of other tracing systems. It is propagated and not interpreted.

use std::collections::BTreeSet;
use std::sync::Arc;

/// The longest that is propagated, in bytes: the recommendation requires no more.
const MAX_BYTES: usize = 512;
/// The most members that it may have.
const MAX_MEMBERS: usize = 32;

/// The members of the field, without white space around them; `None` if there are none, if one is
/// invalid, or if they are too long together.
pub(super) fn valid(text: &str) -> Option<Arc<str>> {
    if text.len() > 2 * MAX_BYTES {
        return None;
    }
    let members = text
        .split(',')
        .map(|member| member.trim_matches([' ', '\t']));
    let members: Vec<&str> = members.filter(|member| !member.is_empty()).collect();
    let keys: Option<BTreeSet<&str>> = members.iter().map(|member| key(member)).collect();
    let different = keys?.len() == members.len();
    let joined = members.join(",");
    let fits = (1..=MAX_BYTES).contains(&joined.len()) && members.len() <= MAX_MEMBERS;
    (different && fits).then(|| joined.into())
}

/// The key of a valid member.
fn key(member: &str) -> Option<&str> {
    let (key, value) = member.split_once('=')?;
    let in_key =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-*/@".contains(&byte);
    let in_value = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b'=';
    let begins = key
        .bytes()
        .next()
        .is_some_and(|first| first.is_ascii_lowercase() || first.is_ascii_digit());
    let key_is_valid = begins && key.len() <= 256 && key.bytes().all(in_key);
    let value_is_valid = (1..=256).contains(&value.len()) && value.bytes().all(in_value);
    (key_is_valid && value_is_valid).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_members_are_passed_on() {
        for (given, passed_on) in [
            ("foo=1", "foo=1"),
            ("foo=1,bar=2", "foo=1,bar=2"),
            ("foo=1 \t , \t bar=2", "foo=1,bar=2"),
            ("foo=1,,bar=2,", "foo=1,bar=2"),
            ("fw529a3039@dt=FfFf;1", "fw529a3039@dt=FfFf;1"),
        ] {
            assert_eq!(valid(given).as_deref(), Some(passed_on), "{given}");
        }
    }

    #[test]
    fn what_is_invalid_or_too_long_is_dropped() {
        let many: Vec<String> = (0..33).map(|n| format!("k{n}=1")).collect();
        let long = format!("a={},b={},c=1", "x".repeat(256), "y".repeat(256));
        for given in [
            "",
            " ",
            ",",
            "foo",
            "foo=",
            "=1",
            "Foo=1",
            "foo =1",
            "foo=1=2",
            "foo=1,foo=2",
            "foo=é",
            "-foo=1",
            &many.join(","),
            &long,
            &"x".repeat(2_000),
        ] {
            assert_eq!(valid(given), None, "{given}");
        }
    }
}
