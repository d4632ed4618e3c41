//! One cell: what its text can be read as.

mod calendar;
mod field;
mod format_date;
mod kinds;
mod number;
mod rules;
mod scan;
mod style;
mod time;

pub(crate) use field::Field;
pub(crate) use format_date::{format_date, format_timestamp};
pub(crate) use kinds::{DateOrder, Hints, Kind, Reading, TypeSet};
pub(crate) use rules::{CellRules, ascii};
pub(crate) use style::{PERCENT, Style, unit_name};
pub(crate) use time::ParsedDateTime;
