//! `weir run` and `weir detach`.

use anyhow::anyhow;

use crate::cli::{DetachArgs, RunArgs};
use crate::config::Config;
use crate::failure::Failure;

/// Inspects the links of a config until stopped.
///
/// # Errors
/// If the config is wrong, or the machine lacks what it takes.
pub fn run(args: &RunArgs) -> Result<(), Failure> {
    Config::read(&args.config)?;
    Err(Failure::Missing(anyhow!("built without AF_XDP")))
}

/// Removes what is attached to links.
///
/// # Errors
/// If the machine or the user lacks what it takes.
pub fn detach(_: &DetachArgs) -> Result<(), Failure> {
    Err(Failure::Missing(anyhow!("built without AF_XDP")))
}
