//! The binary, run to its end.

use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::TIMEOUT;
use super::log::Log;

/// The binary with these arguments.
pub(crate) fn lastcall<const N: usize>(arguments: [&str; N]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lastcall"));
    command
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Run { command }
}

/// A run that has not begun.
pub(crate) struct Run {
    command: Command,
}

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// With this key of the configuration, by the environment.
    pub(crate) fn set(mut self, key: &str, value: impl AsRef<str>) -> Self {
        self.command.env(variable(key), value.as_ref());
        self
    }

    /// With this variable in its environment.
    pub(crate) fn env(mut self, variable: &str, value: impl AsRef<str>) -> Self {
        self.command.env(variable, value.as_ref());
        self
    }

    pub(crate) fn arg(mut self, argument: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// With this file as its standard input.
    pub(crate) fn stdin(mut self, file: &Path) -> Self {
        self.command.stdin(std::fs::File::open(file).unwrap());
        self
    }

    pub(crate) fn in_folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Runs it.
    ///
    /// # Panics
    /// Where it does not end.
    #[track_caller]
    pub(crate) fn output(mut self) -> Output {
        let mut child = self.command.spawn().unwrap();
        let mut stdout = Log::of(child.stdout.take().unwrap());
        let mut stderr = Log::of(child.stderr.take().unwrap());
        let pid = Pid::from_raw(child.id().try_into().unwrap());
        let (ended, end) = std::sync::mpsc::channel();
        let waiter = std::thread::spawn(move || {
            let status = child.wait().unwrap();
            // There is no receiver if the test has failed.
            let _ = ended.send(());
            status
        });
        let in_time = end.recv_timeout(TIMEOUT).is_ok();
        if !in_time {
            kill(pid, Signal::SIGKILL).unwrap();
        }
        let status = waiter.join().unwrap();
        let output = Output {
            code: status.code(),
            stdout: stdout.finish().join("\n"),
            stderr: stderr.finish().join("\n"),
        };
        assert!(in_time, "it did not end in {TIMEOUT:?}: {output:#?}");
        output
    }
}

impl Output {
    /// # Panics
    /// Where it ended with another code.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }
}

/// The variable that overrides a key of the configuration.
pub(crate) fn variable(key: &str) -> String {
    format!("LASTCALL__{}", key.to_ascii_uppercase().replace('.', "__"))
}
