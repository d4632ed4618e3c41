//! Number formats, which alone distinguish dates from numbers.

use std::collections::HashMap;

/// How a number is displayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Number,
    /// A date, a time of day, or both.
    Time,
    /// Hours, minutes or seconds beyond a day.
    Duration,
}

/// The formats of a workbook's cells.
#[derive(Default)]
pub(super) struct Formats {
    /// The format number of each `XF`, to which cells refer.
    of_cells: Vec<u16>,
    /// The formats that the workbook defines.
    custom: HashMap<u16, Shown>,
}

impl Formats {
    pub(super) fn define(&mut self, number: u16, code: &str) {
        self.custom.insert(number, shown_by(code));
    }

    /// Adds an `XF`, up to the 16 bits of references.
    pub(super) fn add_cell_format(&mut self, number: u16) {
        if self.of_cells.len() <= usize::from(u16::MAX) {
            self.of_cells.push(number);
        }
    }

    /// How a number is displayed in a cell that refers to this `XF`.
    pub(super) fn shown(&self, cell_format: u16) -> Shown {
        let number = self.of_cells.get(usize::from(cell_format));
        let number = number.copied().unwrap_or_default();
        let custom = self.custom.get(&number).copied();
        custom.unwrap_or_else(|| built_in(number))
    }
}

/// The built-in formats: dates and times are 14 to 22 and 45 to 47, and in East Asian versions 27
/// to 36 and 50 to 58 (ECMA-376, part 1, section 18.8.30).
fn built_in(number: u16) -> Shown {
    match number {
        14..=22 | 27..=36 | 45 | 47 | 50..=58 => Shown::Time,
        46 => Shown::Duration,
        _ => Shown::Number,
    }
}

/// How a format code displays numbers: by the letters of dates and times outside quotes, brackets
/// and escapes, in the section for positive numbers. `[h]` and the like are durations.
fn shown_by(code: &str) -> Shown {
    let mut characters = code.chars();
    while let Some(character) = characters.next() {
        match character {
            // The next character is shown, skipped or repeated.
            '\\' | '_' | '*' => _ = characters.next(),
            '"' => _ = characters.find(|other| *other == '"'),
            '[' => {
                let within: String = characters.by_ref().take_while(|c| *c != ']').collect();
                let counts = |letter| !within.is_empty() && is_all(&within, letter);
                if ['h', 'm', 's'].into_iter().any(counts) {
                    return Shown::Duration;
                }
            }
            ';' => return Shown::Number,
            // General is a number format.
            'g' | 'G' if is_general(characters.as_str()) => {
                characters = characters.as_str()[GENERAL.len()..].chars();
            }
            'd' | 'D' | 'm' | 'M' | 'y' | 'Y' | 'h' | 'H' | 's' | 'S' => return Shown::Time,
            _ => {}
        }
    }
    Shown::Number
}

/// What is left of `General`.
const GENERAL: &str = "eneral";

fn is_general(rest: &str) -> bool {
    let found = rest.get(..GENERAL.len());
    found.is_some_and(|found| found.eq_ignore_ascii_case(GENERAL))
}

fn is_all(text: &str, letter: char) -> bool {
    text.chars().all(|c| c.eq_ignore_ascii_case(&letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_code_distinguishes_dates_from_numbers() {
        for (code, shown) in [
            ("General", Shown::Number),
            ("0.00", Shown::Number),
            ("#,##0 \"days\"", Shown::Number),
            ("0\\d", Shown::Number),
            ("0_d", Shown::Number),
            ("*d0", Shown::Number),
            ("[Red]0;yyyy", Shown::Number),
            ("[$-409]0.0", Shown::Number),
            ("0.00E+00", Shown::Number),
            ("yyyy\\-mm\\-dd", Shown::Time),
            ("[$-409]d\\-mmm\\-yy;@", Shown::Time),
            ("\"am\" d", Shown::Time),
            ("General d", Shown::Time),
            ("HH:MM", Shown::Time),
            ("mm:ss.0", Shown::Time),
            ("[h]:mm:ss", Shown::Duration),
            ("[HH]:mm", Shown::Duration),
            ("[ss]", Shown::Duration),
            ("", Shown::Number),
            ("\"", Shown::Number),
            ("[", Shown::Number),
            ("\\", Shown::Number),
        ] {
            assert_eq!(shown_by(code), shown, "{code}");
        }
    }

    #[test]
    fn a_custom_format_overrides_the_built_in_one() {
        let mut formats = Formats::default();
        for number in [0, 14, 164, 46] {
            formats.add_cell_format(number);
        }
        formats.define(164, "yyyy");
        formats.define(46, "0");
        let shown = [0, 1, 2, 3, 4].map(|cell| formats.shown(cell));
        let (number, time) = (Shown::Number, Shown::Time);
        assert_eq!(shown, [number, time, time, number, number]);
    }
}
