//! Date and time formats: Java's patterns converted to C's.

/// Converts a pattern of Java's `DateTimeFormatter` (`yyyy-MM-dd'T'HH:mm:ss`) to one of
/// `strftime`; `None` if there is no equivalent.
pub(crate) fn from_jdk(pattern: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        if c == '\'' {
            let (text, after) = rest[1..].split_once('\'')?;
            let text = if text.is_empty() { "'" } else { text };
            out.push_str(&text.replace('%', "%%"));
            rest = after;
            continue;
        }
        if !c.is_ascii_alphabetic() {
            if matches!(c, '[' | ']' | '{' | '}' | '#') {
                return None;
            }
            out.push(c);
            if c == '%' {
                out.push('%');
            }
            rest = &rest[c.len_utf8()..];
            continue;
        }
        let length = rest.len() - rest.trim_start_matches(c).len();
        out.push_str(match (c, length) {
            ('y' | 'u', 4 | 1) => "%Y",
            ('y' | 'u', 2) => "%y",
            ('M' | 'L', 1 | 2) => "%m",
            ('M' | 'L', 3) => "%b",
            ('M' | 'L', 4) => "%B",
            ('d', 1 | 2) => "%d",
            ('D', 1 | 3) => "%j",
            ('E', 1..=3) => "%a",
            ('E', 4) => "%A",
            ('H', 1 | 2) => "%H",
            ('h', 1 | 2) => "%I",
            ('m', 1 | 2) => "%M",
            ('s', 1 | 2) => "%S",
            ('S', 3) => "%3f",
            ('S', 6) => "%6f",
            ('S', 9) => "%9f",
            ('a', 1) => "%p",
            ('X', 1..=3) | ('x' | 'Z', _) => "%#z",
            _ => return None,
        });
        rest = &rest[length..];
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::from_jdk;

    #[test]
    fn patterns_of_java_are_those_of_c() {
        for (jdk, c) in [
            ("yyyy-MM-dd", Some("%Y-%m-%d")),
            ("dd.MM.yy", Some("%d.%m.%y")),
            ("yyyy-MM-dd'T'HH:mm:ss", Some("%Y-%m-%dT%H:%M:%S")),
            ("yyyy-MM-dd HH:mm:ss.SSS", Some("%Y-%m-%d %H:%M:%S.%3f")),
            ("GGGG", None),
            ("[yyyy]", None),
        ] {
            assert_eq!(from_jdk(jdk).as_deref(), c, "{jdk}");
        }
    }
}
