//! Running a program, or this process, on one core, and how long it took.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Instant, SystemTime};

use anyhow::{Context, Result, bail, ensure};
use engine::eve::Timestamp;
use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;

/// What one run took and told.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// From start to exit, in seconds.
    pub(crate) wall_s: f64,
    /// `flow` events.
    pub(crate) flows: u64,
    /// `alert` events.
    pub(crate) alerts: u64,
    /// `http` events.
    pub(crate) http: u64,
}

/// Runs a program pinned to `core` to its end, and counts the events that it wrote to `eve`.
pub(crate) fn run(program: &Path, arguments: &[String], core: usize, eve: &Path) -> Result<Run> {
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string()]).arg(program).args(arguments);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let begin = Instant::now();
    let output = command.output().context("taskset (util-linux) does not start")?;
    let wall_s = begin.elapsed().as_secs_f64();
    if !output.status.success() {
        bail!("{} failed: {}", program.display(), String::from_utf8_lossy(&output.stderr));
    }
    let log = std::fs::read_to_string(eve).with_context(|| format!("{} is missing", eve.display()))?;
    let mut run = Run { wall_s, flows: 0, alerts: 0, http: 0 };
    for line in log.lines() {
        let event: Value = serde_json::from_str(line).with_context(|| format!("no JSON: {line}"))?;
        match event["event_type"].as_str() {
            Some("flow") => run.flows += 1,
            Some("alert") => run.alerts += 1,
            Some("http") => run.http += 1,
            _ => {}
        }
    }
    Ok(run)
}

/// Keeps this process on a core; on the last one unless told otherwise.
pub(crate) fn pin(core: Option<usize>) -> Result<()> {
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    let wanted = match core {
        Some(index) => cores.iter().find(|core| core.id == index),
        None => cores.last(),
    };
    let wanted = wanted.context("there is no such core")?;
    ensure!(core_affinity::set_for_current(*wanted), "cannot be pinned to core {}", wanted.id);
    Ok(())
}

/// What the work yields, and the time that this thread worked, in seconds: that of others is not ours.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let now_s = || {
        let now = clock_gettime(ClockId::ThreadCPUTime);
        now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
    };
    let begin_s = now_s();
    let result = work();
    (result, now_s() - begin_s)
}

/// The middle value; of an even number the lower of the two.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[(values.len() - 1) / 2]
}

/// What a program says of its version, first line only.
pub(crate) fn version(program: &Path, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().next().map(str::to_owned)
}

/// Today and now, in UTC, to the second.
pub(crate) fn date() -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let timestamp = Timestamp::from_ns(now.as_nanos() as u64);
    timestamp.as_str().split('.').next().unwrap_or_default().to_owned() + "Z"
}

/// How many processes wanted to run in the last 1, 5 and 15 minutes: figures of a busy machine are none.
pub(crate) fn load() -> String {
    let told = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    told.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

/// This machine: its name, its processor, its kernel, and how many cores it has.
pub(crate) fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let name = read("/proc/sys/kernel/hostname");
    let kernel = read("/proc/sys/kernel/osrelease");
    let info = read("/proc/cpuinfo");
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let model = model.trim_start_matches([' ', '\t', ':']);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{}, {model}, {cores} cores, Linux {}", name.trim(), kernel.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_one() {
        let date = date();
        assert!(date.len() == 20 && date.starts_with("20") && date.ends_with('Z'), "{date}");
    }

    #[test]
    fn a_median_is_one_of_the_values() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0].into_iter()), 2.0);
    }
}
