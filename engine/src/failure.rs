//! Why a command did not do what it was asked, and the exit code that says so.

use std::fmt;
use std::io;
use std::path::Path;
use std::process::ExitCode;

/// Why a command failed. Each kind has one exit code; 2 is the command line parser's.
#[derive(Debug)]
pub enum Failure {
    /// A check or a test says no, or something went wrong on the way.
    No(anyhow::Error),
    /// The machine or the user lacks what it takes: a capability, AF_XDP, a kernel feature.
    Missing(anyhow::Error),
    /// What the operator wrote is wrong: every mistake, one an entry.
    Mistakes(Vec<String>),
}

impl Failure {
    /// The text of a mistake: a file or folder that could not be opened or read, and what may help.
    pub fn unusable(path: &Path, error: &io::Error) -> String {
        let told = format!("{}: {error}", path.display());
        match hint(error.kind()) {
            Some(hint) => format!("{told}\n  hint: {hint}"),
            None => told,
        }
    }

    /// 1 "no", 77 missing capability, 78 bad config or packs (sysexits' EX_NOPERM and EX_CONFIG).
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Failure::No(_) => 1,
            Failure::Missing(_) => 77,
            Failure::Mistakes(_) => 78,
        })
    }
}

fn hint(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::NotFound => Some("is the path right, and does its folder exist?"),
        io::ErrorKind::PermissionDenied => Some("the user that runs weir needs the right to it (`ls -l`)"),
        io::ErrorKind::IsADirectory => Some("a file belongs here, not a folder"),
        io::ErrorKind::NotADirectory => Some("a folder belongs here, not a file"),
        io::ErrorKind::InvalidData => Some("it must be text in UTF-8"),
        _ => None,
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Failure {
        Failure::No(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::No(error) | Failure::Missing(error) => write!(f, "weir: {error:#}"),
            Failure::Mistakes(mistakes) => {
                mistakes.iter().try_for_each(|mistake| writeln!(f, "{mistake}"))?;
                let plural = if mistakes.len() == 1 { "" } else { "s" };
                write!(f, "weir: {} mistake{plural}", mistakes.len())
            }
        }
    }
}
