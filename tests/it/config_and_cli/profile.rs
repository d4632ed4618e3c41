//! `lastcall profile FILE`: one profile without a server.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{data, lastcall};

fn birds(folder: &Path) -> PathBuf {
    let file = folder.join("birds.csv");
    std::fs::write(&file, data::BIRDS).unwrap();
    file
}

#[test]
fn a_file_is_shown_as_a_table_and_a_pipe_gets_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let output = lastcall(["profile"])
        .arg(birds(folder.path()))
        .output()
        .expect(0);
    assert!(
        output.stdout.contains("10 rows × 6 columns"),
        "{}",
        output.stdout
    );
    for word in ["species", "mass", "4111.11", "Adelie (4)", "2007-11-11"] {
        assert!(output.stdout.contains(word), "{word}: {}", output.stdout);
    }
    assert!(!output.stdout.contains('\u{1b}'), "no colours in a pipe");
    assert_eq!(output.stderr, "", "and no progress bar");
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn the_ending_of_the_output_picks_the_format() {
    let folder = tempfile::tempdir().unwrap();
    let input = birds(folder.path());
    for (ending, begin) in [
        ("html", &b"<!"[..]),
        ("pdf", b"%PDF"),
        ("xlsx", b"PK\x03\x04"),
        ("md", b"#"),
        ("json", b"{"),
    ] {
        let target = folder.path().join(format!("report.{ending}"));
        let output = lastcall(["profile", "-o"])
            .arg(&target)
            .arg(&input)
            .output()
            .expect(0);
        assert_eq!(output.stderr, "", "{ending}");
        let bytes = std::fs::read(&target).unwrap();
        assert!(
            bytes.starts_with(begin),
            "{ending}: {:?}",
            &bytes[..bytes.len().min(20)]
        );
    }
    let json = std::fs::read(folder.path().join("report.json")).unwrap();
    let profile: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(profile["dataset"]["rows"], 10);
    assert_eq!(profile["columns"][2]["numeric"]["sum"], 37000);
}

#[test]
fn a_report_goes_to_the_standard_output_where_a_format_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let input = birds(folder.path());
    let json = lastcall(["profile", "--format=json"]).arg(&input);
    let profile: Value = serde_json::from_str(&json.output().expect(0).stdout).unwrap();
    assert_eq!(profile["dataset"]["rows"], 10);
    let md = lastcall(["profile", "-f", "md"]).arg(&input);
    assert!(md.output().expect(0).stdout.starts_with('#'));
    // It stands before the ending.
    let target = folder.path().join("report.txt");
    let written = lastcall(["profile", "-f", "md", "-o"]).arg(&target);
    written.arg(&input).output().expect(0);
    assert!(std::fs::read_to_string(&target).unwrap().starts_with('#'));
    let unknown = lastcall(["profile", "-f", "docx"]).arg(&input);
    let said = unknown.output().expect(2).stderr;
    assert!(said.contains("xlsx"), "{said}");
}

#[test]
fn several_files_are_shown_one_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let input = birds(folder.path());
    let other = folder.path().join("one.csv");
    std::fs::write(&other, "a\n1\n").unwrap();
    let both = || lastcall(["profile"]).arg(&input).arg(&other);
    let shown = both().output().expect(0).stdout;
    let (first, second) = (
        shown.find("birds.csv:"),
        shown.find("\n\none.csv: 1 row × 1 column,"),
    );
    assert!(first == Some(0) && second.is_some(), "{shown}");
    let report = both().arg("-o").arg(folder.path().join("report.md"));
    report.output().expect(2);
    both().arg("--format=json").output().expect(2);
    lastcall(["profile", "-", "-"]).output().expect(2);
    lastcall(["profile"]).output().expect(2);
}

