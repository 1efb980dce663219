//! Two hosts joined through a third by veth pairs, each in a network namespace of its own; gone when dropped.
//!
//! ```text
//! left (sender) ---- (inside) middle (outside) ---- (receiver) right
//! ```

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

const HOSTS: [&str; 3] = ["left", "middle", "right"];
/// How long a program may take to be ready, or to end.
const PATIENCE_MS: u64 = 20_000;

/// The namespaces, and the name of the link that a contestant makes in the middle.
pub(crate) struct Lab {
    name: String,
    weir: PathBuf,
}

impl Lab {
    /// Lays it out; `weir` is the binary that takes off what a contestant left attached.
    pub(crate) fn new(weir: &Path) -> Result<Lab> {
        let lab = Lab { name: format!("weir-perf-{}", std::process::id()), weir: weir.to_owned() };
        for host in HOSTS {
            ip(&format!("netns add {}", lab.namespace(host)))?;
        }
        let middle = lab.namespace("middle");
        for (host, end, port) in [("left", "sender", "inside"), ("right", "receiver", "outside")] {
            let host = lab.namespace(host);
            ip(&format!("link add {end} netns {host} type veth peer name {port} netns {middle}"))?;
            for (namespace, device) in [(&host, end), (&middle, port)] {
                // Nothing but the flood is to be counted: no address, no neighbour discovery.
                ip(&format!("-n {namespace} link set dev {device} addrgenmode none"))?;
                ip(&format!("-n {namespace} link set dev {device} up"))?;
            }
        }
        Ok(lab)
    }

    /// What a contestant calls its link.
    pub(crate) fn link(&self) -> &str {
        &self.name
    }

    /// Frames that arrived at the far end since the lab was laid out.
    pub(crate) fn received(&self) -> Result<u64> {
        let told = ip(&format!("-n {} -j -s link show dev receiver", self.namespace("right")))?;
        let told: Value = serde_json::from_str(&told).context("ip speaks no JSON")?;
        told[0]["stats64"]["rx"]["packets"].as_u64().context("ip tells no frames")
    }

    /// A program in the namespace of `host`, pinned to `core`. Not by `ip netns exec`, which mounts another /sys,
    /// where the pinned programs are not.
    pub(crate) fn command(&self, host: &str, core: usize, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/run/netns/{}", self.namespace(host)));
        command.args(["taskset", "-c", &core.to_string()]).arg(program);
        command
    }

    fn namespace(&self, host: &str) -> String {
        format!("{}-{host}", self.name)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = Command::new(&self.weir).args(["detach", "--link", &self.name]).output();
        for host in HOSTS {
            let _ = ip(&format!("netns delete {}", self.namespace(host)));
        }
    }
}

/// Runs `ip`, and returns what it says.
fn ip(arguments: &str) -> Result<String> {
    let output = Command::new("ip").args(arguments.split_whitespace()).output();
    let output = output.context("ip (iproute2) does not start")?;
    if !output.status.success() {
        bail!("ip {arguments}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A program in the background; killed when dropped.
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
