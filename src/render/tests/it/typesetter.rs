//! PDFs from child processes: the same as in-process ones, and nothing of them is left.

mod template_limits;

use std::path::{Path, PathBuf};
use std::time::Duration;

use lastcall_child::host::{OomKills, Program};
use lastcall_domain::{Cancel, Dependency, ReportFormat};
use lastcall_render::{Manuscript, RenderError, ReportInput, Typesetter, TypesetterConfig};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::fixture::{amount, at, bare, render, sales};
use crate::read;
use crate::templates::with_source;

/// A typesetter in a temporary folder.
struct Fixture {
    typesetter: Typesetter,
    folder: TempDir,
}

impl Fixture {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut TypesetterConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = Program {
            path: env!("CARGO_BIN_EXE_lastcall-pdf-child").into(),
            args: Vec::new(),
            env: Vec::new(),
        };
        let mut config = TypesetterConfig::new(program, folder.path().join("scratch"));
        config.oom_kills = OomKills::in_file(folder.path().join("kills"));
        std::fs::write(folder.path().join("kills"), "oom_kill 0\n").unwrap();
        change(&mut config);
        Self {
            typesetter: Typesetter::new(config).unwrap(),
            folder,
        }
    }

    async fn pdf(&self) -> Result<Vec<u8>, RenderError> {
        self.typesetter.typeset(short(), &Cancel::new()).await
    }

    fn children(&self) -> Vec<u32> {
        children_in(self.folder.path())
    }

    /// The child, once it computes.
    async fn busy(&self) -> u32 {
        loop {
            let busy = self.children().into_iter().find(|pid| ticks(*pid) > 20);
            if let Some(pid) = busy {
                return pid;
            }
            tokio::task::yield_now().await;
        }
    }

    async fn end(self) {
        self.typesetter.shutdown().await;
        assert_eq!(self.children(), Vec::<u32>::new(), "children that live on");
        let left: Vec<PathBuf> = std::fs::read_dir(self.folder.path().join("scratch"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| !path.ends_with(".sweep"))
            .collect();
        assert_eq!(left, Vec::<PathBuf>::new(), "files that are left");
    }
}

/// A document of some pages.
fn short() -> Manuscript {
    let input = sales();
    let input = ReportInput::profile(&input, at());
    bare().manuscript(&input, &Cancel::new()).unwrap()
}

/// A document with a template.
fn templated(source: &str) -> Manuscript {
    let template = with_source(source);
    let input = sales();
    let input = ReportInput::profile(&input, at()).with_template(Some(&template));
    bare().manuscript(&input, &Cancel::new()).unwrap()
}

/// A document that takes seconds.
fn long() -> Manuscript {
    let mut profile = sales();
    profile.columns = (0..200).map(|i| amount(&format!("column {i}"))).collect();
    let input = ReportInput::profile(&profile, at());
    bare().manuscript(&input, &Cancel::new()).unwrap()
}

/// The children of this process, dead or alive, whose folder is or was below `folder`.
fn children_in(folder: &Path) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let pid = entry.ok()?.file_name().to_str()?.parse::<u32>().ok()?;
        let current = std::fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
        current.starts_with(folder).then_some(pid)
    });
    processes.collect()
}

/// Processor time that a process has used, in ticks.
fn ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<_> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    fields.get(11).map_or(0, |user| user.parse().unwrap())
}

