//! The program under test, built once and run as its users run it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use crate::tidy::workspace_root;

/// What one `weir replay` said.
#[derive(Clone, Debug)]
pub struct Replay {
    /// Exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// The object on stdout; null where there was none.
    pub summary: Value,
    /// The EVE events, in order.
    pub events: Vec<Value>,
    /// What it said on stderr.
    pub stderr: String,
}

impl Replay {
    /// The `flow` events.
    ///
    /// # Panics
    /// Where the configuration was refused: nothing was replayed then.
    pub fn flows(&self) -> impl Iterator<Item = &Value> {
        assert_ne!(self.code, Some(78), "{}", self.stderr);
        self.events.iter().filter(|event| event["event_type"] == "flow")
    }
}

/// The binary; builds it first, so that it is never older than the sources.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let output = Command::new(env!("CARGO"))
            .args(["build", "--package", "engine", "--bin", "weir", "--message-format", "json"])
            .current_dir(workspace_root())
            .stderr(Stdio::inherit())
            .output()
            .expect("cargo runs");
        assert!(output.status.success(), "the engine does not build");
        let artifacts = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>();
        let path = artifacts
            .filter_map(Result::ok)
            .filter_map(|artifact| artifact["executable"].as_str().map(PathBuf::from))
            .find(|path| path.file_stem().is_some_and(|name| name == "weir"));
        path.expect("cargo names the binary that it built")
    })
}

/// Runs `weir replay capture` with `arguments`, and reads all that it tells.
pub fn replay(capture: &Path, arguments: &[&str]) -> Replay {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let eve = folder.path().join("eve.json");
    let output = Command::new(binary())
        .arg("replay")
        .arg(capture)
        .args(["-o", "json", "--eve"])
        .arg(&eve)
        .args(arguments)
        .output()
        .expect("weir starts");
    let log = std::fs::read_to_string(&eve).unwrap_or_default();
    Replay {
        code: output.status.code(),
        summary: serde_json::from_slice(&output.stdout).unwrap_or_default(),
        events: log.lines().map(|line| serde_json::from_str(line).expect("an event is JSON")).collect(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
