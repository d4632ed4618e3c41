//! The error for an unknown sheet, and the warning about sheets that are not read.

use lastcall_domain::InvalidOption;
use lastcall_domain::profile::Warning;

use crate::EngineError;

/// The first names of sheets, for a message.
#[derive(Default)]
pub(super) struct SheetNames {
    listed: Vec<String>,
    /// How many are not listed.
    more: u64,
}

impl SheetNames {
    const LISTED: usize = 20;
    const CHARACTERS: usize = 100;

    pub(super) fn add(&mut self, name: &str) {
        if self.listed.len() == Self::LISTED {
            self.more += 1;
            return;
        }
        let mut shown: String = name.chars().take(Self::CHARACTERS).collect();
        if shown.len() < name.len() {
            shown.push('…');
        }
        self.listed.push(shown);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    /// The error for an unknown sheet.
    pub(super) fn without(self, wanted: &str) -> EngineError {
        let detail = format!("there is no `{wanted}`, only {}", self.all());
        let option = "sheet".into();
        InvalidOption { option, detail }.into()
    }

    /// The warning about other sheets with cells, if there are any.
    pub(super) fn unread(self) -> Option<Warning> {
        (!self.is_empty()).then(|| Warning {
            code: "other_sheets".into(),
            detail: format!(
                "sheets with cells that are not read: {}; `sheet` chooses",
                self.all()
            ),
            count: self.listed.len() as u64 + self.more,
        })
    }

    fn all(&self) -> String {
        let more = if self.more > 0 { ", …" } else { "" };
        format!("`{}`{more}", self.listed.join("`, `"))
    }
}
