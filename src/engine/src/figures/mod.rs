//! What is computed from the values of columns, for any analysis.

pub(crate) mod distinct;
pub(crate) mod frequent;
pub(crate) mod held;
pub(crate) mod histogram;
pub(crate) mod moments;
pub(crate) mod pairs;
pub(crate) mod quantiles;
pub(crate) mod ranks;
pub(crate) mod significance;
pub(crate) mod sorting;
pub(crate) mod words;
