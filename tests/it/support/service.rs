//! A running service.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use lastcall_actors::log_lines;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::command::variable;
use super::log::{Log, message};
use super::{Client, Home, TIMEOUT};

/// What the ready line begins with.
const READY: [&str; 2] = [log_lines::READY, log_lines::READY_TLS];

/// A service that has not been started.
pub(crate) struct Builder {
    home: Home,
    program: PathBuf,
    config: Option<PathBuf>,
    settings: BTreeMap<String, String>,
}

impl Builder {
    /// A service on this folder, by the program under test, without settings.
    pub(super) fn new(home: Home) -> Self {
        Self {
            home,
            program: env!("CARGO_BIN_EXE_lastcall").into(),
            config: None,
            settings: BTreeMap::new(),
        }
    }

    /// With this copy of the program.
    pub(crate) fn program(mut self, file: &Path) -> Self {
        self.program = file.to_owned();
        self
    }

    /// With this file of the configuration.
    pub(crate) fn config(mut self, file: &Path) -> Self {
        self.config = Some(file.to_owned());
        self
    }

    /// With this key of the configuration, by the environment.
    pub(crate) fn set(mut self, key: &str, value: impl Into<String>) -> Self {
        self.settings.insert(variable(key), value.into());
        self
    }

    /// With this variable in its environment.
    pub(crate) fn env(mut self, variable: &str, value: impl Into<String>) -> Self {
        self.settings.insert(variable.to_owned(), value.into());
        self
    }

    /// Starts it and waits until it is ready.
    #[track_caller]
    pub(crate) fn start(self) -> Service {
        let mut service = self.spawn();
        service.ready();
        service
    }

    /// How it is started, with its log in a pipe.
    pub(crate) fn command(&self) -> Command {
        self.command_of(&self.program)
    }

    /// The same, by another program that becomes it.
    pub(crate) fn command_of(&self, program: &Path) -> Command {
        let config = self
            .config
            .iter()
            .flat_map(|file| [Path::new("--config"), file]);
        let mut command = Command::new(program);
        command
            .args(config)
            .env_clear()
            .envs(&self.settings)
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command
    }

    /// Starts it.
    pub(crate) fn spawn(self) -> Service {
        let command = self.command();
        self.spawn_by(command)
    }

    /// Starts it by this command.
    pub(crate) fn spawn_by(self, mut command: Command) -> Service {
        let begun = Instant::now();
        let mut child = command.spawn().unwrap();
        let pid = child.id().try_into().unwrap();
        let log = Log::of(child.stderr.take().unwrap());
        Service {
            _home: self.home,
            pid,
            log,
            end: end_of(child),
            ended: None,
            base: String::new(),
            begun,
            signalled: None,
        }
    }
}

fn end_of(mut child: Child) -> Receiver<(ExitStatus, Instant)> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let status = child.wait().unwrap();
        // There is no receiver if the test has failed.
        let _ = sender.send((status, Instant::now()));
    });
    receiver
}

/// A service that was started. Ends with its test; if that has failed, its log is printed.
pub(crate) struct Service {
    /// Keeps the folder as long as the process may use it.
    _home: Home,
    pid: i32,
    log: Log,
    end: Receiver<(ExitStatus, Instant)>,
    ended: Option<(ExitStatus, Instant)>,
    base: String,
    begun: Instant,
    signalled: Option<Instant>,
}

/// A service that has ended.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    /// The exit code; `None` where a signal ended it.
    pub(crate) code: Option<i32>,
    /// The messages of the log, without times and levels.
    pub(crate) log: Vec<String>,
    /// The log as it was written.
    pub(crate) raw: Vec<String>,
    /// From the first signal, or the call of [`Service::expect_end`], to the exit.
    pub(crate) elapsed: Duration,
}

impl Service {
    /// Waits for the ready line; the time since the process was started.
    ///
    /// # Panics
    /// Where it ends without one.
    #[track_caller]
    pub(crate) fn ready(&mut self) -> Duration {
        let line = self.log.wait_for("ready", |line| {
            READY.iter().any(|ready| line.starts_with(ready))
        });
        let elapsed = self.begun.elapsed();
        let line = line.expect("it was ready");
        let (_, base) = line.rsplit_once(' ').unwrap();
        self.base = base.to_owned();
        elapsed
    }

    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    pub(crate) fn address(&self) -> &str {
        self.base.split_once("://").unwrap().1
    }

    /// The address for administration, where it has one of its own.
    #[track_caller]
    pub(crate) fn admin_address(&self) -> String {
        const LINE: &str = "administration on http://";
        let line = self.log.wait_for(LINE, |line| line.starts_with(LINE));
        let line = line.expect("it has an address for administration");
        line[LINE.len()..].to_owned()
    }

