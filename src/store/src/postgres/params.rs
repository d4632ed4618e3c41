//! Parameters with their PostgreSQL types: statements with known types need no preparation, and so
//! leave no state on the connection.

use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

/// A parameter.
pub(super) trait Param: ToSql + Sync {
    /// Its type.
    fn kind(&self) -> Type;

    /// The parameter in the driver's form.
    fn sql(&self) -> &(dyn ToSql + Sync);
}

/// The parameters of a statement.
pub(super) type Params<'a> = &'a [&'a dyn Param];

macro_rules! params {
    ($($rust:ty => $one:ident, $many:ident;)+) => {
        $(
            params!(@ $rust, $one);
            params!(@ Option<$rust>, $one);
            params!(@ Vec<$rust>, $many);
            params!(@ Vec<Option<$rust>>, $many);
        )+
    };
    (@ $rust:ty, $kind:ident) => {
        impl Param for $rust {
            fn kind(&self) -> Type {
                Type::$kind
            }

            fn sql(&self) -> &(dyn ToSql + Sync) {
                self
            }
        }
    };
}

params! {
    bool => BOOL, BOOL_ARRAY;
    i16 => INT2, INT2_ARRAY;
    i32 => INT4, INT4_ARRAY;
    i64 => INT8, INT8_ARRAY;
    f64 => FLOAT8, FLOAT8_ARRAY;
    Uuid => UUID, UUID_ARRAY;
    String => TEXT, TEXT_ARRAY;
    &str => TEXT, TEXT_ARRAY;
    &[u8] => BYTEA, BYTEA_ARRAY;
}
params!(@ &[Uuid], UUID_ARRAY);

impl<T: Param> Param for &T {
    fn kind(&self) -> Type {
        T::kind(self)
    }

    fn sql(&self) -> &(dyn ToSql + Sync) {
        self
    }
}

/// The parameters in the driver's form for a prepared statement.
pub(super) fn plain<'a>(params: Params<'a>) -> Vec<&'a (dyn ToSql + Sync)> {
    params.iter().map(|param| param.sql()).collect()
}

/// The same with their types.
pub(super) fn typed<'a>(
    params: Params<'a>,
) -> impl ExactSizeIterator<Item = (&'a (dyn ToSql + Sync), Type)> {
    params.iter().map(|param| (param.sql(), param.kind()))
}
