//! The house keeps its own rules, and every rule can be broken.

use tests::tidy::{
    FEATURES_MAX, FILE_LINES_MAX, FUNCTION_LINES_MAX, Finding, ModuleOrder, Source, architecture,
    crate_direction, features, file_length, forbids_unsafe, function_lengths, ignored_tests, leftovers,
    module_direction, unsafe_code, workspace_root, workspace_sources,
};

fn assert_none(findings: &[Finding]) {
    let lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
    assert!(lines.is_empty(), "{} findings:\n{}", lines.len(), lines.join("\n"));
}

fn rust_sources() -> Vec<Source> {
    let sources: Vec<Source> = workspace_sources().into_iter().filter(Source::is_rust).collect();
    assert!(sources.len() > 30, "only {} Rust files found: the walk is broken", sources.len());
    sources
}

#[test]
fn files_and_functions_are_short() {
    let sources = rust_sources();
    let files = sources.iter().filter_map(file_length);
    let functions = sources.iter().flat_map(function_lengths);
    assert_none(&files.chain(functions).collect::<Vec<_>>());
}

#[test]
fn unsafe_code_stands_where_it_may() {
    let sources = rust_sources();
    let has_simd = sources.iter().any(|source| source.path.starts_with("dlp-patterns/src/simd"));
    let code = sources.iter().flat_map(unsafe_code);
    let roots = sources.iter().filter_map(|source| forbids_unsafe(source, has_simd));
    assert_none(&code.chain(roots).collect::<Vec<_>>());
}

#[test]
fn modules_of_the_dataplane_use_what_stands_to_their_left() {
    let sources = rust_sources();
    let root =
        sources.iter().find(|source| source.path == "dataplane/src/lib.rs").expect("the dataplane is there");
    let order = ModuleOrder::declared_in(&root.text).expect("dataplane/src/lib.rs declares the order");
    assert!(order.len() >= 10);
    assert_none(&sources.iter().flat_map(|source| module_direction(source, &order)).collect::<Vec<_>>());
}

#[test]
fn crates_know_only_whom_they_may() {
    let sources = workspace_sources();
    let manifests: Vec<&Source> =
        sources.iter().filter(|source| source.path.ends_with("/Cargo.toml")).collect();
    assert!(manifests.len() >= 8);
    let direction = manifests.iter().flat_map(|source| crate_direction(source));
    let faces = manifests.iter().filter_map(|source| features(source));
    assert_none(&direction.chain(faces).collect::<Vec<_>>());
}

#[test]
fn nothing_is_left_half_done() {
    let sources = workspace_sources();
    let words = sources.iter().flat_map(leftovers);
    let ignored = sources.iter().filter(|source| source.is_rust()).flat_map(ignored_tests);
    assert_none(&words.chain(ignored).collect::<Vec<_>>());
}

#[test]
fn the_map_is_short_and_true() {
    let sources = workspace_sources();
    let map =
        sources.iter().find(|source| source.path == "ARCHITECTURE.md").expect("ARCHITECTURE.md is there");
    let exists = |path: &str| {
        // A path may also be told from the folder that its line speaks of.
        let ending = format!("/{}", path.trim_end_matches('/'));
        let is_end = |known: &str| known.ends_with(&ending) || known.contains(&format!("{ending}/"));
        workspace_root().join(path).exists() || sources.iter().any(|source| is_end(&source.path))
    };
    assert_none(&architecture(map, exists));
}

#[test]
fn a_long_file_is_found() {
    let line = "// a line\n";
    assert!(file_length(&Source::new("a/src/b.rs", &line.repeat(FILE_LINES_MAX))).is_none());
    assert!(file_length(&Source::new("a/src/b.rs", &line.repeat(FILE_LINES_MAX + 1))).is_some());
}

#[test]
fn a_long_function_is_found_wherever_it_stands() {
    let long = format!("fn long() {{\n{}}}\n", "    step();\n".repeat(FUNCTION_LINES_MAX - 1));
    let short = format!("fn short() {{\n{}}}\n", "    step();\n".repeat(FUNCTION_LINES_MAX - 2));
    assert!(function_lengths(&Source::new("a.rs", &short)).is_empty());
    for text in [
        long.clone(),
        format!("impl T {{ {long} }}"),
        format!("trait T {{ {long} }}"),
        format!("mod tests {{ fn outer() {{ {short} }} {long} }}"),
    ] {
        let findings = function_lengths(&Source::new("a.rs", &text));
        assert!(findings.iter().any(|finding| finding.what.contains("fn long")), "missed in {text}");
    }
    assert_eq!(function_lengths(&Source::new("a.rs", "fn {")).len(), 1);
}

