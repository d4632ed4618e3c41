//! One cell: what its text can be read as.

mod calendar;
mod field;
mod kinds;
mod number;
mod rules;
mod scan;
mod time;
mod written;

pub(crate) use field::Field;
pub(crate) use kinds::{Kind, Kinds};
pub(crate) use rules::{CellRules, ascii};
pub(crate) use time::Moment;
pub(crate) use written::{format_date, format_timestamp};
