//! The programs under measure: built in release mode, or found where they are installed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// How a program is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// What users get, and the only one that is measured.
    Release,
    /// As the tests are: for trying whether measuring works.
    #[cfg(test)]
    Dev,
}

impl Profile {
    fn as_str(self) -> &'static str {
        match self {
            Profile::Release => "release",
            #[cfg(test)]
            Profile::Dev => "dev",
        }
    }
}

/// Builds the program `name` that `targets`, options of cargo, choose; returns its path.
pub(crate) fn built(profile: Profile, targets: &[&str], name: &str) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--profile", profile.as_str(), "--message-format", "json"])
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

/// The path of a program that is installed; administrators' programs too, whose folders not every PATH holds.
pub(crate) fn installed(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// The folder that holds the workspace.
fn workspace_root() -> PathBuf {
    let perf = Path::new(env!("CARGO_MANIFEST_DIR"));
    perf.parent().expect("the perf crate lies in the workspace root").to_owned()
}