#[test]
fn a_file_that_cannot_be_profiled_does_not_keep_back_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let input = birds(folder.path());
    let bad = folder.path().join("bad.parquet");
    std::fs::write(&bad, "PAR1").unwrap();
    let gone = folder.path().join("gone.csv");
    let run = lastcall(["profile"]).arg(&bad).arg(&gone).arg(&input);
    let output = run.output().expect(65);
    assert!(output.stdout.starts_with("birds.csv:"), "{}", output.stdout);
    for file in ["bad.parquet: ", "gone.csv: "] {
        assert!(output.stderr.contains(file), "{}", output.stderr);
    }
}

#[test]
fn the_output_may_be_the_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    let input = birds(folder.path());
    let md = lastcall(["profile", "-o", "-", "-f", "md"]).arg(&input);
    assert!(md.output().expect(0).stdout.starts_with('#'));
    let without = lastcall(["profile", "-o", "-"]).arg(&input);
    let said = without.output().expect(2).stderr;
    assert!(said.contains("--format"), "{said}");
}

#[test]
fn numbers_far_from_zero_can_be_told_apart_in_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("far.csv");
    let rows: String = (0..500)
        .map(|i| {
            format!(
                "{},{}\n",
                1_700_000_000_000_000_i64 + i,
                10_000_000.2 + f64::from(i as i32) / 5e3
            )
        })
        .collect();
    std::fs::write(&input, format!("whole,real\n{rows}")).unwrap();
    let shown = lastcall(["profile"]).arg(&input).output().expect(0).stdout;
    for figure in [
        "1700000000000000 ",
        "1700000000000499",
        "10000000.2 ",
        "10000000.2998",
        "10000000.2499",
    ] {
        assert!(shown.contains(figure), "{figure}: {shown}");
    }
}

#[test]
fn the_table_fits_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("wide.csv");
    let name = "a column whose name is rather long";
    let mut rows = format!("{name},at,amount\n");
    for day in 10..29 {
        rows += &format!("text that goes on and on {day},2024-01-{day}T12:34:56Z,{day}5000.25\n");
    }
    std::fs::write(&input, rows).unwrap();
    let table = |columns: usize| -> Vec<String> {
        let run = lastcall(["profile"]).env("COLUMNS", columns.to_string());
        let shown = run.arg(&input).output().expect(0).stdout;
        let lines = shown.lines().skip(2);
        let lines = lines.filter(|line| line.contains(char::is_alphabetic));
        let lines = lines.take_while(|line| !line.starts_with('!'));
        lines.map(str::to_owned).collect()
    };
    for columns in (40..200).step_by(9) {
        let table = table(columns);
        for line in &table {
            assert!(line.chars().count() <= columns, "{columns}: {table:#?}");
        }
        // Nothing is wrapped.
        assert_eq!(table.len(), 4, "{columns}: {table:#?}");
        assert!(table[1].contains("a column whose name is"), "{table:#?}");
    }
    for (columns, titles) in [
        (80, &["column", "type", "missing", "distinct"][..]),
        (200, &["count", "std", "median", "values", "top"][..]),
    ] {
        let table = table(columns);
        for title in titles {
            assert!(table[0].contains(title), "{columns} {title}: {table:#?}");
        }
    }
}

#[test]
fn gzip_and_other_formats_are_detected_from_the_file() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in [
        ("birds.csv.gz", data::gzip(data::BIRDS.as_bytes())),
        ("birds.parquet", data::birds_parquet()),
        ("birds.xlsx", data::birds_xlsx()),
        ("birds.ndjson", data::birds_ndjson().into_bytes()),
    ] {
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        let output = lastcall(["profile"]).arg(&file).output().expect(0);
        assert!(
            output.stdout.contains("10 rows"),
            "{name}: {}",
            output.stdout
        );
    }
}

