//! Parsing of one cell.

mod calendar;
mod field;
mod format_date;
mod kinds;
mod number;
mod powers;
mod rules;
mod scan;
mod style;
mod styled_number;
mod time;
mod unit;

pub(crate) use field::Field;
pub(crate) use format_date::{format_date, format_timestamp};
pub(crate) use kinds::{DateOrder, Hints, Kind, Reading, TypeSet};
pub(crate) use number::{Float, may_be_rounded};
pub(crate) use rules::{CellRules, ascii};
pub(crate) use style::Style;
pub(crate) use time::ParsedDateTime;
pub(crate) use unit::{PERCENT, unit_name};
