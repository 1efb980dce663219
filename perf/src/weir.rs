//! Weir as a contestant: its release binary, its default packs, the events that the peer writes too.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::build::{Profile, built};

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
        Ok(Weir {
            binary: built(Profile::Release, &["--package", "engine", "--bin", "weir"], "weir")?,
            config,
        })
    }

    /// Arguments that replay `capture` and log to `eve`.
    pub(crate) fn arguments(&self, capture: &Path, eve: &Path) -> Vec<String> {
        let text = |path: &Path| path.display().to_string();
        let options =
            ["--config".into(), text(&self.config), "--eve".into(), text(eve), "-o".into(), "json".into()];
        ["replay".to_owned(), text(capture)].into_iter().chain(options).collect()
    }
}