#[test]
fn the_first_bytes_determine_the_format_if_the_ending_does_not() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in [
        ("birds", data::BIRDS.as_bytes().to_vec()),
        ("birds.1", data::birds_parquet()),
        ("birds.xlsm", data::birds_xlsx()),
        ("birds.json", data::birds_ndjson().into_bytes()),
        ("birds.log", data::birds_ndjson().into_bytes()),
    ] {
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        let output = lastcall(["profile"]).arg(&file).output().expect(0);
        let rows = format!("{name}: 10 rows");
        assert!(output.stdout.starts_with(&rows), "{output:#?}");
        for text in ["Adelie (", "species"] {
            assert!(output.stdout.contains(text), "{name}: {output:#?}");
        }
    }
    let list = folder.path().join("list.json");
    std::fs::write(&list, "[{\"a\":1},{\"a\":2}]").unwrap();
    let read = lastcall(["profile"]).arg(&list).output().expect(0);
    assert!(read.stdout.starts_with("list.json: 2 rows"), "{read:#?}");
    std::fs::write(&list, "[1, 2]").unwrap();
    let refused = lastcall(["profile"]).arg(list).output().expect(65);
    assert!(
        refused
            .stderr
            .contains("value 1: invalid type: integer `1`, expected an object"),
        "{refused:#?}"
    );
}

#[test]
fn what_the_data_holds_does_not_steer_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("title\u{1b}]0;x\u{7}.csv");
    let red = "\u{1b}[31mred\u{1b}[0m";
    std::fs::write(&file, format!("{red},b\n{red},1\n{red},2\n")).unwrap();
    let output = lastcall(["profile"]).arg(&file).output().expect(0);
    assert!(output.stdout.contains("[31mred"), "{output:#?}");
    assert!(
        output.stdout.chars().all(|c| c == '\n' || !c.is_control()),
        "{output:#?}"
    );
}

#[test]
fn each_way_to_fail_has_its_code() {
    let folder = tempfile::tempdir().unwrap();
    let input = birds(folder.path());
    let missing = lastcall(["profile"])
        .arg(folder.path().join("none.csv"))
        .output()
        .expect(66);
    assert!(missing.stderr.contains("none.csv"), "{missing:#?}");
    let no_file = lastcall(["profile"]).arg(folder.path()).output().expect(66);
    assert!(
        no_file.stderr.contains("not a regular file"),
        "{no_file:#?}"
    );
    let pipe = folder.path().join("pipe.csv");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let pipe = lastcall(["profile"]).arg(&pipe).output().expect(66);
    assert!(pipe.stderr.contains("not a regular file"), "{pipe:#?}");
    let ending = folder.path().join("report.docx");
    let ending = lastcall(["profile", "-o"])
        .arg(ending)
        .arg(&input)
        .output()
        .expect(2);
    assert!(ending.stderr.contains("xlsx"), "{ending:#?}");
    let nowhere = folder.path().join("no/such/folder/report.md");
    lastcall(["profile", "-o"])
        .arg(nowhere)
        .arg(&input)
        .output()
        .expect(73);
    let rows = folder.path().join("rows.json");
    std::fs::write(&rows, "{\"a\":1}\n").unwrap();
    let over = folder.path().join("./rows.json");
    lastcall(["profile", "-o"])
        .arg(over)
        .arg(&rows)
        .output()
        .expect(2);
    assert_eq!(std::fs::read_to_string(&rows).unwrap(), "{\"a\":1}\n");
    let broken = folder.path().join("broken.parquet");
    std::fs::write(&broken, "PAR1 and nothing more").unwrap();
    let broken = lastcall(["profile"]).arg(broken).output().expect(65);
    assert!(broken.stderr.contains("broken.parquet"), "{broken:#?}");
}

#[test]
fn a_standard_input_that_is_broken_has_its_own_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("birds");
    std::fs::write(&file, &data::gzip(data::BIRDS.as_bytes())[..40]).unwrap();
    let broken = lastcall(["profile", "-"]).stdin(&file).output().expect(66);
    assert!(broken.stderr.contains("stdin: "), "{broken:#?}");
    assert!(!broken.stderr.contains("tmp"), "{broken:#?}");
}

