//! `weir verdicts`

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, anyhow};

use super::{VerdictsArgs, print};
use crate::failure::Failure;
use crate::verdicts::Verdicts;

/// Shows the verdicts in EVE lines, then the last counters.
pub(super) fn verdicts(args: &VerdictsArgs) -> Result<(), Failure> {
    let name = args.file.display();
    let reader: Box<dyn BufRead> = match args.file.as_path() {
        path if path == Path::new("-") => Box::new(io::stdin().lock()),
        path => Box::new(BufReader::new(File::open(path).with_context(|| name.to_string())?)),
    };
    let verdicts = Verdicts::read(reader).with_context(|| name.to_string())?;
    // Of another file it is not known that nothing was stopped.
    if verdicts.illegible() == 0 || !verdicts.is_empty() {
        print(&verdicts.to_string())?;
    }
    match verdicts.illegible() {
        0 => Ok(()),
        lines => Err(anyhow!("{name}: {lines} lines are no EVE events").into()),
    }
}
