//! Proves zero-copy: the engine between two network cards of an emulated machine, whose frames are sent from where they
//! were received.
//!
//! Usage: `zero_copy CARD FOLDER QEMU [ARGUMENT]...`, where CARD is `virtio` or `igb`, FOLDER is for sockets and logs, and
//! QEMU with its arguments has kernel and initial file system. Prints a line for each thing that was to hold; exits 0 where
//! all of them did.
#![forbid(unsafe_code)]

mod card;
mod case;
mod checks;
mod console;
mod guest;
mod monitor;
mod probe;
mod rings;
mod traffic;
mod umem;
mod wire;

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::card::Card;
use crate::checks::Checks;

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let card = arguments.next().and_then(|name| Card::named(name.to_str()?));
    let folder = arguments.next().map(PathBuf::from);
    let qemu: Vec<OsString> = arguments.collect();
    let (Some(card), Some(folder), false) = (card, folder, qemu.is_empty()) else {
        eprintln!("usage: zero_copy virtio|igb FOLDER QEMU [ARGUMENT]...");
        return ExitCode::from(2);
    };
    let mut checks = Checks::default();
    if let Err(error) = case::run(card, &folder, &qemu, &mut checks) {
        checks.check(&format!("the case comes to its end: {error}"), false);
    }
    if checks.close() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
