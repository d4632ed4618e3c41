//! The functions that a query may call.
//!
//! Only listed functions are registered, so that new ones of the engine are unavailable until they
//! are reviewed: they must not read files, reveal the machine or produce infinite tables. Memory
//! does not matter here, as the process limits bound it.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use datafusion::execution::SessionStateDefaults;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::planner::ExprPlanner;
use datafusion::optimizer::{Analyzer, AnalyzerRule};
use datafusion::sql::sqlparser::ast::Expr;

use super::semantics::{self, Operators, Types};
use super::shape::last;
use super::udf;

use crate::error::{Fault, Position};
use crate::hint;
use crate::protocol::{Failure, FailureKind};

/// Scalar functions.
const SCALAR: &[&str] = &[
    "abs acos acosh asin asinh atan atan2 atanh cbrt ceil cos cosh cot degrees exp factorial floor",
    "gcd isnan iszero lcm ln log log10 log2 nanvl pi power radians random round signum sin sinh",
    "sqrt tan tanh trunc",
    "ascii bit_length btrim character_length chr concat concat_ws contains ends_with find_in_set",
    "initcap left levenshtein lower lpad ltrim octet_length overlay repeat replace reverse right",
    "rpad rtrim split_part starts_with strpos substr substr_index to_hex translate upper uuid",
    "regexp_count regexp_instr regexp_like regexp_match regexp_replace",
    "current_date current_time date_bin date_part date_trunc from_unixtime make_date make_time now",
    "to_char to_date to_local_time to_time to_timestamp to_timestamp_micros to_timestamp_millis",
    "to_timestamp_nanos to_timestamp_seconds to_unixtime",
    "arrow_cast arrow_try_cast arrow_typeof cast_to_type coalesce greatest least nullif nvl nvl2",
    "try_cast_to_type",
    "array_add array_any_value array_append array_avg array_compact array_concat array_dims",
    "array_distance array_distinct array_element array_except array_has array_has_all array_has_any",
    "array_intersect array_length array_max array_min array_ndims array_normalize array_pop_back",
    "array_pop_front array_position array_positions array_prepend array_product array_remove",
    "array_remove_all array_remove_n array_repeat array_replace array_replace_all array_replace_n",
    "array_resize array_reverse array_scale array_slice array_sort array_subtract array_sum",
    "array_to_string array_union arrays_zip cardinality cosine_distance empty flatten",
    "generate_series inner_product make_array range string_to_array",
    "get_field map map_entries map_extract map_keys map_values named_struct struct",
];

/// Higher-order functions.
const HIGHER_ORDER: &[&str] = &["array_any_match array_filter array_first array_transform"];

/// Aggregate functions.
const AGGREGATE: &[&str] = &[
    "any_value approx_distinct approx_median approx_percentile_cont",
    "approx_percentile_cont_with_weight array_agg avg bit_and bit_or bit_xor bool_and bool_or corr",
    "count covar_pop covar_samp first_value grouping last_value max median min nth_value",
    "percentile_cont regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx",
    "regr_sxy regr_syy stddev stddev_pop string_agg sum var var_pop",
];

/// Other names of these functions.
const AGGREGATE_ALIASES: &[&str] = &[
    "approx_percentile_cont_weighted array_concat_agg covar every first last listagg mean",
    "quantile_cont stddev_samp string_agg var_population var_samp var_sample variance",
];

/// Window functions.
const WINDOW: &[&str] = &[
    "cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank",
    "row_number",
];

/// Functions of the engine that are not allowed: they reveal the machine or the engine, or are not
/// compiled in.
const REFUSED: &[&str] = &[
    "arrow_field arrow_metadata decode encode file_row_index input_file_name union_extract",
    "union_tag version with_metadata",
];

fn contains(list: &[&str], name: &str) -> bool {
    list.iter()
        .any(|line| line.split(' ').any(|word| word == name))
}

/// The primary name of a function that has several.
pub(super) fn first_name(name: &str) -> &str {
    static NAMES: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
        type Engine = SessionStateDefaults;
        let scalar = Engine::default_scalar_functions();
        let aggregate = Engine::default_aggregate_functions();
        let scalar = scalar.iter().map(|f| (f.name(), f.aliases()));
        let aggregate = aggregate.iter().map(|f| (f.name(), f.aliases()));
        scalar
            .chain(aggregate)
            .flat_map(|(first, others)| {
                let others = others.iter();
                others.map(move |other| (other.clone(), first.to_owned()))
            })
            .collect()
    });
    NAMES.get(name).map_or(name, String::as_str)
}

