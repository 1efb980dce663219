//! Unsafe code stands where its reasons are written down, and nowhere else.

use proc_macro2::{TokenStream, TokenTree};

use super::{Finding, Source};

/// The crate that exists to wrap unsafe code.
const UNSAFE_CRATE: &str = "dataplane/af-xdp";

/// One place beside it: vector instructions of the scanner.
const SIMD_FILES: &str = "dlp-patterns/src/simd";

/// Another: files are mapped into memory, where compiled rule sets are read.
const MAP_FILE: &str = "dlp-patterns/src/cache/mapped_file.rs";

/// A third: memory is asked for before it is needed, by an instruction that Rust has no safe name for.
const PREFETCH_FILE: &str = "dataplane/flow-table/src/prefetch.rs";

/// The last, outside of the product: calls into the library of C that Weir is measured against.
const PEER_FILE: &str = "perf/src/matching/hyperscan.rs";

/// Each `unsafe` outside of the places that may hold it. Comments and strings are no code.
pub fn unsafe_code(source: &Source) -> Vec<Finding> {
    let is_named = [MAP_FILE, PREFETCH_FILE, PEER_FILE].contains(&source.path.as_str());
    if source.is_in(UNSAFE_CRATE) || source.path.starts_with(SIMD_FILES) || is_named {
        return Vec::new();
    }
    let Ok(tokens) = source.text.parse::<TokenStream>() else {
        return vec![Finding::at(source, 0, "not Rust")];
    };
    let mut findings = Vec::new();
    collect(source, tokens, &mut findings);
    findings
}

fn collect(source: &Source, tokens: TokenStream, findings: &mut Vec<Finding>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => collect(source, group.stream(), findings),
            TokenTree::Ident(ident) if ident == "unsafe" => {
                let what = "unsafe code; it belongs into dataplane/af-xdp";
                findings.push(Finding::at(source, ident.span().start().line, what));
            }
            _ => {}
        }
    }
}

/// A crate root (`src/lib.rs`, `src/main.rs`) that does not forbid unsafe code though it must. A root
/// beside SIMD files, the prefetching or the peer's file may deny instead, for a module can lift that.
pub fn forbids_unsafe(source: &Source, has_simd: bool) -> Option<Finding> {
    let root = source.path.strip_suffix("/src/lib.rs").or(source.path.strip_suffix("/src/main.rs"))?;
    if root == UNSAFE_CRATE {
        return None;
    }
    let says = |attribute: &str| source.text.lines().any(|line| line.trim() == attribute);
    let may_deny = ["perf", "dataplane/flow-table"].contains(&root) || (root == "dlp-patterns" && has_simd);
    if (may_deny && says("#![deny(unsafe_code)]")) || says("#![forbid(unsafe_code)]") {
        return None;
    }
    Some(Finding::at(source, 1, "the crate root lacks #![forbid(unsafe_code)]"))
}
