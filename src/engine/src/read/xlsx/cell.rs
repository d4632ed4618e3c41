//! Converts a cell of a sheet to JSON.

use calamine::{DataRef, ExcelDateTime};
use serde_json::{Number, Value};

/// The contents of a cell.
pub(super) enum Cell {
    /// Empty: the row may have no cell at all.
    Empty,
    /// A value; null for an error.
    Value(Value),
    /// A number with a date format that is not a valid date.
    Impossible,
}

/// The conversion of numbers to dates.
#[derive(Clone, Copy)]
pub(super) struct Dates {
    /// The serial number of the first day after the year 9999.
    end: f64,
}

impl Dates {
    /// Excel counts days from 1900, on old Macs from 1904.
    pub(super) fn of(from_1904: bool) -> Self {
        let end = if from_1904 { 2_957_004.0 } else { 2_958_466.0 };
        Self { end }
    }

    pub(super) fn json(self, cell: &DataRef<'_>) -> Cell {
        Cell::Value(match cell {
            DataRef::Int(n) => (*n).into(),
            // Excel only has floats: those without a fraction are integers.
            DataRef::Float(x) if x.fract() == 0.0 && x.abs() < 9e15 => (*x as i64).into(),
            DataRef::Float(x) => Number::from_f64(*x).map_or(Value::Null, Value::Number),
            DataRef::String(text) => text.clone().into(),
            DataRef::SharedString(text) => (*text).into(),
            DataRef::Bool(b) => (*b).into(),
            DataRef::DateTime(time) => {
                let days = time.as_f64();
                let is_duration = time.is_duration() && days.abs() < 1e9;
                if !is_duration && !(0.0..self.end).contains(&days) {
                    return Cell::Impossible;
                }
                excel_time(time).into()
            }
            DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone().into(),
            DataRef::Error(_) => Value::Null,
            DataRef::Empty => return Cell::Empty,
        })
    }
}

/// A date without a time of day, a time of day without a date, or both.
fn excel_time(time: &ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, milli) = time.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    let fraction = if milli > 0 {
        format!(".{milli:03}")
    } else {
        String::new()
    };
    let of_day = format!("{hour:02}:{minute:02}:{second:02}{fraction}");
    let value = time.as_f64();
    if time.is_duration() {
        let seconds = (value * 86_400.0).round() as i64;
        let (hours, rest) = (seconds / 3600, seconds.unsigned_abs() % 3600);
        format!("{hours:02}:{:02}:{:02}", rest / 60, rest % 60)
    } else if (0.0..1.0).contains(&value) {
        of_day
    } else if value.fract() == 0.0 {
        date
    } else {
        format!("{date}T{of_day}")
    }
}
