use lastcall_domain::check::{Accept, Condition};

use super::*;

/// How a check ends whose query has this answer, and what it says.
fn concluded(condition: Condition, columns: &str, rows: &str) -> (CheckStatus, String) {
    let count = rows.matches('[').count() - 1;
    let body = format!(
        r#"{{"columns": {columns}, "rows": {rows}, "row_count": {count}, "truncated": false}}"#
    );
    let answer = QueryAnswer::read(&Body::Memory(body.into())).unwrap();
    let check = Check {
        rule: Rule::Sql {
            query: String::new(),
            value: true,
        },
        columns: Vec::new(),
        path: String::new(),
        name: None,
        accept: Some(Accept {
            conditions: vec![condition],
            percent: false,
        }),
    };
    let mut result = check.result();
    conclude_value(&check, &answer, 10, &mut result);
    (result.status, result.detail.unwrap())
}

#[test]
fn a_number_is_compared_by_all_of_its_digits() {
    let one = r#"[{"name": "n", "type": "integer"}]"#;
    for (answer, number, status) in [
        (
            "[[9007199254740993]]",
            "9007199254740993",
            CheckStatus::Passed,
        ),
        (
            "[[9007199254740993]]",
            "9007199254740992",
            CheckStatus::Failed,
        ),
        (
            "[[12345678901234567890.5]]",
            "12345678901234567890.5",
            CheckStatus::Passed,
        ),
        (
            "[[12345678901234567890.5]]",
            "12345678901234567890",
            CheckStatus::Failed,
        ),
        ("[[1.0]]", "1", CheckStatus::Passed),
        ("[[true]]", "1", CheckStatus::Passed),
    ] {
        let condition = Condition::Is(Number::parse(number).unwrap());
        let (found, detail) = concluded(condition, one, answer);
        assert_eq!(found, status, "{answer} {number}: {detail}");
    }
}

#[test]
fn a_condition_needs_a_single_number() {
    let columns = [
        r#"[{"name": "n", "type": "integer"}]"#,
        r#"[{"name": "n", "type": "integer"}, {"name": "m", "type": "integer"}]"#,
    ];
    for (width, answer, said) in [
        (1, "[[1], [1], [1]]", "with 3 rows of 1 column,"),
        (2, "[[1, 1]]", "with 1 row of 2 columns,"),
        (1, "[]", "with 0 rows of 1 column,"),
        (1, "[[null]]", "with no number"),
        (1, r#"[["1"]]"#, "with no number"),
    ] {
        let condition = Condition::Is(Number::Integer(1));
        let (status, detail) = concluded(condition, columns[width - 1], answer);
        assert_eq!(status, CheckStatus::Error, "{answer}");
        assert!(detail.contains(said), "{answer}: {detail}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_disk_that_fails_is_no_fault_of_the_check() {
    let folder = tempfile::tempdir().unwrap();
    let answer = folder.path().join("answer.json");
    // A process's memory begins with nothing mapped: reading there fails as a bad disk does.
    std::os::unix::fs::symlink("/proc/self/mem", &answer).unwrap();
    let answer = Body::File(tempfile::TempPath::try_from_path(&answer).unwrap());
    let read = QueryAnswer::read(&answer);
    let error = read.err().unwrap();
    assert_eq!(error.dependency(), Some(Dependency::Scratch), "{error}");
}
