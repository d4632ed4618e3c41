//! Collects the rows of a query result, as many as a chart can show.

use lastcall_domain::{Cancel, ChartSpec, ChartType, SqlColumn};
use serde_json::Value;

use super::columns::{Axis, Columns};
use super::{Plot, Positions, Series, scale};
use crate::error::RenderError;
use crate::number::{count, of};
use crate::query_result::{RowSink, Totals};
use crate::text::{FULL, shorten};

/// The most bars with names, one for each row and column.
const MAX_BARS: usize = 40;
/// The most bars on a scale, one for each row.
const MAX_SCALE_BARS: usize = 200;
/// The most rows of a line over names.
const MAX_NAMES: usize = 500;
/// The most rows of a line or of points on a scale.
const MAX_ROWS: usize = 100_000;

/// Reads a query result with `read`, and collects its chart.
///
/// # Errors
/// Unknown or unsuitable columns, and the error of `read`.
pub(crate) fn plot(
    spec: &ChartSpec,
    read: impl FnOnce(&mut dyn RowSink, &Cancel) -> Result<Totals, RenderError>,
    cancel: &Cancel,
) -> Result<Plot, RenderError> {
    let mut rows = Rows {
        spec,
        columns: None,
        max_rows: 0,
        names: Vec::new(),
        places: Vec::new(),
        values: vec![Vec::new(); spec.y.len()],
        days: true,
        seen: 0,
        without_place: 0,
    };
    let totals = read(&mut rows, cancel)?;
    Ok(rows.finish(totals))
}

struct Rows<'a> {
    spec: &'a ChartSpec,
    columns: Option<Columns>,
    /// The maximum number of rows.
    max_rows: usize,
    names: Vec<String>,
    places: Vec<f64>,
    values: Vec<Vec<Option<f64>>>,
    days: bool,
    seen: u64,
    /// Rows without a position on the scale.
    without_place: u64,
}

impl RowSink for Rows<'_> {
    fn width(&self) -> usize {
        self.columns.as_ref().map_or(0, Columns::width)
    }

    fn columns(&mut self, columns: Vec<SqlColumn>) -> Result<(), RenderError> {
        let columns = Columns::find(self.spec, &columns)?;
        self.max_rows = match (self.spec.kind, columns.axis) {
            (ChartType::Bar, Axis::Categories) => (MAX_BARS / columns.y.len()).max(1),
            (ChartType::Bar, _) => MAX_SCALE_BARS / columns.y.len(),
            (_, Axis::Categories) => MAX_NAMES,
            _ => MAX_ROWS,
        };
        self.columns = Some(columns);
        Ok(())
    }

    fn row(&mut self, row: Vec<Value>) -> Result<bool, RenderError> {
        let Some(columns) = &self.columns else {
            return Ok(false);
        };
        self.seen += 1;
        let x = row.get(columns.x).unwrap_or(&Value::Null);
        let place = match columns.axis {
            Axis::Categories => {
                self.names.push(name(x));
                None
            }
            Axis::Numbers => number(x),
            Axis::Times => x
                .as_str()
                .and_then(scale::parse_timestamp)
                .map(|(at, is_day)| {
                    self.days &= is_day;
                    at
                }),
        };
        match place {
            Some(place) => self.places.push(place),
            None if columns.axis == Axis::Categories => {}
            None => {
                self.without_place += 1;
                return Ok(true);
            }
        }
        for (values, at) in self.values.iter_mut().zip(&columns.y) {
            values.push(row.get(*at).and_then(number));
        }
        Ok(self.values[0].len() < self.max_rows)
    }
}

impl Rows<'_> {
    fn finish(self, totals: Totals) -> Plot {
        let spec = self.spec;
        let axis = self.columns.as_ref().map(|columns| columns.axis);
        let mut notes = Vec::new();
        if self.seen < totals.rows {
            notes.push(format!(
                "The chart shows the first {} of {} rows.",
                count(self.seen),
                count(totals.rows)
            ));
        }
        if self.without_place > 0 {
            let verb = if self.without_place == 1 {
                "has"
            } else {
                "have"
            };
            notes.push(format!(
                "{} {verb} no value of {} and no place in the chart.",
                of(self.without_place, "row"),
                shorten(&spec.x, 60)
            ));
        }
        let mut series: Vec<_> = spec
            .y
            .iter()
            .zip(self.values)
            .map(|(name, values)| Series::new(name.clone(), values))
            .collect();
        let x = match axis {
            None | Some(Axis::Categories) => Positions::Categories(self.names),
            Some(axis) => {
                let on_scale = |at| match axis {
                    Axis::Times => Positions::Times {
                        at,
                        days: self.days,
                    },
                    _ => Positions::Numbers(at),
                };
                let at = self.places;
                match spec.kind {
                    ChartType::Scatter => on_scale(at),
                    ChartType::Bar if in_row_order(axis, &at, series.len()) => {
                        named(&on_scale(at), &mut series, &mut notes)
                    }
                    ChartType::Bar | ChartType::Line => on_scale(sort(at, &mut series)),
                }
            }
        };
        let title = spec.title.clone().unwrap_or_else(|| {
            let names = spec.y.iter().map(|name| shorten(name, 40));
            let names = names.collect::<Vec<_>>().join(", ");
            format!("{names} by {}", shorten(&spec.x, 40))
        });
        Plot {
            kind: spec.kind,
            title: shorten(&title, FULL),
            x_name: spec.x.clone(),
            x,
            series,
            notes,
        }
    }
}

/// Whether bars are drawn in row order although they have positions on a scale: a few numbers are
/// names (years, classes, sizes), and bars with the same position would cover each other.
fn in_row_order(axis: Axis, places: &[f64], series: usize) -> bool {
    if axis == Axis::Numbers && places.len() * series <= MAX_BARS {
        return true;
    }
    let mut places = places.to_vec();
    places.sort_by(f64::total_cmp);
    places.windows(2).any(|pair| pair[0] == pair[1])
}

/// The first rows as categories.
fn named(x: &Positions, series: &mut [Series], notes: &mut Vec<String>) -> Positions {
    let most = (MAX_BARS / series.len().max(1)).max(1);
    if x.len() > most {
        notes.push(format!(
            "Several rows have the same position: the bars are in row order, the first \
             {most} of {}.",
            of(x.len() as u64, "row")
        ));
    }
    for one in series {
        one.values.truncate(most);
    }
    Positions::Categories((0..x.len().min(most)).map(|row| x.label(row)).collect())
}

/// Sorts rows by position; rows of the same position keep their order.
fn sort(places: Vec<f64>, series: &mut [Series]) -> Vec<f64> {
    if places.is_sorted() {
        return places;
    }
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by(|a, b| places[*a].total_cmp(&places[*b]));
    for one in series {
        one.values = order.iter().map(|row| one.values[*row]).collect();
    }
    order.into_iter().map(|row| places[row]).collect()
}

/// A finite number; a result has infinities and NaN as text.
fn number(value: &Value) -> Option<f64> {
    let x = match value {
        Value::Number(n) => n.as_f64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    x.filter(|x| x.is_finite())
}

fn name(value: &Value) -> String {
    match value {
        Value::Null => "(null)".to_owned(),
        Value::String(text) if text.is_empty() => "(empty)".to_owned(),
        Value::String(text) => shorten(text, FULL),
        value => shorten(&value.to_string(), FULL),
    }
}
