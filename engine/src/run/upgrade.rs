//! The binary of this engine, started anew to take over.

use std::env;
use std::ffi::OsString;
use std::io;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use super::asker::Asker;
use crate::cli::TAKEOVER;

/// How long one may take to start, to compile rules, and to ask for the links.
pub(super) const START_WITHIN: Duration = Duration::from_secs(30);

/// A process that was started to take over, until it has asked for the links or is gone. While there is one, no other is
/// started.
///
/// Invariant: none outlives this value that has not taken over, and whoever asked is told how it ended, as soon as it has.
#[derive(Debug, Default)]
pub(super) struct Upgrade {
    starting: Option<Starting>,
}

#[derive(Debug)]
struct Starting {
    process: Child,
    since: Instant,
    is_killed: bool,
    /// Who is to be told; nobody after a signal.
    asker: Option<Asker>,
}

impl Upgrade {
    /// Starts what now stands where this engine's binary stood, with the same arguments.
    pub(super) fn start(&mut self, asker: Option<Asker>) {
        if let Some(Starting { process, .. }) = &self.starting {
            let process = process.id();
            tracing::warn!(process, "an engine that is to take over is starting already");
            refuse(asker, &format!("process {process} is starting already, to take over"));
            return;
        }
        match spawn() {
            Ok(process) => {
                tracing::info!(process = process.id(), "started an engine to take over");
                self.starting = Some(Starting { process, since: Instant::now(), is_killed: false, asker });
            }
            Err(error) => {
                tracing::error!(%error, "no engine can be started to take over; this one goes on");
                refuse(asker, &format!("its binary cannot be started: {error}; it goes on"));
            }
        }
    }

    /// Tells of a process that ended before it asked for the links, and ends one that has not asked in time.
    pub(super) fn watch(&mut self, now: Instant) {
        let Some(starting) = &mut self.starting else { return };
        let process = starting.process.id();
        let why = match starting.process.try_wait() {
            Ok(None) => {
                if !starting.is_killed && now.saturating_duration_since(starting.since) >= START_WITHIN {
                    tracing::error!(process, "the engine that is to take over hangs, and is killed");
                    starting.is_killed = starting.process.kill().is_ok();
                }
                return;
            }
            Ok(Some(_)) if starting.is_killed => {
                format!("process {process} did not ask for the links within {} s", START_WITHIN.as_secs())
            }
            Ok(Some(status)) => {
                format!("process {process} ended before it asked for the links: {}", ended(status))
            }
            Err(error) => format!("process {process} cannot be watched: {error}"),
        };
        tracing::error!(why, "no engine takes over; this one goes on");
        refuse(
            self.starting.take().and_then(|starting| starting.asker),
            &format!("{why}; the engine goes on"),
        );
    }

    /// Process `successor` works on the links now.
    pub(super) fn succeed(&mut self, successor: u32) {
        let Some(mut starting) = self.starting.take() else { return };
        if let Some(asker) = starting.asker.take() {
            asker.yes(&successor.to_string());
        }
        if starting.process.id() != successor {
            // Another was faster.
            end(&mut starting.process);
        }
    }

    /// Nobody works on the links: who asked for them did not begin. If that was the process that this one started, it hangs.
    pub(super) fn fail(&mut self, why: &str) {
        let Some(mut starting) = self.starting.take() else { return };
        end(&mut starting.process);
        refuse(starting.asker.take(), why);
    }
}

impl Drop for Upgrade {
    fn drop(&mut self) {
        self.fail("the engine ends");
    }
}

fn refuse(asker: Option<Asker>, why: &str) {
    if let Some(asker) = asker {
        asker.no(why);
    }
}

fn end(process: &mut Child) {
    // Only a process that is gone already cannot be killed.
    let _ = process.kill();
    let _ = process.wait();
}

/// How it ended, and what its exit code means.
fn ended(status: ExitStatus) -> String {
    match status.code() {
        Some(2) => format!("{status}, it does not know these arguments"),
        Some(77) => format!("{status}, the machine or the user lacks what it takes"),
        Some(78) => format!("{status}, its config or a pack is wrong"),
        _ => status.to_string(),
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

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read};
    use std::os::unix::net::UnixStream;

    use super::super::asker::{NO, YES};
    use super::super::hand_over::read_line;
    use super::*;

    /// An upgrade to a shell that runs `script`, and where the word on it comes.
    fn upgrade(script: &str) -> (Upgrade, UnixStream) {
        let (asker, hears) = UnixStream::pair().expect("sockets");
        let process = Command::new("sh").args(["-c", script]).spawn().expect("a shell");
        let (since, asker) = (Instant::now(), Some(Asker::new(asker)));
        (Upgrade { starting: Some(Starting { process, since, is_killed: false, asker }) }, hears)
    }

    fn told(hears: UnixStream) -> String {
        read_line(&mut BufReader::new(hears)).expect("a word")
    }

    fn watch_until_over(upgrade: &mut Upgrade, now: Instant) {
        while upgrade.starting.is_some() {
            upgrade.watch(now);
            std::thread::yield_now();
        }
    }

    #[test]
    fn whoever_asked_is_told_of_one_that_ends() {
        let (mut upgrade, hears) = upgrade("exit 77");
        watch_until_over(&mut upgrade, Instant::now());
        let told = told(hears);
        assert!(told.starts_with(NO) && told.contains("77") && told.contains("lacks"), "{told}");
    }

    #[test]
    fn one_that_hangs_is_killed_and_told_of() {
        let (mut upgrade, hears) = upgrade("exec sleep 1000");
        let since = upgrade.starting.as_ref().expect("it starts").since;
        upgrade.watch(since + START_WITHIN - Duration::from_millis(1));
        assert!(!upgrade.starting.as_ref().expect("it may yet").is_killed);
        watch_until_over(&mut upgrade, since + START_WITHIN);
        let told = told(hears);
        assert!(told.starts_with(NO) && told.contains("within 30 s"), "{told}");
    }

    #[test]
    fn the_word_of_success_names_who_took_over() {
        let (mut upgrade, hears) = upgrade("exec sleep 1000");
        let process = &upgrade.starting.as_ref().expect("it starts").process;
        let successor = process.id();
        upgrade.succeed(successor);
        drop(upgrade);
        let pid = rustix::process::Pid::from_raw(successor.cast_signed()).expect("a process");
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it goes on");
        assert_eq!(told(hears), format!("{YES} {successor}"));
    }

    #[test]
    fn what_has_not_taken_over_ends_with_this_one() {
        // The shell's end of the pipe closes with it.
        let mut process =
            Command::new("sleep").arg("1000").stdout(std::process::Stdio::piped()).spawn().expect("sleep");
        let mut output = process.stdout.take().expect("a pipe");
        let starting = Starting { process, since: Instant::now(), is_killed: false, asker: None };
        drop(Upgrade { starting: Some(starting) });
        assert_eq!(output.read(&mut [0]).expect("it is closed"), 0);
    }
}
