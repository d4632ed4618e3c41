//! The faults of a configuration.

use std::fmt;

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The key, and where its value came from if that was not the file.
    pub key: String,
    /// The value that was found, as far as it may be shown; `None` if the fault is not in a value.
    pub value: Option<String>,
    /// The rule that the value breaks.
    pub rule: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{} = {value}: {}", self.key, self.rule),
            None => write!(f, "{}: {}", self.key, self.rule),
        }
    }
}

/// All faults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    /// A fault of the whole file.
    pub(super) fn of_file(file: &std::path::Path, rule: impl Into<String>) -> Self {
        Self(vec![Fault {
            key: file.display().to_string(),
            value: None,
            rule: rule.into(),
        }])
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.0.len() == 1 { "fault" } else { "faults" };
        write!(f, "the configuration has {} {plural}:", self.0.len())?;
        self.0.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

impl std::error::Error for Faults {}
