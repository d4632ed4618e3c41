//! One cell: what its text can be read as.

mod calendar;
mod field;
mod kinds;
mod number;
mod rules;
mod scan;
mod style;
mod time;
mod written;

pub(crate) use field::Field;
pub(crate) use kinds::{DateOrder, Hints, Kind, Kinds, Reading};
pub(crate) use rules::{CellRules, ascii};
pub(crate) use style::{PERCENT, Style, unit_name};
pub(crate) use time::Moment;
pub(crate) use written::{format_date, format_timestamp};
