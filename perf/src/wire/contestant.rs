//! Who stands in the middle: put between the two ports, and taken away again.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::ValueEnum;

use super::lab::{Lab, no_queue};
use super::running::Running;
use crate::suricata::Suricata;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Contestant {
    /// A plain Linux bridge.
    Bridge,
    /// The bare AF_XDP forwarder, which looks at nothing.
    Bare,
    /// Weir with its default packs, protecting.
    Weir,
    /// Suricata inline (AF_PACKET, copy-mode ips) with the same rules, where it is installed.
    Suricata,
    /// Suricata behind a Linux bridge whose packets nftables queues for it, where both are there.
    Nfqueue,
}

/// The contestants' programs, and what they share.
pub(crate) struct Programs {
    pub(crate) weir: PathBuf,
    pub(crate) bare: PathBuf,
    pub(crate) suricata: Option<Suricata>,
    /// Core that each is kept on.
    pub(crate) core: usize,
    /// How long Weir looks for more frames before it sleeps, in µs.
    pub(crate) spin_us: u64,
    /// For configurations and logs.
    pub(crate) folder: PathBuf,
}

/// A contestant that forwards.
pub(crate) struct InPlace {
    /// The bridge has no program.
    running: Option<Running>,
    is_bridged: bool,
    is_queued: bool,
}

impl Contestant {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Contestant::Bridge => "bridge",
            Contestant::Bare => "bare",
            Contestant::Weir => "weir",
            Contestant::Suricata => "suricata",
            Contestant::Nfqueue => "nfqueue",
        }
    }

    /// What this machine lacks for it.
    pub(crate) fn lacks(self, programs: &Programs) -> Option<&'static str> {
        let no_suricata = || {
            let told =
                "suricata is not installed (Debian 12: apt-get install -t bookworm-backports suricata)";
            programs.suricata.is_none().then_some(told)
        };
        match self {
            Contestant::Bridge | Contestant::Bare | Contestant::Weir => None,
            Contestant::Suricata => no_suricata(),
            Contestant::Nfqueue => no_suricata().or_else(no_queue),
        }
    }

    /// Puts it between the ports, ready to forward.
    pub(crate) fn start(self, lab: &Lab, programs: &Programs) -> Result<InPlace> {
        // The bridge hands the kernel's buffers on, and Weir completes checksums. The others would forward broken ones.
        lab.leave_checksums(matches!(self, Contestant::Bridge | Contestant::Weir))?;
        let running = match self {
            Contestant::Bridge => {
                lab.bridge()?;
                None
            }
            Contestant::Bare => Some(programs.start_bare(lab)?),
            Contestant::Weir => Some(programs.start_weir(lab)?),
            Contestant::Suricata => Some(programs.start_suricata(lab, Suricata::inline_arguments)?),
            Contestant::Nfqueue => {
                lab.bridge()?;
                lab.queue()?;
                Some(programs.start_suricata(lab, Suricata::queue_arguments)?)
            }
        };
        let is_bridged = matches!(self, Contestant::Bridge | Contestant::Nfqueue);
        Ok(InPlace { running, is_bridged, is_queued: self == Contestant::Nfqueue })
    }
}

impl InPlace {
    pub(crate) fn stop(self, lab: &Lab) -> Result<()> {
        if let Some(running) = self.running {
            running.stop()?;
        }
        if self.is_queued {
            lab.unqueue()?;
        }
        if self.is_bridged {
            lab.unbridge()?;
        }
        Ok(())
    }

    /// Time that its program worked so far, in seconds; none where it has no program.
    pub(crate) fn cpu_s(&self) -> Result<Option<f64>> {
        self.running.as_ref().map(Running::cpu_s).transpose()
    }
}

impl Programs {
    fn start_bare(&self, lab: &Lab) -> Result<Running> {
        let core = self.core.to_string();
        let mut command = lab.command("middle", &core, &self.bare);
        command.args(["--inside", "inside", "--outside", "outside", "--name", lab.link(), "--core", &core]);
        Running::start(command, &self.log(), "Mpps forwarded")
    }

    /// Everything that is not named stays at its default; a loaded machine must not look like a lost engine.
    fn start_weir(&self, lab: &Lab) -> Result<Running> {
        let eve = self.emptied("weir")?.join("eve.json");
        let (config, link) = (self.folder.join("weir.toml"), lab.link());
        let Programs { core, spin_us, .. } = self;
        let text = format!(
            "[[link]]\nname = \"{link}\"\ninside = \"inside\"\noutside = \"outside\"\non_engine_loss = \"drop\"\n\
             heartbeat_timeout_ms = 2000\ncores = [{core}]\nspin_us = {spin_us}\n\n[events]\neve = \"{}\"\n",
            eve.display()
        );
        fs::write(&config, text).context("cannot write the configuration")?;
        let mut command = lab.command("middle", &core.to_string(), &self.weir);
        command.args(["run", "--config"]).arg(config);
        Running::start(command, &self.log(), "weir: ready")
    }

    fn start_suricata(&self, lab: &Lab, arguments: fn(&Suricata, &Path) -> Vec<String>) -> Result<Running> {
        let suricata = self.suricata.as_ref().context("suricata is not installed")?;
        let folder = self.emptied("suricata")?;
        let mut command = lab.command("middle", &self.core.to_string(), &suricata.binary);
        command.args(arguments(suricata, &folder));
        Running::start(command, &self.log(), "Engine started")
    }

    fn log(&self) -> PathBuf {
        self.folder.join("contestant.log")
    }

    /// A folder for events, without those of former rounds.
    fn emptied(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.join(name);
        empty(&folder).with_context(|| format!("no folder for the events of {name}"))?;
        Ok(folder)
    }
}

fn empty(folder: &Path) -> std::io::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir(folder)
}
