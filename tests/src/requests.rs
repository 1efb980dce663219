//! Requests of others, raw: a gzip file of JSON lines each.

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

/// One request, as a client sends it.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its name in the suite.
    pub id: String,
    /// What goes over the connection.
    pub bytes: Vec<u8>,
}

#[derive(Deserialize)]
struct Line {
    id: String,
    /// Base64 (RFC 4648 §4).
    raw: String,
}

/// The files of requests in the folder of the corpora, sorted.
pub fn files(corpora: &Path) -> Vec<PathBuf> {
    let entries = corpora.join("requests").read_dir().into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "gz"));
    files.sort();
    files
}

/// The requests of one file.
///
/// # Panics
/// Where it is no such file, or `gzip` is not installed.
pub fn read(file: &Path) -> Vec<Request> {
    let unpacked = Command::new("gzip").arg("-dc").arg(file).output().expect("gzip is installed");
    assert!(unpacked.status.success(), "{} is no gzip file", file.display());
    let lines = serde_json::Deserializer::from_slice(&unpacked.stdout).into_iter::<Line>();
    lines
        .map(|line| {
            let line = line.expect("each line is a request");
            let bytes = STANDARD.decode(&line.raw).expect("it is base64");
            Request { id: line.id, bytes }
        })
        .collect()
}
