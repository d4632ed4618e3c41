//! The keys and types of a Table Schema, version 2.

/// The keys of a schema.
pub(super) const SCHEMA: [&str; 13] = [
    "fields",
    "fieldsMatch",
    "missingValues",
    "primaryKey",
    "uniqueKeys",
    "foreignKeys",
    "$schema",
    "name",
    "title",
    "description",
    "row_count",
    "freshness",
    "sql",
];
/// The keys of a field.
pub(super) const FIELD: [&str; 17] = [
    "name",
    "type",
    "format",
    "constraints",
    "title",
    "description",
    "example",
    "rdfType",
    "trueValues",
    "falseValues",
    "decimalChar",
    "groupChar",
    "bareNumber",
    "categories",
    "categoriesOrdered",
    "missingValues",
    "examples",
];
/// The keys of a field's `constraints`.
pub(super) const CONSTRAINTS: [&str; 11] = [
    "required",
    "unique",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "pattern",
    "enum",
    "jsonSchema",
];
/// The values of `type`.
pub(super) const TYPES: [&str; 17] = [
    "string",
    "number",
    "integer",
    "boolean",
    "object",
    "array",
    "list",
    "date",
    "time",
    "datetime",
    "year",
    "yearmonth",
    "duration",
    "geopoint",
    "geojson",
    "any",
    "default",
];