    /// A client with connections of its own.
    pub(crate) fn client(&self) -> Client {
        Client::new(&self.base)
    }

    /// Waits for a message of the log.
    #[track_caller]
    pub(crate) fn wait_for_line(&self, text: &str) {
        let found = self.log.wait_for(text, |line| line.contains(text));
        found.unwrap_or_else(|| panic!("the log ended without {text:?}"));
    }

    /// The log so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.log.lines()
    }

    /// The messages of the log so far.
    pub(crate) fn messages(&self) -> Vec<String> {
        messages(&self.log.lines())
    }

    pub(crate) fn signal(&mut self, signal: Signal) {
        self.mark();
        match kill(Pid::from_raw(self.pid), signal) {
            // It has ended by itself, which the wait for its end reports.
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(error) => panic!("it does not take {signal}: {error}"),
        }
    }

    /// From here on [`Ended::elapsed`] is counted, if no signal was sent before.
    pub(crate) fn mark(&mut self) {
        self.signalled.get_or_insert_with(Instant::now);
    }

    /// Kills it, as a crash would.
    pub(crate) fn kill9(mut self) {
        self.signal(Signal::SIGKILL);
        self.finish();
    }

    /// SIGTERM, and the end.
    #[track_caller]
    pub(crate) fn terminate(mut self) -> Ended {
        self.signal(Signal::SIGTERM);
        self.wait()
    }

    /// SIGTERM, and the end with exit code 0.
    #[track_caller]
    pub(crate) fn stop(self) -> Ended {
        self.terminate().expect(0)
    }

    /// Waits for the end.
    ///
    /// # Panics
    /// Where it does not come.
    #[track_caller]
    pub(crate) fn wait(mut self) -> Ended {
        let (status, at) = self.finish();
        let raw = self.log.finish();
        Ended {
            code: status.code(),
            log: messages(&raw),
            raw,
            elapsed: at.duration_since(self.signalled.unwrap_or(self.begun)),
        }
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        if self.ended.is_none() {
            self.ended = self.end.try_recv().ok();
        }
        self.ended.is_some()
    }

    #[track_caller]
    fn finish(&mut self) -> (ExitStatus, Instant) {
        if let Some(ended) = self.ended {
            return ended;
        }
        let ended = self.end.recv_timeout(TIMEOUT);
        let ended = ended.unwrap_or_else(|_| panic!("it did not end in {TIMEOUT:?}"));
        self.ended = Some(ended);
        ended
    }
}

fn messages(lines: &[String]) -> Vec<String> {
    lines.iter().map(|line| message(line).to_owned()).collect()
}

impl Drop for Service {
    fn drop(&mut self) {
        if !self.has_ended() {
            // It may have ended just now.
            let _ = kill(Pid::from_raw(self.pid), Signal::SIGKILL);
            self.ended = self.end.recv_timeout(TIMEOUT).ok();
        }
        if std::thread::panicking() {
            eprintln!("--- log of process {}", self.pid);
            for line in self.log.finish() {
                eprintln!("{line}");
            }
            eprintln!("--- it ended: {:?}", self.ended.map(|(status, _)| status));
        }
    }
}

impl Ended {
    /// # Panics
    /// Where it ended with another code.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// # Panics
    /// Where it took longer since the first signal.
    #[track_caller]
    pub(crate) fn within(self, bound: Duration) -> Self {
        assert!(
            self.elapsed <= bound,
            "took longer than {bound:?}: {self:#?}"
        );
        self
    }

    /// Whether a line of the log contains `text`.
    pub(crate) fn says(&self, text: &str) -> bool {
        self.log.iter().any(|line| line.contains(text))
    }

    /// The lines of the contract that are there, in the order of the log.
    pub(crate) fn contract_lines(&self) -> Vec<&str> {
        self.log
            .iter()
            .map(String::as_str)
            .map(|line| {
                if line.starts_with(log_lines::READY) {
                    log_lines::READY
                } else {
                    line
                }
            })
            .filter(|line| CONTRACT_LINES.contains(line))
            .collect()
    }
}

/// The lines of a run that ended well, in their order; the first without its address.
pub(crate) const CONTRACT_LINES: [&str; 9] = [
    log_lines::READY,
    log_lines::SHUTTING_DOWN,
    log_lines::CLEANER_BEGIN,
    log_lines::CLEANER_END,
    log_lines::REPORT_BEGIN,
    log_lines::REPORT_END,
    log_lines::ANALYSIS_BEGIN,
    log_lines::ANALYSIS_END,
    log_lines::ALL_DOWN,
];
