//! Exit codes: 0, 1 and 2 as usual, 64 and up as in `sysexits.h`.

use std::process::ExitCode;

/// How the process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All went well.
    Clean = 0,
    /// A check of a data contract does not hold.
    CheckFailed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The input cannot be used as what it claims to be.
    BadData = 65,
    /// The input file is not there or cannot be read.
    NoInput = 66,
    /// A dependency (database, blob store, port) is unavailable at the start.
    Unavailable = 69,
    /// A service exhausted its restarts, or something failed that should not.
    Software = 70,
    /// The output file cannot be written.
    CannotCreate = 73,
    /// The output could not be written to standard output.
    Io = 74,
    /// The deadline passed and work was handed back: nothing is lost, it runs again.
    HandedBack = 75,
    /// The configuration is wrong.
    Config = 78,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

/// A failure, with the exit code of the process.
#[derive(Debug)]
pub struct Failure {
    /// The code.
    pub exit: Exit,
    /// What happened.
    pub error: anyhow::Error,
}

impl Failure {
    /// A failure that ends the process with `exit`.
    pub fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        let error = error.into();
        Self { exit, error }
    }
}