#[test]
fn the_standard_input_is_read_and_flags_say_how() {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("prices"), folder.path().join("out.json"));
    std::fs::write(&file, "title\na|b|c\n1.234|'x|y'|-\n2.345|z|5\n").unwrap();
    let flags = [
        "profile",
        "-",
        "--skip-rows=1",
        "--delimiter=|",
        "--quote='",
        "--decimal=,",
        "--thousands=.",
        "--missing=-,?",
        "--columns=a,c",
        "-o",
    ];
    lastcall(flags).arg(&out).stdin(&file).output().expect(0);
    let profile: Value = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
    assert_eq!(profile["dataset"]["name"], "stdin");
    assert_eq!(profile["columns"][0]["numeric"]["sum"], 3579);
    assert_eq!(profile["columns"][1]["missing"], 1);
    assert_eq!(profile["read"]["skipped_lines"], 1);
    assert_eq!(profile["read"]["delimiter"], "|");
    for flag in [
        "--sheet=a",
        "--decimal=;",
        "--header=yes",
        "--encoding=klingon",
    ] {
        let refused = lastcall(["profile", flag])
            .arg(birds(folder.path()))
            .output();
        let refused = refused.expect(2);
        let option = flag.trim_start_matches('-').split('=').next().unwrap();
        assert!(
            refused.stderr.contains(&format!("`{option}`")),
            "{refused:#?}"
        );
    }
}

#[test]
fn a_pdf_has_the_template_that_the_page_s_command_names() {
    let folder = tempfile::tempdir().unwrap();
    let page = include_str!("../../../docs/templates.md");
    let command = page.split("`lastcall ").nth(1).unwrap();
    let command = command.split('`').next().unwrap();
    let args: Vec<_> = command
        .split(' ')
        .map(|arg| arg.trim_matches('"'))
        .collect();
    let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\"/>";
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/templates");
    let letterhead = std::fs::read_to_string(examples.join("letterhead.typ")).unwrap();
    for (name, text) in [
        ("data.csv", data::BIRDS),
        ("logo.svg", svg),
        ("letterhead.typ", &letterhead),
        ("mistaken.typ", "= Title\n#foo"),
        ("large.typ", &"x".repeat(128 * 1024 + 1)),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let run = |args: &[&str]| {
        let command = lastcall([]).in_folder(folder.path());
        args.iter().fold(command, |run, arg| run.arg(arg)).output()
    };
    let output = run(&args).expect(0);
    assert_eq!(output.stderr, "");
    let pdf = std::fs::read(folder.path().join("sales.pdf")).unwrap();
    assert!(pdf.starts_with(b"%PDF"));

    for (flags, exit, says) in [
        (
            &["--template=mistaken.typ"][..],
            65,
            "line 2, column 2: unknown variable: foo",
        ),
        (&["--template=large.typ"], 2, "template.source"),
        (&["--template=nowhere.typ"], 66, "nowhere.typ"),
        (&["--logo=data.csv"], 2, "template.logo"),
        (&["--title="], 2, "template.title"),
        (&["--color=accent=red"], 2, "template.colors.accent"),
        (&["--color=red"], 2, "--color red"),
        (&["--title=x", "--format=html"], 2, "for a pdf"),
    ] {
        let all = [&["profile", "data.csv", "-o", "out.pdf"], flags].concat();
        let output = run(&all).expect(exit);
        assert!(output.stderr.contains(says), "{flags:?}: {}", output.stderr);
    }
    // The template is read: the report does not take its place.
    let over_itself = [
        "profile",
        "data.csv",
        "--template",
        "out.pdf",
        "-o",
        "out.pdf",
    ];
    run(&over_itself).expect(66);
    std::fs::copy(
        folder.path().join("letterhead.typ"),
        folder.path().join("out.pdf"),
    )
    .unwrap();
    let output = run(&over_itself);
    assert!(output.expect(2).stderr.contains("take the place"));
}
