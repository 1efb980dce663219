//! The rules of the house as pure checks: text in, findings out, so that each can be shown to fail.

mod architecture;
mod leftover;
mod length;
mod manifest;
mod order;
mod safety;
mod source;

pub use architecture::architecture;
pub use leftover::{ignored_tests, leftovers};
pub use length::{FILE_LINES_MAX, FUNCTION_LINES_MAX, file_length, function_lengths};
pub use manifest::{FEATURES_MAX, crate_direction, features};
pub use order::{ModuleOrder, module_direction};
pub use safety::{forbids_unsafe, unsafe_code};
pub use source::{Source, workspace_root, workspace_sources};

/// One breach of a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// File, relative to the workspace root.
    pub path: String,
    /// Line, from 1; 0 where the whole file is meant.
    pub line: usize,
    /// What is wrong, and what is allowed.
    pub what: String,
}

impl Finding {
    /// A finding at `line` of `source`.
    pub fn at(source: &Source, line: usize, what: impl Into<String>) -> Finding {
        Finding { path: source.path.clone(), line, what: what.into() }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}:{}: {}", self.path, self.line, self.what)
    }
}
