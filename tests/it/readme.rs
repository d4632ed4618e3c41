//! The README's first session: its commands are run as they stand there, by a shell, and have to
//! answer what it shows. Ids and times are the only things that may differ; `…` stands for what
//! is left out.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use lastcall_actors::log_lines;
use nix::sys::signal::Signal;

use crate::support::Home;

const README: &str = include_str!("../../README.md");
const START: &str = "cargo run -- --config config/dev.toml";
const ADDRESS: &str = "http://127.0.0.1:8080";

/// A command, and the lines that are shown below it.
#[derive(Debug)]
struct Step {
    command: String,
    shown: Vec<&'static str>,
}

#[test]
fn the_readme_s_session_is_what_happens() {
    let home = Home::new();
    let mut steps = VecDeque::from(steps());

    let start = steps.pop_front().unwrap();
    assert_eq!(start.command, START);
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut service = home
        .service()
        .config(&repository.join("config/dev.toml"))
        .start();
    // What was seen so far, in place of what the README shows: its address and its ids.
    let mut seen = vec![(ADDRESS.to_owned(), format!("http://{}", service.address()))];
    let lines = service.lines();
    assert_eq!(lines.len(), start.shown.len(), "{lines:#?}");
    let without_time = |line: &str| line.split_once(' ').map(|(_, rest)| rest.to_owned());
    for (shown, line) in start.shown.iter().zip(&lines) {
        assert_eq!(without_time(&replaced(shown, &seen)), without_time(line));
    }

    let mut shell = Shell::open(home.path());
    for step in steps {
        let answer = shell.run(&replaced(&step.command, &seen));
        let shown = replaced(&step.shown.join("\n"), &seen);
        assert!(
            is_as_shown(&answer, &shown),
            "{}\nshould answer\n{shown}\nand answers\n{answer}",
            step.command
        );
        let ids = of_shape(&shown, ID).into_iter().zip(of_shape(&answer, ID));
        seen.extend(ids.map(|(shown, real)| (shown.to_owned(), real.to_owned())));
    }
    for file in ["parcels.pdf", "parcels.html"] {
        let written = std::fs::metadata(home.path().join(file)).unwrap();
        assert!(written.len() > 10_000, "{file}: {written:?}");
    }

    service.signal(Signal::SIGINT);
    let ended = service.wait().expect(0);
    let last = ended
        .log
        .iter()
        .position(|line| line == log_lines::SHUTTING_DOWN);
    let said: Vec<&str> = ended.log[last.unwrap()..]
        .iter()
        .map(String::as_str)
        .filter(|line| README.contains(&format!("    {line}\n")))
        .collect();
    assert_eq!(said.first(), Some(&log_lines::SHUTTING_DOWN));
    assert_eq!(said.last(), Some(&log_lines::ALL_DOWN));
    assert_eq!(said.len(), 8, "{said:#?}");
}

/// The README's commands, in their order.
fn steps() -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut open = false;
    for line in README.lines() {
        let Some(line) = line.strip_prefix("    ") else {
            open &= line.is_empty();
            continue;
        };
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step {
                command: command.to_owned(),
                shown: Vec::new(),
            });
            open = true;
        } else if let Some(step) = steps.last_mut().filter(|_| open) {
            if step.command.ends_with('\\') {
                step.command.push('\n');
                step.command.push_str(line);
            } else {
                step.shown.push(line);
            }
        }
    }
    steps
}

/// A shell in which the commands run one after the other.
struct Shell {
    child: Child,
    commands: ChildStdin,
    answers: BufReader<std::process::ChildStdout>,
}

impl Shell {
    const END: &str = "--- the end of its answer ---";

    fn open(folder: &Path) -> Self {
        let mut child = Command::new("bash")
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut commands = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        let (binary, data) = (
            env!("CARGO_BIN_EXE_lastcall"),
            concat!(env!("CARGO_MANIFEST_DIR"), "/examples"),
        );
        // `cargo run -- ARGUMENTS` without building again.
        writeln!(commands, "cargo() {{ shift 2; '{binary}' \"$@\"; }}").unwrap();
        writeln!(commands, "ln -s '{data}' examples").unwrap();
        Self {
            child,
            commands,
            answers,
        }
    }

    /// What the command writes.
    fn run(&mut self, command: &str) -> String {
        writeln!(self.commands, "{command}\necho\necho '{}'", Self::END).unwrap();
        let mut answer = String::new();
        for line in self.answers.by_ref().lines() {
            let line = line.unwrap();
            if line == Self::END {
                break;
            }
            answer.push_str(line.trim_end());
            answer.push('\n');
        }
        answer.trim_end().to_owned()
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn replaced(text: &str, seen: &[(String, String)]) -> String {
    seen.iter().fold(text.to_owned(), |text, (shown, real)| {
        text.replace(shown, real)
    })
}

/// Whether the answer is what is shown: the parts between the `…` in their order, ids and times
/// aside.
fn is_as_shown(answer: &str, shown: &str) -> bool {
    let (answer, shown) = (masked(answer), masked(shown));
    let Some((first, others)) = shown.split_once('…') else {
        return answer == shown;
    };
    let (middle, last) = others.rsplit_once('…').unwrap_or(("", others));
    let rest = answer
        .strip_prefix(first.trim())
        .and_then(|rest| rest.strip_suffix(last.trim()));
    middle
        .split('…')
        .try_fold(rest, |rest, part| {
            let (_, after) = rest?.split_once(part.trim())?;
            Some(Some(after))
        })
        .flatten()
        .is_some()
}

const ID: &str = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
const TIME: &str = "dddd-dd-ddTdd:dd:dd.ddddddZ";

fn masked(text: &str) -> String {
    [ID, TIME].iter().fold(text.to_owned(), |masked, shape| {
        of_shape(text, shape)
            .iter()
            .fold(masked, |masked, piece| masked.replace(piece, shape))
    })
}

/// The pieces of this shape in their order: `x` is a hexadecimal digit, `d` a decimal one.
fn of_shape<'a>(text: &'a str, shape: &str) -> Vec<&'a str> {
    let fits = |piece: &&str| {
        piece
            .bytes()
            .zip(shape.bytes())
            .all(|(byte, wanted)| match wanted {
                b'x' => byte.is_ascii_hexdigit(),
                b'd' => byte.is_ascii_digit(),
                _ => byte == wanted,
            })
    };
    (0..text.len())
        .filter_map(|at| text.get(at..at + shape.len()))
        .filter(fits)
        .collect()
}
