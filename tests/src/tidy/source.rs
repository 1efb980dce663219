//! The text files of the workspace.

use std::fs;
use std::path::{Path, PathBuf};

/// One text file, named relative to the workspace root with `/` between folders.
#[derive(Clone, Debug)]
pub struct Source {
    /// `dataplane/src/lib.rs` and the like.
    pub path: String,
    /// All of it.
    pub text: String,
}

impl Source {
    /// A file that exists only in a test.
    pub fn new(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned() }
    }

    /// Whether it is Rust.
    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// The folder of the crate of this file, for crates that lie in the workspace root or one below.
    pub fn is_in(&self, folder: &str) -> bool {
        self.path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    }
}

/// The folder that holds the workspace.
pub fn workspace_root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the tests crate lies in the workspace root").to_owned()
}

/// Every text file under the workspace root, sorted; build output and hidden folders left out.
pub fn workspace_sources() -> Vec<Source> {
    let root = workspace_root();
    let mut sources = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("workspace folders are readable") {
            let path = entry.expect("workspace folders are readable").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.is_dir() {
                let is_hidden = name.starts_with('.') && name != ".ci" && name != ".cargo";
                if !is_hidden && name != "target" {
                    folders.push(path);
                }
            } else if name != ".git" {
                sources.extend(read(&root, &path));
            }
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    sources
}

/// `None` for what is no text.
fn read(root: &Path, path: &Path) -> Option<Source> {
    let text = fs::read_to_string(path).ok()?;
    let relative = path.strip_prefix(root).ok()?;
    Some(Source { path: relative.to_str()?.to_owned(), text })
}
