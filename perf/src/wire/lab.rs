//! A client and a server joined through a middle by veth pairs, each in a network namespace of its own; gone when dropped.
//!
//! ```text
//! client (to-server) ---- (outside) middle (inside) ---- (to-client) server
//! ```

use std::fs::File;
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde_json::Value;

use crate::build::installed;

pub(crate) const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
pub(crate) const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);
/// To whom the client may send what nobody is to take: the server's device is not his.
pub(crate) const NOBODY: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 3);
const NOBODYS_MAC: &str = "02:00:00:00:00:02";
const HOSTS: [&str; 3] = ["client", "middle", "server"];
const ENDS: [End; 2] = [
    End { host: "client", device: "to-server", port: "outside", address: CLIENT, mac: "02:00:00:00:0a:01" },
    End { host: "server", device: "to-client", port: "inside", address: SERVER, mac: "02:00:00:00:0b:02" },
];
/// A rule that the kernel asks queue 0 about what it is for; without anybody there, packets are dropped.
const TO_QUEUE: &str = "-j NFQUEUE --queue-num 0";
/// How long the bridge may take to notice that its ports have carriers.
const BRIDGE_PATIENCE_MS: u64 = 5_000;

/// A host with one device, and the port in the middle that it is joined to.
struct End {
    host: &'static str,
    device: &'static str,
    port: &'static str,
    address: Ipv4Addr,
    mac: &'static str,
}

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
        let [client, server] = &ENDS;
        for (end, other) in [(client, server), (server, client)] {
            lab.join(end, other)?;
        }
        let (host, device) = (lab.namespace(client.host), client.device);
        ip(&format!("-n {host} neighbour add {NOBODY} lladdr {NOBODYS_MAC} dev {device} nud permanent"))?;
        Ok(lab)
    }

    /// One veth pair. Neighbours are told, not asked for: nothing but what is measured is to be counted.
    fn join(&self, end: &End, other: &End) -> Result<()> {
        let (host, middle) = (self.namespace(end.host), self.namespace("middle"));
        let End { device, port, address, mac, .. } = end;
        ip(&format!(
            "link add {device} address {mac} netns {host} type veth peer name {port} netns {middle}"
        ))?;
        for (namespace, device) in [(&host, device), (&middle, port)] {
            ip(&format!("-n {namespace} link set dev {device} addrgenmode none"))?;
            // A frame longer than a UMEM frame can't be carried, so none is made.
            ethtool(namespace, device, "tso off gso off")?;
            ip(&format!("-n {namespace} link set dev {device} up"))?;
        }
        // A port without an XDP program takes the flood only with GRO, which must not join frames then.
        ethtool(&middle, port, "gro on")?;
        ip(&format!("-n {middle} link set dev {port} gro_max_size 1"))?;
        ip(&format!("-n {host} address add {address}/24 dev {device}"))?;
        let End { address, mac, .. } = other;
        ip(&format!("-n {host} neighbour add {address} lladdr {mac} dev {device} nud permanent"))?;
        Ok(())
    }

    /// What a contestant calls its link.
    pub(crate) fn link(&self) -> &str {
        &self.name
    }

    /// Frames that arrived at the server since the lab was laid out.
    pub(crate) fn received(&self) -> Result<u64> {
        self.arrived("server", "to-client")
    }

    /// Frames that arrived at a device since the lab was laid out, whatever became of them there.
    pub(crate) fn arrived(&self, host: &str, device: &str) -> Result<u64> {
        let told = ip(&format!("-n {} -j -s link show dev {device}", self.namespace(host)))?;
        let told: Value = serde_json::from_str(&told).context("ip speaks no JSON")?;
        told[0]["stats64"]["rx"]["packets"].as_u64().context("ip tells no frames")
    }

    /// Whether both ends leave checksums to a device that does not exist. A frame so left can be forwarded only by who
    /// completes it, or hands the kernel's own buffer on.
    pub(crate) fn leave_checksums(&self, left: bool) -> Result<()> {
        let features = if left { "tx on tso off gso off" } else { "tx off" };
        for End { host, device, .. } in ENDS {
            ethtool(&self.namespace(host), device, features)?;
        }
        Ok(())
    }

    /// Has both ends take what is redirected to the ports: for that they need GRO, which must not join frames.
    pub(crate) fn take_redirected(&self) -> Result<()> {
        for End { host, device, .. } in ENDS {
            ethtool(&self.namespace(host), device, "gro on")?;
            ip(&format!("-n {} link set dev {device} gro_max_size 1", self.namespace(host)))?;
        }
        Ok(())
    }

    /// Joins the ports in a Linux bridge, and waits until it forwards.
    pub(crate) fn bridge(&self) -> Result<()> {
        let middle = self.namespace("middle");
        ip(&format!("-n {middle} link add bridge type bridge mcast_snooping 0"))?;
        ip(&format!("-n {middle} link set dev bridge addrgenmode none"))?;
        for End { port, .. } in ENDS {
            ip(&format!("-n {middle} link set dev {port} master bridge"))?;
        }
        ip(&format!("-n {middle} link set dev bridge up"))?;
        for _ in 0..BRIDGE_PATIENCE_MS / 50 {
            let ports = ip(&format!("-n {middle} -d link show master bridge"))?;
            if ports.matches("state forwarding").count() == ENDS.len() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(50));
        }
        bail!("the bridge does not forward")
    }

    /// Has the kernel ask whoever reads queue 0 about each packet that the bridge forwards (nftables, by way of iptables: in
    /// its own language only kernels with `nft_queue` know queues).
    pub(crate) fn queue(&self) -> Result<()> {
        self.rule("-I")
    }

    /// Takes that back.
    pub(crate) fn unqueue(&self) -> Result<()> {
        self.rule("-D")
    }

    fn rule(&self, change: &str) -> Result<()> {
        let namespace = self.namespace("middle");
        let rule = format!("--net=/run/netns/{namespace} iptables -w {change} FORWARD {TO_QUEUE}");
        run("nsenter", rule.split_whitespace()).map(drop)
    }

    /// Takes the bridge off again.
    pub(crate) fn unbridge(&self) -> Result<()> {
        ip(&format!("-n {} link delete bridge", self.namespace("middle"))).map(drop)
    }

    /// A program in the namespace of `host`, kept on `cores` (as `taskset` writes them). Not by `ip netns exec`, which mounts
    /// another /sys, where the pinned programs are not.
    pub(crate) fn command(&self, host: &str, cores: &str, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/run/netns/{}", self.namespace(host)));
        command.args(["taskset", "-c", cores]).arg(program);
        command
    }

    /// Does something within the namespace of `host`. A socket made there stays there, whoever uses it.
    pub(crate) fn within<T: Send>(&self, host: &str, act: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        let namespace = format!("/run/netns/{}", self.namespace(host));
        let file = File::open(&namespace).context(namespace)?;
        // On a thread of its own: this one stays where it is.
        let done = thread::scope(|scope| {
            let there = scope.spawn(|| {
                move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))
                    .with_context(|| format!("cannot enter {host}"))?;
                act()
            });
            there.join()
        });
        done.expect("nothing panics there")
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

/// Why this machine cannot ask a process about packets; `None` where it can.
pub(crate) fn no_queue() -> Option<&'static str> {
    if installed("iptables").is_none() {
        return Some("iptables is not installed (apt-get install iptables)");
    }
    let rule = format!("--net iptables -w -I FORWARD {TO_QUEUE}");
    let is_refused = run("unshare", rule.split_whitespace()).is_err();
    is_refused.then_some("this kernel has no NFQUEUE")
}

/// Runs `ip`, and returns what it says.
fn ip(arguments: &str) -> Result<String> {
    run("ip", arguments.split_whitespace())
}

fn ethtool(namespace: &str, device: &str, features: &str) -> Result<()> {
    let arguments = format!("--net=/run/netns/{namespace} ethtool -K {device} {features}");
    run("nsenter", arguments.split_whitespace()).map(drop)
}

fn run<'a>(program: &str, arguments: impl IntoIterator<Item = &'a str>) -> Result<String> {
    let mut command = Command::new(program);
    let output = command.args(arguments).output().with_context(|| format!("{program} does not start"))?;
    if !output.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
