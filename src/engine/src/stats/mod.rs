//! Statistics shared by all analyses.

pub(crate) mod distinct;
pub(crate) mod frequent;
pub(crate) mod histogram;
pub(crate) mod large_block;
pub(crate) mod matrix;
pub(crate) mod moments;
pub(crate) mod p_values;
pub(crate) mod pearson;
pub(crate) mod quantile_sketch;
pub(crate) mod rank_rows;
pub(crate) mod sorting;
pub(crate) mod spearman;
pub(crate) mod text_counts;
pub(crate) mod value_counts;
