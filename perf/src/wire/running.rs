//! A program in the background, all of whose words go to a log; killed when dropped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// How long a program may take to be ready, or to end.
const PATIENCE_MS: u64 = 30_000;

pub(crate) struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    /// Starts it, and waits until its log, to which all goes that it says, holds `ready`.
    pub(crate) fn start(mut command: Command, log: &Path, ready: &str) -> Result<Running> {
        let file = fs::File::create(log).context("cannot write a log")?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let child = command.spawn().with_context(|| format!("{command:?} does not start"))?;
        let mut running = Running { child, log: log.to_owned() };
        for _ in 0..PATIENCE_MS / 10 {
            if running.said().contains(ready) {
                return Ok(running);
            }
            if running.child.try_wait()?.is_some() {
                break;
            }
            thread::sleep(Duration::from_millis(10));
        }
        bail!("{command:?} does not get ready:\n{}", running.said())
    }

    /// Time that it worked, all threads together and the kernel on its behalf, in seconds.
    pub(crate) fn cpu_s(&self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()));
        let ticks = cpu_ticks(&stat.context("it is gone")?).context("/proc tells no times")?;
        Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
    }

    /// Asks it to end, and waits for that.
    pub(crate) fn stop(mut self) -> Result<()> {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().context("no kill")?;
        for _ in 0..PATIENCE_MS / 10 {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => bail!("{status}:\n{}", self.said()),
                None => thread::sleep(Duration::from_millis(10)),
            }
        }
        bail!("it does not end:\n{}", self.said())
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// User and system time out of `/proc/PID/stat` (proc_pid_stat(5), fields 14 and 15). The name, field 2, may hold anything,
/// so counting begins behind its last parenthesis.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut times = rest.split_whitespace().skip(11).map(str::parse::<u64>);
    Some(times.next()?.ok()? + times.next()?.ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_blanks_and_parentheses_shifts_no_field() {
        let stat = "4711 (W#01 (a) b) S 1 4711 4711 0 -1 4194560 5123 0 2 0 314 159 0 0 20 0 5 0 87 1 2 3";
        assert_eq!(cpu_ticks(stat), Some(473));
        assert_eq!(cpu_ticks("4711 (cat) S 1"), None);
    }
}
