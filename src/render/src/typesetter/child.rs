//! The child's side: typesets documents one after the other, within limits.

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
use crate::pdf::{self, Look, Manuscript};

/// The largest document, in bytes of JSON. What a document may hold makes a few MiB.
const MAX_DOCUMENT: usize = 64 << 20;
/// Seconds of processor time between the signal that a template has used up its own and the kill.
const CPU_GRACE: u64 = 5;
/// Where the system has fonts, and what it knows of them.
const FONT_FOLDERS: [&str; 5] = [
    "/usr",
    "/etc/fonts",
    "/var/cache/fontconfig",
    "/nix/store",
    "/run/current-system",
];
/// Where a user has some, below the home folder.
const HOME_FOLDERS: [&str; 2] = [".fonts", ".local/share/fonts"];

/// Sets documents over standard input and output, as the child of a
/// [`Typesetter`](super::Typesetter), until the host closes the pipe.
pub fn main() -> ExitCode {
    limits::prepare(c"lastcall-pdf");
    match serve(Wire) {
        Ok(()) => ExitCode::SUCCESS,
        // The host is gone or talks nonsense; either way nobody reads a message.
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
        // It writes to nothing but the pipe.
        file: 0,
        cpu_seconds: None,
    })?;
    if let Some(seconds) = cpu_seconds {
        // The signal of the first limit says what it was; the second is a kill like any other.
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
            let why = format!("the typesetter cannot be shut in: {error}");
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

/// The next document; nothing when the host has closed the pipe.
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
    let look = Look {
        source,
        logo: logo.map(Into::into),
        colors,
    };
    Ok(Some(Manuscript {
        json,
        created_at,
        look,
    }))
}

/// Sets a document; a panic is its failure.
fn typeset(manuscript: &Manuscript, fonts: &FontFinder) -> Result<Vec<u8>, Reply> {
    let set = || pdf::typeset(manuscript, fonts, &Cancel::new());
    match catch_unwind(AssertUnwindSafe(set)) {
        Ok(Ok(pdf)) => Ok(pdf),
        Ok(Err(RenderError::Typeset(why))) => Err(Reply::Failed(why)),
        Ok(Err(RenderError::Template(why))) => Err(Reply::Mistaken(why)),
        Ok(Err(error @ RenderError::Threads(_))) => Err(Reply::Exhausted(error.to_string())),
        Ok(Err(error)) => Err(Reply::Failed(error.to_string())),
        Err(panic) => {
            let why = format!("the typesetter panicked: {}", message(&*panic));
            Err(match manuscript.look.is_untrusted() {
                true => Reply::Mistaken(why),
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

/// Leaves the process nothing but its folder and the fonts, and neither sockets nor programs.
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

/// The most that this process has ever had in memory.
///
/// Not `getrusage`: the kernel counts there what the parent had in memory when it started this
/// process, so that the child of a large service would look large from its first document on.
struct PeakMemory {
    /// Opened before the sandbox, which allows to read it on.
    status: Option<File>,
}

impl PeakMemory {
    fn open() -> Self {
        Self {
            status: File::open("/proc/self/status").ok(),
        }
    }

    /// In bytes; 0 where the system does not say.
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
