//! The child process: typesets documents one after the other, within limits.

use std::any::Any;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use lastcall_child::guest::Wire;
use lastcall_child::guest::limits::{self, Limits};
use lastcall_child::guest::sandbox::{self, Capabilities};
use lastcall_domain::{Cancel, MAX_LOGO, MAX_TEMPLATE};
use nix::sys::resource::{Resource, setrlimit};

use super::protocol::{Reply, Request};
use crate::error::RenderError;
use crate::fonts::{FontConfig, FontFinder};
use crate::pdf::{self, Manuscript, Theme};

/// The largest document, in bytes of JSON. The limits of a report keep it to a few MiB.
const MAX_DOCUMENT: usize = 64 << 20;
/// Seconds of CPU time between the signal for a template's CPU limit and the kill.
const CPU_GRACE: u64 = 5;
/// The system's font folders and their configuration.
const FONT_FOLDERS: [&str; 5] = [
    "/usr",
    "/etc/fonts",
    "/var/cache/fontconfig",
    "/nix/store",
    "/run/current-system",
];
/// A user's font folders, below the home folder.
const HOME_FOLDERS: [&str; 2] = [".fonts", ".local/share/fonts"];

/// Typesets documents over standard input and output, as a child process of a
/// [`Typesetter`](super::Typesetter), until the host closes the pipe.
pub fn main() -> ExitCode {
    limits::prepare(c"lastcall-pdf");
    match serve(Wire) {
        Ok(()) => ExitCode::SUCCESS,
        // The host is gone or violates the protocol; nobody would read a message.
        Err(_) => ExitCode::FAILURE,
    }
}

fn serve(wire: Wire) -> io::Result<()> {
    let Some(Request::Begin {
        folder,
        memory,
        cpu_seconds,
    }) = wire.receive()?
    else {
        return Ok(());
    };
    limits::apply(&Limits {
        memory,
        // The child writes to the pipe only.
        file: 0,
        cpu_seconds: None,
    })?;
    if let Some(seconds) = cpu_seconds {
        // The signal of the soft limit identifies it; the hard limit is a plain SIGKILL.
        setrlimit(
            Resource::RLIMIT_CPU,
            seconds,
            seconds.saturating_add(CPU_GRACE),
        )?;
    }
    let mut peak = PeakMemory::open();
    let fonts = FontFinder::new(FontConfig::default());
    fonts.load_own();
    let capabilities = match enter_sandbox(&folder) {
        Ok(capabilities) => capabilities,
        Err(error) => {
            let why = format!("the typesetter cannot enter the sandbox: {error}");
            return wire.send(&Reply::Failed(why));
        }
    };
    wire.send(&Reply::Ready(capabilities))?;
    loop {
        let Some(manuscript) = receive(wire)? else {
            return Ok(());
        };
        match typeset(&manuscript, &fonts) {
            Ok(pdf) => {
                let mut output = wire.output();
                output.write_all(&pdf)?;
                output.flush()?;
                drop((output, pdf));
                wire.send(&Reply::Done {
                    resident: peak.bytes(),
                })?;
            }
            Err(why) => wire.send(&why)?,
        }
    }
}

/// The next document; `None` once the host has closed the pipe.
fn receive(wire: Wire) -> io::Result<Option<Manuscript>> {
    let Some(Request::Document {
        created_at,
        bytes,
        template,
        logo,
        colors,
    }) = wire.receive()?
    else {
        return Ok(None);
    };
    if bytes > MAX_DOCUMENT
        || template.is_some_and(|bytes| bytes > MAX_TEMPLATE)
        || logo.is_some_and(|bytes| bytes > MAX_LOGO)
    {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let text = |bytes| String::from_utf8(wire.receive_data(bytes)?).map_err(io::Error::other);
    let json = text(bytes)?;
    let source = template.map(text).transpose()?;
    let logo = logo.map(|bytes| wire.receive_data(bytes)).transpose()?;
    let theme = Theme {
        source,
        logo: logo.map(Into::into),
        colors,
    };
    Ok(Some(Manuscript {
        json,
        created_at,
        theme,
    }))
}

/// Typesets a document; a panic fails it.
fn typeset(manuscript: &Manuscript, fonts: &FontFinder) -> Result<Vec<u8>, Reply> {
    let set = || pdf::typeset(manuscript, fonts, &Cancel::new());
    match catch_unwind(AssertUnwindSafe(set)) {
        Ok(Ok(pdf)) => Ok(pdf),
        Ok(Err(RenderError::Typeset(why))) => Err(Reply::Failed(why)),
        Ok(Err(RenderError::Template(why))) => Err(Reply::TemplateFailed(why)),
        Ok(Err(error @ RenderError::Threads(_))) => Err(Reply::Exhausted(error.to_string())),
        Ok(Err(error)) => Err(Reply::Failed(error.to_string())),
        Err(panic) => {
            let why = format!("the typesetter panicked: {}", message(&*panic));
            Err(match manuscript.theme.is_untrusted() {
                true => Reply::TemplateFailed(why),
                false => Reply::Failed(why),
            })
        }
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

/// Restricts the process to its folder and the fonts; forbids sockets and starting programs.
fn enter_sandbox(folder: &Path) -> io::Result<Capabilities> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let of_user = HOME_FOLDERS.map(|folder| home.as_ref().map(|home| home.join(folder)));
    let folders: Vec<_> = FONT_FOLDERS
        .iter()
        .map(PathBuf::from)
        .chain(of_user.into_iter().flatten())
        .collect();
    let folders: Vec<_> = folders.iter().map(PathBuf::as_path).collect();
    sandbox::enter(folder, &folders)
}

/// The peak memory of this process.
///
/// Not from `getrusage`, which includes the memory of the parent at the fork: the child of a
/// large service would seem large from its first document on.
struct PeakMemory {
    /// Opened before the sandbox, in which it remains readable.
    status: Option<File>,
}

impl PeakMemory {
    fn open() -> Self {
        Self {
            status: File::open("/proc/self/status").ok(),
        }
    }

    /// In bytes; 0 if unknown.
    fn bytes(&mut self) -> u64 {
        self.kibibytes().unwrap_or(0) * 1024
    }

    fn kibibytes(&mut self) -> Option<u64> {
        let status = self.status.as_mut()?;
        let mut text = String::new();
        status.rewind().ok()?;
        status.read_to_string(&mut text).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().strip_suffix("kB")?.trim().parse().ok()
    }
}
