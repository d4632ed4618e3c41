//! `regexp_match` with a null for each group that takes no part; the engine leaves it out, so that
//! the next one has its number.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListBuilder, StringArray, StringBuilder};
use arrow::datatypes::{DataType, Field};
use datafusion::common::{exec_datafusion_err, exec_err, internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use regex::Regex;

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Match {
    signature: Signature,
}

impl Match {
    pub(super) fn new() -> Self {
        Self {
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for Match {
    fn name(&self) -> &str {
        "regexp_match"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        if !(2..=3).contains(&types.len()) {
            return plan_err!("regexp_match takes a text, an expression and flags");
        }
        let other = |t: &&DataType| {
            !matches!(
                t,
                DataType::Null | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
            )
        };
        match types.iter().find(other) {
            Some(other) => plan_err!("regexp_match takes texts, not {other}; cast it to text"),
            None => Ok(vec![DataType::Utf8; types.len()]),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        let item = Field::new_list_field(DataType::Utf8, true);
        Ok(DataType::List(Arc::new(item)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalar = super::are_scalars(&args.args);
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let (texts, patterns, flags) = match arrays.as_slice() {
            [texts, patterns] => (texts, patterns, None),
            [texts, patterns, flags] => (texts, patterns, Some(flags.as_string::<i32>())),
            _ => return internal_err!("regexp_match takes two or three arguments"),
        };
        super::columnar_value(scalar, of(texts.as_string(), patterns.as_string(), flags)?)
    }
}

fn of(
    texts: &StringArray,
    patterns: &StringArray,
    flags: Option<&StringArray>,
) -> Result<ArrayRef> {
    let mut compiled = HashMap::new();
    let mut matches = ListBuilder::new(StringBuilder::new());
    for row in 0..texts.len() {
        let flag = flags.map_or(Some(""), |flags| {
            flags.is_valid(row).then(|| flags.value(row))
        });
        let (true, true, Some(flag)) = (texts.is_valid(row), patterns.is_valid(row), flag) else {
            matches.append_null();
            continue;
        };
        let regex = match compiled.entry((patterns.value(row), flag)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(compile(patterns.value(row), flag)?),
        };
        let Some(found) = regex.captures(texts.value(row)) else {
            matches.append_null();
            continue;
        };
        // Without groups, the whole match.
        let first = usize::from(found.len() > 1);
        for group in found.iter().skip(first) {
            matches
                .values()
                .append_option(group.map(|group| group.as_str()));
        }
        matches.append(true);
    }
    Ok(Arc::new(matches.finish()))
}

fn compile(pattern: &str, flags: &str) -> Result<Regex> {
    if flags.contains('g') {
        return exec_err!("regexp_match does not support the flag g");
    }
    let pattern = match flags {
        "" => pattern.to_owned(),
        flags => format!("(?{flags}){pattern}"),
    };
    Regex::new(&pattern).map_err(|error| exec_datafusion_err!("{error}"))
}
