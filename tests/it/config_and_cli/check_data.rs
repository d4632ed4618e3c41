//! `lastcall check-data FILE --contract C`: the checks of a data contract, without a server.

use std::path::Path;

use serde_json::Value;

use crate::support::{data, lastcall};

const CONTRACT: &str = "\
fields:
  - name: species
    type: string
    constraints: {required: true, enum: [Adelie, Gentoo, Chinstrap]}
  - {name: island, type: string}
  - name: mass
    type: integer
    constraints: {minimum: 3000}
  - {name: bill, type: number}
  - {name: ringed, type: boolean}
  - {name: seen, type: date}
row_count: 10
sql: select * from birds where mass > 6000
";

fn write(folder: &Path, name: &str, text: &str) -> std::path::PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_file_that_keeps_its_contract_ends_with_0_and_one_that_does_not_with_1() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "birds.csv", data::BIRDS);
    let contract = write(folder.path(), "contract.yaml", CONTRACT);
    let check = |contract: &Path| {
        lastcall(["check-data"])
            .arg(&file)
            .arg("--contract")
            .arg(contract)
            .output()
    };
    let kept = check(&contract).expect(0);
    assert!(
        kept.stdout.contains("10 rows, 17 of 17 checks passed"),
        "{}",
        kept.stdout
    );
    assert_eq!(kept.stderr, "");
    let strict = CONTRACT.replace("3000", "3500").replace("6000", "5000");
    let contract = write(folder.path(), "strict.yaml", &strict);
    let broken = check(&contract).expect(1);
    for said in [
        "15 of 17 checks passed, 2 failed",
        "mass range: 1 of 10 rows",
        "row 3: mass = 3250",
        "mass = 5700",
    ] {
        assert!(broken.stdout.contains(said), "{said}: {}", broken.stdout);
    }
    let out = folder.path().join("checks.json");
    let written = lastcall(["check-data", "-o"])
        .arg(&out)
        .arg(&file)
        .arg("-c")
        .arg(&contract);
    assert_eq!(written.output().expect(1).stdout, "");
    let report: Value = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
    assert_eq!(report["passed"], false);
    for (ending, begin) in [("html", "<!"), ("md", "#"), ("pdf", "%PDF"), ("xlsx", "PK")] {
        let out = folder.path().join(format!("checks.{ending}"));
        let written = lastcall(["check-data", "-o"])
            .arg(&out)
            .arg(&file)
            .arg("-c")
            .arg(&contract);
        written.output().expect(1);
        let bytes = std::fs::read(&out).unwrap();
        assert!(bytes.starts_with(begin.as_bytes()), "{ending}");
    }
    let piped = lastcall(["check-data", "-", "--name", "birds", "-c"]).arg(&contract);
    let piped = piped.stdin(&file).output().expect(1);
    assert!(piped.stdout.contains("15 of 17"), "{}", piped.stdout);
}

#[test]
fn other_files_are_what_foreign_keys_and_queries_refer_to() {
    let folder = tempfile::tempdir().unwrap();
    let orders = write(folder.path(), "orders.csv", "id,customer\n1,7\n2,8\n");
    let customers = write(folder.path(), "customers.csv", "id\n7\n");
    let contract = r#"{"fields": [{"name": "id"}, {"name": "customer"}],
        "foreignKeys": [{"fields": "customer", "reference": {"resource": "customers", "fields": "id"}}],
        "sql": "select * from orders join customers on customer = customers.id"}"#;
    let contract = write(folder.path(), "contract.json", contract);
    let with = format!("customers={}", customers.display());
    let run = lastcall(["check-data", "--with", &with, "-c"])
        .arg(&contract)
        .arg(&orders);
    let found = run.output().expect(1);
    assert!(
        found.stdout.contains("row 2: customer = 8"),
        "{}",
        found.stdout
    );
    assert!(
        found.stdout.contains("sql: the query answers with 1 row"),
        "{}",
        found.stdout
    );
    let without = lastcall(["check-data", "-c"]).arg(&contract).arg(&orders);
    let without = without.output().expect(1);
    assert!(
        without.stdout.contains("(dataset_not_found)"),
        "{}",
        without.stdout
    );
}

#[test]
fn each_name_and_the_standard_input_can_be_meant_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "birds.csv", data::BIRDS);
    let contract = write(folder.path(), "contract.yaml", CONTRACT);
    let run = |file: &Path, others: &[&str]| {
        let mut run = lastcall(["check-data", "-c"]).arg(&contract).arg(file);
        for other in others {
            run = run.arg("--with").arg(other);
        }
        run.output()
    };
    let (other, itself) = ("other=gone.csv", "birds=gone.csv");
    for (others, why) in [
        (vec![other, other], "--with other is there twice"),
        (vec![itself], "--with birds: that is the name of the data"),
        (vec!["a=-", "b=-"], "only one of the files"),
    ] {
        let said = run(&file, &others).expect(2).stderr;
        assert!(said.contains(why), "{said}");
    }
    let said = run(Path::new("-"), &["other=-"]).expect(2).stderr;
    assert!(said.contains("only one of the files"), "{said}");
}

#[test]
fn packed_data_is_named_without_either_ending() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("birds.csv.GZ");
    std::fs::write(&file, data::gzip(data::BIRDS.as_bytes())).unwrap();
    // Its query is about the table `birds`.
    let contract = write(folder.path(), "contract.yaml", CONTRACT);
    let run = lastcall(["check-data", "-c"]).arg(&contract).arg(&file);
    run.output().expect(0);
}

#[test]
fn what_cannot_be_read_ends_with_its_own_code() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "birds.csv", data::BIRDS);
    let contract = write(folder.path(), "contract.yaml", CONTRACT);
    let broken = write(
        folder.path(),
        "broken.yaml",
        "fields: [{name: a, type: interger}]",
    );
    let gone = folder.path().join("gone");
    let run = |file: &Path, contract: &Path| {
        lastcall(["check-data"])
            .arg(file)
            .arg("-c")
            .arg(contract)
            .output()
    };
    let said = run(&file, &broken).expect(65).stderr;
    assert!(said.contains("did you mean `integer`?"), "{said}");
    run(&file, &gone).expect(66);
    run(&gone, &contract).expect(66);
    lastcall(["check-data"]).arg(&file).output().expect(2);
    let over = lastcall(["check-data", "-c"])
        .arg(&contract)
        .arg(&file)
        .arg("--examples")
        .arg("101");
    over.output().expect(2);
}
