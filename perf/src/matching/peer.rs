//! Finding the library to measure against.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};
use clap::ValueEnum;

use super::hyperscan::Library;

/// Whom to run beside Weir.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Peer {
    /// Nobody.
    None,
    /// Hyperscan 5.
    Hyperscan,
    /// Vectorscan 5, which has the same interface and file name.
    Vectorscan,
}

/// Names that the library has on Linux.
const NAMES: [&str; 2] = ["libhs.so.5", "libhs.so"];
/// The last release of Hyperscan with a free licence; only Vectorscan counts on from there.
const HYPERSCAN_LAST: (u32, u32, u32) = (5, 4, 2);

/// A library that was loaded.
pub(crate) struct Loaded {
    /// Its functions.
    pub(crate) library: Library,
    /// What it was loaded as.
    pub(crate) path: PathBuf,
    /// What it says of its version.
    pub(crate) version: String,
}

impl Peer {
    /// What people call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Peer::None => "nobody",
            Peer::Hyperscan => "Hyperscan",
            Peer::Vectorscan => "Vectorscan",
        }
    }

    /// Loads the peer, from `path` if that is given; `None` if nobody is wanted.
    pub(crate) fn load(self, path: Option<&Path>) -> Result<Option<Loaded>> {
        if self == Peer::None {
            return Ok(None);
        }
        let paths: Vec<&Path> = path.map_or_else(|| NAMES.map(Path::new).to_vec(), |path| vec![path]);
        let mut errors = Vec::new();
        for path in paths {
            match Library::open(path) {
                Ok(library) => return self.known(library, path).map(Some),
                Err(error) => errors.push(format!("{error:#}")),
            }
        }
        bail!(
            "{} is not here: {}. Name the library with --peer-library, or measure with --peer none",
            self.name(),
            errors.join("; ")
        )
    }

    fn known(self, library: Library, path: &Path) -> Result<Loaded> {
        let version = library.version().trim().to_owned();
        let is_later = parts(&version).is_some_and(|version| version > HYPERSCAN_LAST);
        ensure!(
            self != Peer::Hyperscan || !is_later,
            "{} is Vectorscan {version}, not Hyperscan",
            path.display()
        );
        ensure!(
            self != Peer::Vectorscan || is_later,
            "{} is Hyperscan {version}, not Vectorscan; name the library with --peer-library",
            path.display()
        );
        Ok(Loaded { library, path: path.to_owned(), version })
    }
}

/// The three numbers that a version begins with.
fn parts(version: &str) -> Option<(u32, u32, u32)> {
    let mut numbers = version.split_whitespace().next()?.split('.').map(|part| part.parse().ok());
    Some((numbers.next()??, numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_three_numbers() {
        assert_eq!(parts("5.4.0 2021-01-26"), Some((5, 4, 0)));
        assert_eq!(parts("5.4.12"), Some((5, 4, 12)));
        assert_eq!(parts("five"), None);
    }

    #[test]
    fn a_peer_that_is_not_here_is_named_with_what_to_do() {
        let error = Peer::Hyperscan
            .load(Some(Path::new("/nowhere/libhs.so")))
            .map(|_| ())
            .expect_err("nothing there");
        let text = error.to_string();
        assert!(text.contains("/nowhere/libhs.so") && text.contains("--peer-library"), "{text}");
        assert!(Peer::None.load(None).expect("nobody is always here").is_none());
    }
}
