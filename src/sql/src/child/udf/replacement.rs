//! The replacement of `regexp_replace`, in the notation of the engine.

use std::fmt::Write;
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::internal_err;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::{Shared, shared};

static REPLACEMENT: Shared = Shared(LazyLock::new(|| {
    shared(Replacement {
        signature: Signature::any(1, Volatility::Immutable),
    })
}));

/// The replacement as the engine has to read it.
pub(in crate::child) fn replacement(expr: Expr) -> Expr {
    REPLACEMENT.call(vec![expr])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Replacement {
    signature: Signature,
}

impl ScalarUDFImpl for Replacement {
    fn name(&self) -> &str {
        "replacement"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalar = matches!(args.args.first(), Some(ColumnarValue::Scalar(_)));
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let Some(array) = arrays.first() else {
            return internal_err!("{} takes one argument", self.name());
        };
        let texts = cast(array, &DataType::Utf8)?;
        let texts = texts.as_string::<i32>().iter();
        let texts: ArrayRef = Arc::new(
            texts
                .map(|text| text.map(translated))
                .collect::<StringArray>(),
        );
        super::columnar_value(scalar, texts)
    }
}

/// `\1` to `\9` are groups, `\&` and `\0` the whole match, `\\` a backslash, as in PostgreSQL. In
/// the engine `$1` and `\12` are groups, too.
fn translated(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match (c, characters.peek()) {
            ('$', _) => result.push_str("$$"),
            ('\\', Some(group @ ('0'..='9' | '&'))) => {
                let group = if *group == '&' { '0' } else { *group };
                // Writing to a text does not fail.
                let _ = write!(result, "${{{group}}}");
                characters.next();
            }
            ('\\', next) => {
                if next == Some(&'\\') {
                    characters.next();
                }
                result.push('\\');
                // An empty group, lest the digit make one of the backslash.
                if characters.peek().is_some_and(char::is_ascii_digit) {
                    result.push_str("${_none}");
                }
            }
            (c, _) => result.push(c),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::translated;

    #[test]
    fn groups_have_a_backslash_and_one_digit() {
        assert_eq!(translated("$\\1 $2"), "$$${1} $$2");
        assert_eq!(translated("\\10 \\& \\0"), "${1}0 ${0} ${0}");
        assert_eq!(translated("a\\\\b\\n\\"), "a\\b\\n\\");
        assert_eq!(translated("\\\\1"), "\\${_none}1");
    }
}