/// Whether it is a call of an aggregate function without a window.
pub(super) fn is_aggregate(expr: &Expr) -> bool {
    let Expr::Function(function) = expr else {
        return false;
    };
    let Some(name) = last(&function.name).map(|name| name.value.to_lowercase()) else {
        return false;
    };
    function.over.is_none() && (contains(AGGREGATE, &name) || contains(AGGREGATE_ALIASES, &name))
}

/// Registers the allowed functions only.
pub(super) fn register(builder: SessionStateBuilder) -> SessionStateBuilder {
    type Engine = SessionStateDefaults;
    let mut scalar = Engine::default_scalar_functions();
    scalar.retain(|function| contains(SCALAR, function.name()));
    let mut higher_order = Engine::default_higher_order_functions();
    higher_order.retain(|function| contains(HIGHER_ORDER, function.name()));
    let mut aggregate = Engine::default_aggregate_functions();
    aggregate.retain(|function| contains(AGGREGATE, function.name()));
    let mut window = Engine::default_window_functions();
    window.retain(|function| contains(WINDOW, function.name()));
    // A later function replaces an earlier one of the same name.
    scalar.extend(udf::replaced_scalars());
    scalar.extend(udf::casts());
    aggregate.extend(udf::replaced_aggregates());
    let mut planners: Vec<Arc<dyn ExprPlanner>> = vec![Arc::new(Operators)];
    planners.extend(Engine::default_expr_planners());
    let mut rules: Vec<Arc<dyn AnalyzerRule + Send + Sync>> = vec![Arc::new(semantics::Analyzer)];
    rules.extend(Analyzer::new().rules);
    builder
        .with_expr_planners(planners)
        .with_type_planner(Arc::new(Types))
        .with_analyzer_rules(rules)
        .with_scalar_functions(scalar)
        .with_higher_order_functions(higher_order)
        .with_aggregate_functions(aggregate)
        .with_window_functions(window)
}

/// The failure of a query with an unknown or forbidden function.
pub(super) fn unknown(name: &str, position: Option<Position>) -> Failure {
    if contains(REFUSED, name) {
        let fault = Fault::new(format!("the function {name} is not allowed"));
        return FailureKind::Refused.because(fault.at(position));
    }
    let suggestion = match name {
        "year" | "quarter" | "month" | "week" | "day" | "hour" | "minute" | "second" => {
            Some(format!("write extract({name} from …)"))
        }
        _ => {
            let lists = [SCALAR, HIGHER_ORDER, AGGREGATE, WINDOW];
            let names = lists.into_iter().flatten().flat_map(|line| line.split(' '));
            hint::did_you_mean(name, names)
        }
    };
    let fault = Fault::new(format!("there is no function {}", hint::quoted(name)));
    FailureKind::UnknownFunction.because(fault.at(position).suggest(suggestion))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn words(lists: &[&'static [&'static str]]) -> BTreeSet<String> {
        let lines = lists.iter().flat_map(|list| list.iter());
        lines
            .flat_map(|line| line.split(' '))
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn every_function_of_the_engine_is_either_allowed_or_refused() {
        let mut engine: BTreeSet<String> = BTreeSet::new();
        engine.extend(
            SessionStateDefaults::default_scalar_functions()
                .iter()
                .map(|f| f.name().into()),
        );
        engine.extend(
            SessionStateDefaults::default_higher_order_functions()
                .iter()
                .map(|f| f.name().into()),
        );
        engine.extend(
            SessionStateDefaults::default_aggregate_functions()
                .iter()
                .map(|f| f.name().into()),
        );
        engine.extend(
            SessionStateDefaults::default_window_functions()
                .iter()
                .map(|f| f.name().into()),
        );
        assert_eq!(
            words(&[SCALAR, HIGHER_ORDER, AGGREGATE, WINDOW, REFUSED]),
            engine
        );
        let allowed = words(&[SCALAR, HIGHER_ORDER, AGGREGATE, WINDOW]);
        assert!(allowed.is_disjoint(&words(&[REFUSED])));
    }
}
