//! Why a command did not do what it was asked, and the exit code that says so.

use std::fmt;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use anyhow::anyhow;
use dlp_patterns::document::Place;

use crate::count::Count;

/// Why a command failed. Each kind has one exit code; 2 is the command line parser's.
#[derive(Debug)]
pub enum Failure {
    /// A check or a test says no, or something went wrong on the way.
    No(anyhow::Error),
    /// The machine or the user lacks what it takes: a capability, AF_XDP, a kernel feature.
    Missing(anyhow::Error),
    /// What the operator wrote is wrong: every mistake, one an entry.
    Mistakes(Vec<String>),
    /// Several at once, of different kinds.
    Several(Vec<Failure>),
}

impl Failure {
    /// What several failures come to; `None` where there is none.
    pub fn all(mut failures: Vec<Failure>) -> Option<Failure> {
        match failures.len() {
            0 => None,
            1 => failures.pop(),
            _ if failures.iter().all(|failure| matches!(failure, Failure::Mistakes(_))) => {
                Some(Failure::Mistakes(failures.iter().flat_map(Failure::texts).collect()))
            }
            _ => Some(Failure::Several(failures)),
        }
    }

    /// The same, of what stands there in a file of the operator's.
    pub fn at(self, place: &Place) -> Failure {
        let Place { file, line, column } = place;
        let told = |text: String| format!("{file}:{line}:{column}: {text}");
        match self {
            Failure::No(error) => Failure::No(anyhow!(told(format!("{error:#}")))),
            Failure::Missing(error) => Failure::Missing(anyhow!(told(format!("{error:#}")))),
            Failure::Mistakes(mistakes) => Failure::Mistakes(mistakes.into_iter().map(told).collect()),
            Failure::Several(failures) => {
                Failure::Several(failures.into_iter().map(|failure| failure.at(place)).collect())
            }
        }
    }

    /// The text of a mistake: a file or folder that could not be opened or read, and what may help.
    pub fn unusable(path: &Path, error: &io::Error) -> String {
        let told = format!("{}: {error}", path.display());
        match hint(error.kind()) {
            Some(hint) => format!("{told}\n  hint: {hint}"),
            None => told,
        }
    }

    /// 1 "no", 77 missing capability, 78 bad config or packs (sysexits' EX_NOPERM and EX_CONFIG). Of several it is the
    /// highest: what is wrong in a file stays wrong on a machine that has what it takes.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code())
    }

    fn code(&self) -> u8 {
        match self {
            Failure::No(_) => 1,
            Failure::Missing(_) => 77,
            Failure::Mistakes(_) => 78,
            Failure::Several(failures) => failures.iter().map(Failure::code).max().unwrap_or(1),
        }
    }

    /// What is to be told of it, each with its hint.
    fn texts(&self) -> Vec<String> {
        match self {
            Failure::No(error) | Failure::Missing(error) => vec![format!("{error:#}")],
            Failure::Mistakes(mistakes) => mistakes.clone(),
            Failure::Several(failures) => failures.iter().flat_map(Failure::texts).collect(),
        }
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
            Failure::Mistakes(_) | Failure::Several(_) => {
                let texts = self.texts();
                texts.iter().try_for_each(|text| writeln!(f, "{text}"))?;
                let kind = if matches!(self, Failure::Mistakes(_)) { "mistake" } else { "obstacle" };
                write!(f, "weir: {}", Count(texts.len(), kind))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_failures_are_told_as_one() {
        let mistake = |text: &str| Failure::Mistakes(vec![text.to_owned()]);
        assert!(Failure::all(Vec::new()).is_none());
        let alone = Failure::all(vec![Failure::Missing(anyhow!("no right"))]).expect("one");
        assert_eq!((alone.to_string().as_str(), alone.code()), ("weir: no right", 77));
        let mistakes = Failure::all(vec![mistake("a"), mistake("b")]).expect("two");
        assert_eq!((mistakes.to_string().as_str(), mistakes.code()), ("a\nb\nweir: 2 mistakes", 78));
        let mixed = Failure::all(vec![mistake("a"), Failure::No(anyhow!("taken"))]).expect("two");
        assert_eq!((mixed.to_string().as_str(), mixed.code()), ("a\ntaken\nweir: 2 obstacles", 78));
        let place = Place { file: "weir.toml".to_owned(), line: 3, column: 1 };
        let placed = Failure::No(anyhow!("link lan: taken")).at(&place);
        assert_eq!(placed.to_string(), "weir: weir.toml:3:1: link lan: taken");
        let missing = vec![Failure::No(anyhow!("taken")), Failure::Missing(anyhow!("no right"))];
        assert_eq!(Failure::all(missing).expect("two").code(), 77);
    }
}
