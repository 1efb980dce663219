//! Weir as a contestant: its release binary, its default packs, the events that the peer writes too.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::measure::workspace_root;

const CONFIG: &str = r#"
[events]
types = ["alert", "drop", "flow", "http", "anomaly"]
"#;

/// The built binary, and the file that configures it.
#[derive(Clone, Debug)]
pub(crate) struct Weir {
    /// The program.
    pub(crate) binary: PathBuf,
    config: PathBuf,
}

impl Weir {
    /// Builds the release binary, and writes its configuration into `folder`.
    pub(crate) fn prepare(folder: &Path) -> Result<Weir> {
        let config = folder.join("weir.toml");
        std::fs::write(&config, CONFIG).context("cannot write the configuration")?;
        Ok(Weir { binary: build()?, config })
    }

    /// Arguments that replay `capture` and log to `eve`.
    pub(crate) fn arguments(&self, capture: &Path, eve: &Path) -> Vec<String> {
        let text = |path: &Path| path.display().to_string();
        let options =
            ["--config".into(), text(&self.config), "--eve".into(), text(eve), "-o".into(), "json".into()];
        ["replay".to_owned(), text(capture)].into_iter().chain(options).collect()
    }
}

fn build() -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--release", "--package", "engine", "--bin", "weir", "--message-format", "json"])
        .current_dir(workspace_root())
        .stderr(Stdio::inherit())
        .output()
        .context("cargo does not start")?;
    if !output.status.success() {
        bail!("the engine does not build");
    }
    let artifacts = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>();
    artifacts
        .filter_map(Result::ok)
        .filter_map(|artifact| artifact["executable"].as_str().map(PathBuf::from))
        .find(|path| path.file_stem().is_some_and(|name| name == "weir"))
        .context("cargo named no binary")
}
