//! The binary of this engine, started anew to take over.

use std::env;
use std::ffi::OsString;
use std::io;
use std::process::{Child, Command};

use crate::cli::TAKEOVER;

/// A process that was started to take over, until it has asked for the links or is gone. While there is one, no other is
/// started.
#[derive(Debug, Default)]
pub(super) struct Upgrade {
    process: Option<Child>,
}

impl Upgrade {
    /// Starts what now stands where this engine's binary stood, with the same arguments.
    pub(super) fn start(&mut self) {
        if let Some(process) = &self.process {
            tracing::warn!(process = process.id(), "an engine that is to take over is starting already");
            return;
        }
        match spawn() {
            Ok(process) => {
                tracing::info!(process = process.id(), "started an engine to take over");
                self.process = Some(process);
            }
            Err(error) => tracing::error!(%error, "no engine can be started to take over; this one goes on"),
        }
    }

    /// Tells of a process that ended before it asked for the links.
    pub(super) fn watch(&mut self) {
        let ended = self.process.as_mut().and_then(|process| process.try_wait().transpose());
        let Some(ended) = ended else { return };
        self.process = None;
        match ended {
            Ok(status) => {
                tracing::error!(%status, "the engine that was to take over ended; this one goes on");
            }
            Err(error) => tracing::error!(%error, "the engine that is to take over cannot be watched"),
        }
    }
}

fn spawn() -> io::Result<Child> {
    let mut arguments = env::args_os();
    let binary = arguments.next().ok_or(io::ErrorKind::NotFound)?;
    let flag = OsString::from(format!("--{TAKEOVER}"));
    Command::new(binary)
        .args(arguments.filter(|argument| *argument != flag))
        .arg(&flag)
        // It names this process; without it, whoever is told to feed the watchdog may.
        .env_remove("WATCHDOG_PID")
        .spawn()
}
