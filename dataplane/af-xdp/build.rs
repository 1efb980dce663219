//! Compiles the XDP programs, so that the object that is loaded is always that of the source beside it.

use std::{env, path::Path, process::Command};

fn main() {
    println!("cargo::rerun-if-env-changed=CLANG");
    let out_dir = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    println!("cargo::rerun-if-changed=bpf");
    for program in ["weir_xdp", "flood", "reference"] {
        compile(program, &[], &Path::new(&out_dir).join(format!("{program}.o")));
    }
    // Once more, for frames that lie in several buffers.
    compile("weir_xdp", &["-DFRAGS"], &Path::new(&out_dir).join("weir_xdp_frags.o"));
}

fn compile(program: &str, defines: &[&str], object: &Path) {
    let source = format!("bpf/{program}.c");
    let clang = env::var("CLANG").unwrap_or_else(|_| "clang".to_owned());
    let architecture = env::var("CARGO_CFG_TARGET_ARCH").expect("cargo sets the target architecture");
    let status = Command::new(&clang)
        // Instructions of Linux 5.1: the arrays that are mapped are of Linux 5.5.
        .args(["-O2", "-g", "-Wall", "-Werror", "-target", "bpf", "-mcpu=v3", "-c", &source])
        .args(defines)
        // Debian keeps <asm/types.h> under the multiarch directory, which the BPF target does not search.
        .arg(format!("-I/usr/include/{architecture}-linux-gnu"))
        .arg("-o")
        .arg(object)
        .status();
    match status {
        Ok(status) if status.success() => {}
        Ok(status) => panic!("{clang} failed on {source} ({status}); it needs linux-libc-dev and libbpf-dev"),
        Err(error) => panic!("cannot run {clang} ({error}); install clang-14, or name another one in CLANG"),
    }
}
