//! The map stays short and true.

use super::{Finding, Source};

/// Lines of ARCHITECTURE.md.
const MAP_LINES_MAX: usize = 150;

/// The map, where it is too long, and each path in it of which `exists` knows nothing.
pub fn architecture(source: &Source, exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let lines = source.text.lines().count();
    if lines > MAP_LINES_MAX {
        findings.push(Finding::at(source, 0, format!("{lines} lines; at most {MAP_LINES_MAX} are allowed")));
    }
    for (line, text) in source.text.lines().enumerate() {
        // Behind an odd number of backticks stands code.
        for path in text.split('`').skip(1).step_by(2).filter(|code| is_path(code)) {
            if !exists(path) {
                findings.push(Finding::at(source, line + 1, format!("{path} does not exist")));
            }
        }
    }
    findings
}

fn is_path(code: &str) -> bool {
    const ENDINGS: [&str; 4] = [".rs", ".toml", ".md", ".c"];
    let plain = code.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte));
    let relative = !code.starts_with('/') && !code.starts_with("..");
    plain && relative && (code.contains('/') || ENDINGS.iter().any(|ending| code.ends_with(ending)))
}
