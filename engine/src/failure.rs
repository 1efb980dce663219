//! Why a command did not do what it was asked, and the exit code that says so.

use std::fmt;
use std::process::ExitCode;

use dlp_patterns::document::Mistake;

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
    /// Mistakes in texts that could be read.
    pub fn mistakes(mistakes: &[Mistake]) -> Failure {
        Failure::Mistakes(mistakes.iter().map(ToString::to_string).collect())
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
