//! The columns of a chart in a query result, and whether it can draw them.

use lastcall_domain::{ChartSpec, ChartType, SqlColumn};

use crate::error::RenderError;
use crate::number::count;
use crate::text::shorten;

/// How many names a message lists.
const LISTED: usize = 20;

/// The kind of the horizontal axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Axis {
    Categories,
    Numbers,
    Times,
}

/// The columns of a chart.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) x: usize,
    pub(super) axis: Axis,
    pub(super) y: Vec<usize>,
}

impl Columns {
    /// Finds the columns by name.
    ///
    /// # Errors
    /// [`RenderError::ChartColumnNotFound`] and [`RenderError::ChartColumnUnsuitable`].
    pub(super) fn find(spec: &ChartSpec, columns: &[SqlColumn]) -> Result<Self, RenderError> {
        let x = find("x", &spec.x, columns)?;
        let axis = axis_of(&columns[x].kind);
        if spec.kind == ChartType::Scatter && axis == Axis::Categories {
            let expected = "a scatter chart needs numbers, dates or timestamps";
            return Err(unsuitable("x", &columns[x], expected));
        }
        let y = spec.y.iter().map(|name| {
            let at = find("y", name, columns)?;
            match axis_of(&columns[at].kind) {
                Axis::Numbers => Ok(at),
                _ => Err(unsuitable("y", &columns[at], "a chart needs numbers")),
            }
        });
        let y = y.collect::<Result<Vec<_>, _>>()?;
        Ok(Self { x, axis, y })
    }

    /// How many values of each row are needed.
    pub(super) fn width(&self) -> usize {
        self.y.iter().copied().fold(self.x, usize::max) + 1
    }
}

fn find(member: &str, name: &str, columns: &[SqlColumn]) -> Result<usize, RenderError> {
    let mut found = (0..columns.len()).filter(|i| columns[*i].name == name);
    let shown = shorten(name, 60);
    match (found.next(), found.next()) {
        (Some(at), None) => Ok(at),
        (Some(_), Some(_)) => Err(RenderError::ChartColumnUnsuitable(format!(
            "chart.{member}: the result has more than one column `{shown}`; give them names of \
             their own with `as`"
        ))),
        (None, _) => {
            let names = columns.iter().take(LISTED).map(|column| {
                let name = shorten(&column.name, 60);
                format!("`{name}`")
            });
            let names = names.collect::<Vec<_>>().join(", ");
            let more = match columns.len().saturating_sub(LISTED) {
                0 => String::new(),
                more => format!(" and {} more", count(more as u64)),
            };
            Err(RenderError::ChartColumnNotFound(format!(
                "chart.{member}: the result has no column `{shown}`; its columns are {names}{more}"
            )))
        }
    }
}

fn unsuitable(member: &str, column: &SqlColumn, expected: &str) -> RenderError {
    let (name, kind) = (shorten(&column.name, 60), shorten(&column.kind, 24));
    RenderError::ChartColumnUnsuitable(format!(
        "chart.{member}: the column `{name}` is of type {kind}; {expected}"
    ))
}

/// The kind of axis for a type.
fn axis_of(kind: &str) -> Axis {
    match kind {
        "integer" | "float" | "decimal" => Axis::Numbers,
        "date" | "timestamp" => Axis::Times,
        _ => Axis::Categories,
    }
}
