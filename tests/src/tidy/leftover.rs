//! Nothing is left half done, and nothing speaks of one machine.

use super::{Finding, Source};

/// Words that promise instead of doing. Split so that this file does not find itself.
const PROMISES: [&str; 5] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("for", " now"),
    concat!("in a later", " version"),
    concat!("not yet", " implemented"),
];

/// Folders that exist on one machine only.
const MACHINE_PATHS: [&str; 2] = [concat!("/wo", "rk/"), concat!("/root/.", "cargo")];

/// How the lines begin that a merge leaves where it could not decide: seven of these and a blank.
const CONFLICT_MARKS: [char; 3] = ['<', '|', '>'];

/// Each promise, `todo` macro, machine path or conflict mark in the text, comments and strings included.
pub fn leftovers(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, text) in source.text.lines().enumerate() {
        let words = PROMISES.iter().chain(&MACHINE_PATHS).filter(|word| text.contains(**word));
        findings.extend(words.map(|word| Finding::at(source, line + 1, format!("left over: {word:?}"))));
        if CONFLICT_MARKS.iter().any(|mark| {
            text.strip_prefix(&mark.to_string().repeat(7)).is_some_and(|rest| rest.starts_with(' '))
        }) {
            findings.push(Finding::at(source, line + 1, "left over: a conflict of a merge"));
        }
        for name in [concat!("to", "do!("), concat!("unimple", "mented!(")] {
            if source.is_rust() && text.contains(name) {
                findings.push(Finding::at(source, line + 1, format!("left over: {name}")));
            }
        }
    }
    findings
}

/// Each test that is switched off without a word of who runs it: a command, or another test.
pub fn ignored_tests(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, text) in source.text.lines().enumerate() {
        let Some(attribute) = text.trim().strip_prefix("#[ignore") else { continue };
        if !["cargo ", "make ", "tests run it"].iter().any(|runner| attribute.contains(runner)) {
            let what = "an ignored test must name the command or the test that runs it";
            findings.push(Finding::at(source, line + 1, what));
        }
    }
    findings
}
