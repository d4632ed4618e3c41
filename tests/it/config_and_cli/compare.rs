//! `lastcall compare A B`: what changed between two files, without a server.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{data, lastcall};

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn two_files_are_compared_as_a_table_or_a_report() {
    let folder = tempfile::tempdir().unwrap();
    let before = write(folder.path(), "before.csv", data::BIRDS);
    let changed = data::BIRDS
        .replace("Chinstrap", "Macaroni")
        .replace(",seen", ",date");
    let after = write(folder.path(), "after.csv", &changed);
    let compare = || lastcall(["compare"]).arg(&before).arg(&after);
    let shown = compare().output().expect(0);
    for said in [
        "before.csv and after.csv: major drift",
        "! removed: seen",
        "! added: date",
        "! species: new: Macaroni (3)",
        "! species: vanished: Chinstrap (3)",
    ] {
        assert!(shown.stdout.contains(said), "{said}: {}", shown.stdout);
    }
    assert_eq!(shown.stderr, "");
    for (ending, begin) in [
        ("html", "<!"),
        ("pdf", "%PDF"),
        ("xlsx", "PK"),
        ("md", "#"),
        ("json", "{"),
    ] {
        let out = folder.path().join(format!("compared.{ending}"));
        compare().arg("-o").arg(&out).output().expect(0);
        let bytes = std::fs::read(&out).unwrap();
        assert!(bytes.starts_with(begin.as_bytes()), "{ending}");
    }
    let json = std::fs::read(folder.path().join("compared.json")).unwrap();
    let json: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["verdict"]["drift"], "major");
    assert_eq!(json["verdict"]["removed"], serde_json::json!(["seen"]));
    let same = lastcall(["compare"]).arg(&before).arg(&before).output();
    assert!(same.expect(0).stdout.contains("no drift"));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "birds.csv", data::BIRDS);
    let run = |more: [&str; 2]| {
        let run = lastcall(["compare"]).arg(&file).arg(&file);
        run.arg(more[0]).arg(more[1]).output()
    };
    run(["--major", "0.01"]).expect(2);
    let said = run(["--missing-share", "2"]).expect(2).stderr;
    assert!(
        said.contains("--missing-share: 2 is not from 0 to 1"),
        "{said}"
    );
    run(["-o", "x.docx"]).expect(2);
    lastcall(["compare"]).arg(&file).output().expect(2);
    let gone = folder.path().join("gone.csv");
    lastcall(["compare"])
        .arg(&file)
        .arg(&gone)
        .output()
        .expect(66);
}

#[test]
fn the_table_fits_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let before = write(folder.path(), "before.csv", data::BIRDS);
    let changed = data::BIRDS.replace(",seen", ",date");
    let after = write(folder.path(), "after.csv", &changed);
    for columns in (40..140).step_by(11) {
        let run = lastcall(["compare"]).env("COLUMNS", columns.to_string());
        let shown = run.arg(&before).arg(&after).output().expect(0).stdout;
        let lines = shown.lines().skip(3);
        let lines = lines.filter(|line| line.contains(char::is_alphabetic));
        let table: Vec<&str> = lines.take_while(|line| !line.starts_with('!')).collect();
        for line in &table {
            assert!(line.chars().count() <= columns, "{columns}: {table:#?}");
        }
        // A header and six columns, of which one has another name; nothing is wrapped.
        assert_eq!(table.len(), 8, "{columns}: {table:#?}");
        assert!(table[0].contains("change"), "{columns}: {table:#?}");
    }
}
