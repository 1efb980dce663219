//! The programs under measure, built in release mode.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Builds the program `name` that `targets`, options of cargo, choose; returns its path.
pub(crate) fn built(targets: &[&str], name: &str) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--release", "--message-format", "json"])
        .args(targets)
        .current_dir(workspace_root())
        .stderr(Stdio::inherit())
        .output()
        .context("cargo does not start")?;
    if !output.status.success() {
        bail!("{name} does not build");
    }
    let artifacts = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>();
    artifacts
        .filter_map(Result::ok)
        .filter_map(|artifact| artifact["executable"].as_str().map(PathBuf::from))
        .find(|path| path.file_stem().is_some_and(|stem| stem == name))
        .context("cargo named no binary")
}

/// The folder that holds the workspace.
fn workspace_root() -> PathBuf {
    let perf = Path::new(env!("CARGO_MANIFEST_DIR"));
    perf.parent().expect("the perf crate lies in the workspace root").to_owned()
}
