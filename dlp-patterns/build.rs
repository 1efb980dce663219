//! Tells the crate which code it is, so that what one version compiled is never scanned with by another: whoever changes
//! the code can't forget to count a number up.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() {
    let manifest =
        PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets the folder of the crate"));
    // What the crates do that this one depends on shows in compiled sets too.
    let mut files = vec![manifest.join("Cargo.toml"), manifest.join("../Cargo.lock")];
    collect(&manifest.join("src"), &mut files).expect("the sources are readable");
    files.sort();
    let mut code = blake3::Hasher::new();
    for file in &files {
        // A crate that is packed up on its own has no lock file beside it.
        let text = fs::read(file).unwrap_or_default();
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

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