fn exists(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

fn kill9(pid: u32) {
    kill(Pid::from_raw(pid.try_into().unwrap()), Signal::SIGKILL).unwrap();
}

#[tokio::test]
async fn a_pdf_of_a_child_is_that_of_the_renderer() {
    let fixture = Fixture::new();
    let profile = sales();
    let input = ReportInput::profile(&profile, at());
    let expected = render(&input, ReportFormat::Pdf);
    assert!(fixture.pdf().await.unwrap() == expected);
    assert!(read::pdf(expected).concat().contains("Data profile"));
    fixture.end().await;
}

#[tokio::test]
async fn a_child_sets_many_documents_and_is_then_replaced() {
    let fixture = Fixture::with(|config| config.max_documents = 2);
    // What this process holds is not the child's.
    let held = std::hint::black_box(vec![1_u8; 256 << 20]);
    let mut seen = Vec::new();
    for documents in 1..=5 {
        assert!(fixture.pdf().await.is_ok());
        let children = fixture.children();
        match documents % 2 {
            0 => assert_eq!(children, Vec::<u32>::new()),
            _ => seen.extend(children),
        }
    }
    assert_eq!(seen.len(), 3);
    seen.dedup();
    assert_eq!(seen.len(), 3, "each has set two documents");
    drop(held);
    fixture.end().await;
}

#[tokio::test]
async fn a_child_that_has_gathered_much_is_replaced() {
    let fixture = Fixture::with(|config| config.max_resident = 1);
    assert!(fixture.pdf().await.is_ok());
    assert_eq!(fixture.children(), Vec::<u32>::new());
    fixture.end().await;
}

#[tokio::test]
async fn a_child_that_nobody_needs_ends() {
    let fixture = Fixture::with(|config| config.keep_idle = Duration::from_millis(20));
    assert!(fixture.pdf().await.is_ok());
    while !fixture.children().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(fixture.pdf().await.is_ok());
    fixture.end().await;
}

#[tokio::test]
async fn without_a_folder_for_its_child_a_document_is_not_to_blame() {
    let fixture = Fixture::new();
    let folder = fixture.folder.path();
    let (scratch, elsewhere) = (folder.join("scratch"), folder.join("elsewhere"));
    std::fs::rename(&scratch, &elsewhere).unwrap();
    // A folder that is missing is made again; a file in its place stays.
    std::fs::write(&scratch, "").unwrap();
    let error = fixture.pdf().await.expect_err("there is no folder");
    assert_eq!(error.dependency(), Some(Dependency::Scratch), "{error:?}");
    std::fs::remove_file(&scratch).unwrap();
    std::fs::rename(&elsewhere, &scratch).unwrap();
    assert!(fixture.pdf().await.is_ok());
    fixture.end().await;
}

#[tokio::test]
async fn a_cancelled_document_is_killed() {
    let fixture = Fixture::new();
    let cancel = Cancel::new();
    let set = fixture.typesetter.typeset(long(), &cancel);
    let stop = async {
        let pid = fixture.busy().await;
        cancel.cancel();
        pid
    };
    let (set, pid) = tokio::join!(set, stop);
    assert!(matches!(set, Err(RenderError::Cancelled)));
    assert!(!exists(pid), "the child lives or was not reaped");
    fixture.end().await;
}

#[tokio::test]
async fn a_document_whose_future_is_dropped_is_killed() {
    let fixture = Fixture::new();
    let cancel = Cancel::new();
    let pid = tokio::select! {
        set = fixture.typesetter.typeset(long(), &cancel) => panic!("{set:?}"),
        pid = fixture.busy() => pid,
    };
    while exists(pid) {
        tokio::task::yield_now().await;
    }
    fixture.end().await;
}

#[tokio::test]
async fn shutting_down_kills_what_is_being_set() {
    let fixture = Fixture::new();
    let cancel = Cancel::new();
    let set = fixture.typesetter.typeset(long(), &cancel);
    let stop = async {
        let pid = fixture.busy().await;
        fixture.typesetter.shutdown().await;
        assert!(!exists(pid), "the child lives or was not reaped");
    };
    let (set, ()) = tokio::join!(set, stop);
    assert_eq!(set.unwrap_err().code(), "pdf_unavailable");
    assert_eq!(fixture.pdf().await.unwrap_err().code(), "pdf_unavailable");
    fixture.end().await;
}

#[tokio::test]
async fn a_document_whose_child_is_killed_is_set_once_more_and_no_more() {
    let fixture = Fixture::new();
    let cancel = Cancel::new();
    let set = fixture.typesetter.typeset(long(), &cancel);
    let killing = async {
        let first = fixture.busy().await;
        kill9(first);
        let second = loop {
            let pid = fixture.busy().await;
            if pid != first {
                break pid;
            }
            tokio::task::yield_now().await;
        };
        kill9(second);
    };
    let (set, ()) = tokio::join!(set, killing);
    let error = set.unwrap_err();
    assert_eq!((error.code(), error.retryable()), ("pdf_unavailable", true));
    // An idle child that somebody killed is nobody's fault.
    assert!(fixture.pdf().await.is_ok());
    for pid in fixture.children() {
        kill9(pid);
    }
    assert!(fixture.pdf().await.is_ok());
    fixture.end().await;
}

#[tokio::test]
async fn a_child_that_the_oom_killer_kills_is_distinguished_from_others() {
    let fixture = Fixture::new();
    let cancel = Cancel::new();
    let set = fixture.typesetter.typeset(long(), &cancel);
    let killing = async {
        let mut last = 0;
        for kills in 1..=2 {
            let pid = loop {
                let pid = fixture.busy().await;
                if pid != last {
                    break pid;
                }
                tokio::task::yield_now().await;
            };
            let counter = fixture.folder.path().join("kills");
            std::fs::write(counter, format!("oom_kill {kills}\n")).unwrap();
            kill9(pid);
            last = pid;
        }
    };
    let (set, ()) = tokio::join!(set, killing);
    assert_eq!(set.unwrap_err().code(), "resource_exhausted");
    fixture.end().await;
}

#[tokio::test]
async fn a_document_has_no_more_memory_than_it_may() {
    let fixture = Fixture::with(|config| config.memory = 24 << 20);
    let error = fixture.typesetter.typeset(long(), &Cancel::new()).await;
    assert_eq!(error.unwrap_err().code(), "resource_exhausted");
    fixture.end().await;
}

#[tokio::test]
async fn a_template_has_a_child_of_its_own() {
    let fixture = Fixture::new();
    assert!(fixture.pdf().await.is_ok());
    let idle = fixture.children();
    let cancel = Cancel::new();
    let set = |source| fixture.typesetter.typeset(templated(source), &cancel);
    let pdf = set("#import \"lastcall.typ\": body\nMine\n#body")
        .await
        .unwrap();
    assert!(read::pdf(pdf).concat().contains("Mine"));
    assert_eq!(
        fixture.children(),
        idle,
        "its child is gone, the other was left alone"
    );
    let error = set("\n#foo").await.unwrap_err();
    assert_eq!(error.to_string(), "line 2, column 2: unknown variable: foo");
    assert_eq!(error.code(), "template_failed");
    assert_eq!(fixture.children(), idle);
    assert!(fixture.pdf().await.is_ok());
    assert_eq!(fixture.children(), idle);
    fixture.end().await;
}
