//! Coefficient matrices.

use crate::EngineError;

/// Coefficients of all pairs; the diagonal is left to the caller.
pub(crate) type Matrix = Vec<Vec<Option<f64>>>;

/// Makes a matrix of the coefficients of the pairs (i, j) with i < j, row by row.
pub(crate) fn symmetric(
    columns: usize,
    mut coefficient: impl FnMut(usize, usize) -> Result<Option<f64>, EngineError>,
) -> Result<Matrix, EngineError> {
    let mut matrix = vec![vec![None; columns]; columns];
    for (i, j) in (0..columns).flat_map(|i| (i + 1..columns).map(move |j| (i, j))) {
        let value = coefficient(i, j)?;
        matrix[i][j] = value;
        matrix[j][i] = value;
    }
    Ok(matrix)
}
