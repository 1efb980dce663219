//! Tells the crate which code it is, so that what one version compiled is never scanned with by another: whoever changes
//! the code can't forget to count a number up.

use std::path::{Path, PathBuf};
use std::{env, fs, io, process};

fn main() {
    let manifest =
        PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets the folder of the crate"));
    let mut files = vec![manifest.join("Cargo.toml")];
    // What the crates do that this one depends on shows in compiled sets too. A crate that is packed up on its own has no
    // lock file beside it.
    let lock = manifest.join("../Cargo.lock");
    if lock.try_exists().unwrap_or_else(|error| fail(&lock, &error)) {
        files.push(lock);
    }
    collect(&manifest.join("src"), &mut files);
    files.sort();
    let mut code = blake3::Hasher::new();
    for file in &files {
        let text = fs::read(file).unwrap_or_else(|error| fail(file, &error));
        let path = file.strip_prefix(&manifest).expect("all are named by the folder of the crate");
        code.update(path.as_os_str().as_encoded_bytes()).update(&[0]);
        code.update(&(text.len() as u64).to_le_bytes()).update(&text);
    }
    for setting in ["CARGO_CFG_TARGET_ENDIAN", "CARGO_CFG_TARGET_POINTER_WIDTH"] {
        code.update(env::var(setting).expect("cargo sets what is compiled for").as_bytes());
    }
    println!("cargo::rustc-env=DLP_PATTERNS_CODE={}", code.finalize());
    for watched in ["build.rs", "Cargo.toml", "../Cargo.lock", "src"] {
        println!("cargo::rerun-if-changed={watched}");
    }
}

/// All files of a folder and of those in it.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| fail(folder, &error)) {
        let path = entry.unwrap_or_else(|error| fail(folder, &error)).path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}

/// Ends the build: without a source nobody knows which code this is, and a stale set could pass for one of its own.
fn fail(path: &Path, error: &io::Error) -> ! {
    println!("cargo::error={} is part of what names this code, and can't be read: {error}", path.display());
    process::exit(1)
}
