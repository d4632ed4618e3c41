//! The functions that a query may use.

use std::sync::Arc;

use datafusion::execution::SessionStateDefaults;
use datafusion::logical_expr::{AggregateUDF, HigherOrderUDF, ScalarUDF, WindowUDF};

use crate::error::{Fault, Position};
use crate::hint;
use crate::protocol::{Failure, FailureKind};

/// The functions of the engine that a query may not use: they tell about the machine.
pub(super) const REFUSED: &[&str] = &["version", "input_file_name", "file_row_index"];

/// The functions of one kind each.
pub(super) struct Functions {
    pub scalar: Vec<Arc<ScalarUDF>>,
    pub higher_order: Vec<Arc<HigherOrderUDF>>,
    pub aggregate: Vec<Arc<AggregateUDF>>,
    pub window: Vec<Arc<WindowUDF>>,
}

/// The functions that a query may use.
pub(super) fn allowed() -> Functions {
    Functions {
        scalar: SessionStateDefaults::default_scalar_functions()
            .into_iter()
            .filter(|function| is_allowed(function.name()))
            .collect(),
        higher_order: SessionStateDefaults::default_higher_order_functions()
            .into_iter()
            .filter(|function| is_allowed(function.name()))
            .collect(),
        aggregate: SessionStateDefaults::default_aggregate_functions()
            .into_iter()
            .filter(|function| is_allowed(function.name()))
            .collect(),
        window: SessionStateDefaults::default_window_functions()
            .into_iter()
            .filter(|function| is_allowed(function.name()))
            .collect(),
    }
}

fn is_allowed(name: &str) -> bool {
    !REFUSED.contains(&name)
}

/// The failure of a query that uses a function that there is not, or not for queries.
pub(super) fn unknown(name: &str, position: Option<Position>) -> Failure {
    if REFUSED.contains(&name) {
        return FailureKind::Refused
            .because(Fault::new(format!("the function {name} is not allowed")).at(position));
    }
    let Functions {
        scalar,
        higher_order,
        aggregate,
        window,
    } = allowed();
    let names = scalar
        .iter()
        .map(|function| function.name())
        .chain(higher_order.iter().map(|function| function.name()))
        .chain(aggregate.iter().map(|function| function.name()))
        .chain(window.iter().map(|function| function.name()));
    let fault = Fault::new(format!("there is no function {}", hint::quoted(name)))
        .at(position)
        .suggest(hint::did_you_mean(name, names));
    FailureKind::UnknownFunction.because(fault)
}

/// What is wrong with a function in place of a table.
pub(super) fn refused_as_a_table(name: &str) -> Fault {
    Fault::new(format!(
        "{name}(…) cannot be read from: only the session's datasets are tables"
    ))
}
