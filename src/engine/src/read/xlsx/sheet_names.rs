//! The error for an unknown sheet.

use lastcall_domain::InvalidOption;

use crate::EngineError;

/// The first names of sheets, for an error message.
#[derive(Default)]
pub(super) struct SheetNames {
    listed: Vec<String>,
    more: bool,
}

impl SheetNames {
    const LISTED: usize = 20;
    const CHARACTERS: usize = 100;

    pub(super) fn add(&mut self, name: &str) {
        if self.listed.len() == Self::LISTED {
            self.more = true;
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
        let more = if self.more { ", …" } else { "" };
        let only = self.listed.join("`, `");
        let detail = format!("there is no `{wanted}`, only `{only}`{more}");
        let option = "sheet".into();
        InvalidOption { option, detail }.into()
    }
}
