//! Finding out how a dataset is to be read.

pub(crate) mod refinement;
