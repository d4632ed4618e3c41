//! Queries of random words: each has a result or an error with a documented code, and the next
//! query works.

use std::time::Duration;

use fastrand::Rng;
use lastcall_sql::ResultFormat;
use serde_json::json;

use crate::fixture::Fixture;

/// Queries in the test; each is a process.
const QUERIES: usize = 240;
/// How many at a time.
const AT_ONCE: usize = 4;

const WORDS: &[&str] = &[
    "select",
    "select",
    "from",
    "from",
    "penguins",
    "\"Islands-2024\"",
    "where",
    "group by",
    "order by",
    "having",
    "limit",
    "union all",
    "except",
    "with",
    "as",
    "(",
    ")",
    "(",
    ")",
    ",",
    ",",
    "*",
    "*",
    "name",
    "island",
    "id",
    "\"body mass\"",
    "seen",
    "hatched",
    "species",
    "p",
    "t",
    ".",
    "=",
    "<",
    "+",
    "-",
    "/",
    "%",
    "||",
    "~",
    "and",
    "or",
    "not",
    "in",
    "between",
    "like",
    "is null",
    "case when",
    "then",
    "else",
    "end",
    "1",
    "0",
    "-1",
    "1e308",
    "9223372036854775807",
    "'x'",
    "'%'",
    "null",
    "true",
    "date '2024-01-01'",
    "interval '1 day'",
    "count(*)",
    "count(distinct",
    "sum(",
    "avg(",
    "upper(",
    "repeat(",
    "substr(",
    "regexp_replace(",
    "date_trunc('day',",
    "extract(year from",
    "cast(",
    "as int)",
    "::double",
    "over (",
    "partition by",
    "row_number()",
    "lag(",
    "array_agg(",
    "unnest(",
    "[",
    "]",
    "{",
    "}",
    "join",
    "left join",
    "cross join",
    "on",
    "using (",
    "lateral",
    "exists (",
    "distinct",
    "all",
    "any",
    ";",
    "--",
    "/*",
    "*/",
    "$1",
    "?",
    ":a",
    "@b",
    "\u{1F600}",
    "\0",
    "é",
    "\n",
];

/// Half of the texts begin like a query, so that some pass the parser.
fn random_query(random: &mut Rng) -> String {
    let mut query = String::from(if random.bool() { "select " } else { "" });
    for _ in 0..random.usize(1..24) {
        query.push_str(WORDS[random.usize(..WORDS.len())]);
        query.push(' ');
    }
    if random.bool() {
        query.push_str("from penguins");
    }
    query
}

#[tokio::test]
async fn words_at_random_get_an_answer_or_a_documented_error() {
    const CODES: &[&str] = &[
        "sql_syntax",
        "unknown_table",
        "unknown_column",
        "unknown_function",
        "sql_invalid",
        "sql_refused",
        "sql_failed",
        "resource_exhausted",
        "timeout",
    ];
    let seed = std::env::var("SEED").map_or(4, |seed| seed.parse().unwrap());
    let mut random = Rng::with_seed(seed);
    let fixture = Fixture::with(|config| config.memory = 256 << 20);
    let timeout = Duration::from_secs(20);
    for _ in 0..QUERIES / AT_ONCE {
        let queries: [String; AT_ONCE] = std::array::from_fn(|_| random_query(&mut random));
        let [a, b, c, d] = queries
            .each_ref()
            .map(|query| fixture.ask(query, ResultFormat::Json, timeout));
        let (a, b, c, d) = tokio::join!(a, b, c, d);
        for (query, outcome) in queries.iter().zip([a, b, c, d]) {
            if let Err(error) = outcome {
                assert!(
                    CODES.contains(&error.code()),
                    "seed {seed}: {query}: {} {error}",
                    error.code()
                );
            }
        }
    }
    assert_eq!(fixture.cell("1").await, json!(1));
    fixture.end().await;
}
