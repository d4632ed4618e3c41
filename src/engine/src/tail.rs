//! The lines after the last row of a dataset.

use lastcall_domain::ReadWarning;

/// The lines after the last row.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tail {
    /// The number of removed footer lines, and the first of them.
    pub(crate) footer: Option<(u64, u64)>,
    /// The line with the DOS end-of-file mark.
    pub(crate) ctrl_z: Option<u64>,
}

impl Tail {
    pub(crate) fn warnings(&self) -> impl Iterator<Item = ReadWarning> {
        let footer = self.footer.map(|(line, count)| ReadWarning {
            code: "footer".into(),
            line: Some(line),
            count,
            detail: format!(
                "lines after the last row, from line {line} on, are left out; \
                 `skip_rows` with any number reads them"
            ),
        });
        let ctrl_z = self.ctrl_z.map(|line| ReadWarning {
            code: "ctrl_z".into(),
            line: Some(line),
            count: 1,
            detail: "the file ends with Ctrl-Z, as under DOS; it is left out".into(),
        });
        footer.into_iter().chain(ctrl_z)
    }
}