#[test]
fn unsafe_code_in_the_wrong_place_is_found() {
    let text = "fn f() {\n    let x = unsafe { g() };\n}";
    let findings = unsafe_code(&Source::new("engine/src/a.rs", text));
    assert_eq!(findings.iter().map(|finding| finding.line).collect::<Vec<_>>(), [2]);
    assert!(unsafe_code(&Source::new("dataplane/af-xdp/src/a.rs", text)).is_empty());
    assert!(unsafe_code(&Source::new("perf/src/matching/hyperscan.rs", text)).is_empty());
    assert!(unsafe_code(&Source::new("dlp-patterns/src/cache/mapped_file.rs", text)).is_empty());
    assert!(unsafe_code(&Source::new("dataplane/flow-table/src/prefetch.rs", text)).is_empty());
    assert_eq!(unsafe_code(&Source::new("dlp-patterns/src/cache/store.rs", text)).len(), 1);
    for path in ["dataplane/src/a.rs", "dataplane/flow-table/src/a.rs", "perf/src/matching/contest.rs"] {
        assert_eq!(unsafe_code(&Source::new(path, text)).len(), 1);
    }
    assert!(
        unsafe_code(&Source::new("engine/src/a.rs", "// unsafe\nconst A: &str = \"unsafe\";")).is_empty()
    );

    let bare = Source::new("engine/src/main.rs", "fn main() {}");
    assert!(forbids_unsafe(&bare, false).is_some());
    let forbidding = Source::new("engine/src/lib.rs", "//! doc\n#![forbid(unsafe_code)]\n");
    assert!(forbids_unsafe(&forbidding, false).is_none());
    let denying = Source::new("dlp-patterns/src/lib.rs", "#![deny(unsafe_code)]\n");
    assert!(forbids_unsafe(&denying, false).is_some());
    assert!(forbids_unsafe(&denying, true).is_none());
    assert!(forbids_unsafe(&Source::new("dataplane/af-xdp/src/lib.rs", ""), false).is_none());
}

#[test]
fn a_module_that_looks_to_its_right_is_found() {
    let order = ModuleOrder::declared_in("//! `decode < flow < pipeline`.").expect("it is declared");
    let check = |path: &str, text: &str| module_direction(&Source::new(path, text), &order).len();
    assert_eq!(check("dataplane/src/flow.rs", "use crate::decode::Packet;"), 0);
    assert_eq!(check("dataplane/src/decode.rs", "use crate::flow::Flow;"), 1);
    assert_eq!(check("dataplane/src/decode/tcp.rs", "use crate::{decode::Packet, flow, pipeline::P};"), 2);
    assert_eq!(check("dataplane/src/flow.rs", "fn f() { let x = crate::pipeline::g(); }"), 1);
    assert_eq!(check("dataplane/src/flow.rs", "/// See [`P`](crate::pipeline::P).\nfn f() {}"), 0);
    assert_eq!(check("dataplane/src/stray.rs", ""), 1);
    assert_eq!(check("dataplane/src/lib.rs", "pub use crate::pipeline::P;"), 0);
    assert!(ModuleOrder::declared_in("// nothing").is_none());
}

#[test]
fn a_crate_that_knows_too_much_is_found() {
    let check = |name: &str, rest: &str| {
        let text = format!("[package]\nname = \"{name}\"\n{rest}");
        crate_direction(&Source::new("x/Cargo.toml", &text)).len()
    };
    assert_eq!(check("dataplane", "[dependencies]\nflow-table.workspace = true\narrayvec = \"1\""), 0);
    assert_eq!(check("dataplane", "[dependencies]\naf-xdp.workspace = true"), 1);
    assert_eq!(check("af-xdp", "[dev-dependencies]\nflow-table = { path = \"../flow-table\" }"), 1);
    assert_eq!(check("engine", "[dependencies]\ntests.workspace = true"), 1);
    assert_eq!(check("stray", ""), 1);

    let many: String = (0..=FEATURES_MAX).map(|n| format!("f{n} = []\n")).collect();
    let few: String = (0..FEATURES_MAX).map(|n| format!("f{n} = []\n")).collect();
    assert!(features(&Source::new("x/Cargo.toml", &format!("[features]\n{many}"))).is_some());
    assert!(features(&Source::new("x/Cargo.toml", &format!("[features]\ndefault = []\n{few}"))).is_none());
}

#[test]
fn a_leftover_is_found() {
    for text in [
        concat!("// TO", "DO: later"),
        concat!("let x = to", "do!();"),
        concat!("// FIX", "ME"),
        concat!("// good enough for", " now"),
        concat!("<<<", "<<<< HEAD"),
        concat!("const A: &str = \"/wo", "rk/corpora\";"),
        concat!("<<<<", "<<< HEAD"),
        concat!(">>>>", ">>> main"),
    ] {
        assert_eq!(leftovers(&Source::new("a.rs", text)).len(), 1, "missed: {text}");
    }
    assert!(leftovers(&Source::new("a.rs", "// done, and known for its network/ folder")).is_empty());
    assert_eq!(ignored_tests(&Source::new("a.rs", "#[ignore]\nfn t() {}")).len(), 1);
    assert_eq!(ignored_tests(&Source::new("a.rs", "#[ignore = \"slow\"]\nfn t() {}")).len(), 1);
    assert!(ignored_tests(&Source::new("a.rs", "#[ignore = \"slow: cargo test -- --ignored\"]")).is_empty());
}

#[test]
fn a_map_that_lies_is_found() {
    let exists = |path: &str| ["dataplane/src/lib.rs", "Cargo.toml"].contains(&path);
    let check = |text: &str| architecture(&Source::new("ARCHITECTURE.md", text), exists).len();
    assert_eq!(check("See `dataplane/src/lib.rs` and `Cargo.toml`."), 0);
    assert_eq!(check("See `dataplane/src/nowhere.rs`."), 1);
    assert_eq!(check("Not a path: `a < b`, `Verdict::Drop`, `/sys/fs/bpf`."), 0);
    assert_eq!(check(&"line\n".repeat(151)), 1);
}
