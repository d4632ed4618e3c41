//! Every code with which a job can fail is described in `docs/errors.md`. The codes are read from
//! the sources, where each part declares its own, because a list of them could be incomplete as
//! well.

const DESCRIBED: &str = include_str!("../../docs/errors.md");

/// Where the parts name their codes.
const SOURCES: [&str; 15] = [
    include_str!("../../actors/src/worker/execute.rs"),
    include_str!("../../actors/src/worker/results.rs"),
    include_str!("../../actors/src/worker/complete.rs"),
    include_str!("../../src/domain/src/blobs.rs"),
    include_str!("../../src/domain/src/environment.rs"),
    include_str!("../../src/domain/src/store/error.rs"),
    include_str!("../../src/domain/src/transition.rs"),
    include_str!("../../src/engine/src/error.rs"),
    include_str!("../../src/render/src/error.rs"),
    include_str!("../../src/sql/src/error.rs"),
    include_str!("../../src/work/analysis.rs"),
    include_str!("../../src/work/check.rs"),
    include_str!("../../src/work/errors.rs"),
    include_str!("../../src/work/report.rs"),
    include_str!("../../src/work/report_input.rs"),
];

/// What stands before a code.
const BEFORE: [&str; 5] = [
    "=> \"",
    "permanent(\"",
    "transient(\"",
    "code: \"",
    "EXHAUSTED: &str = \"",
];

#[test]
fn every_code_of_a_failed_job_is_described() {
    for source in SOURCES {
        let source: String = source.split_whitespace().collect::<Vec<_>>().join(" ");
        let source = source.replace("( \"", "(\"");
        let codes: Vec<&str> = BEFORE
            .iter()
            .flat_map(|before| source.split(before).skip(1))
            .filter_map(|rest| rest.split('"').next())
            .filter(|code| is_code(code))
            .collect();
        assert!(!codes.is_empty(), "no code in {source}");
        for code in codes {
            assert!(DESCRIBED.contains(&format!("| `{code}` |")), "{code}");
        }
    }
}

fn is_code(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}
