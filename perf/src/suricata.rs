//! Suricata as a contestant, in a replay with one thread or inline between two ports: the same rules, the same events.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use dlp_patterns::default_packs;

use crate::build::installed;
use crate::rules::suricata_rules;

/// Everything that is not named stays at Suricata's default. The caps are as wide as Weir's.
const CONFIG: &str = r#"%YAML 1.1
---
vars:
  address-groups: { HOME_NET: "any", EXTERNAL_NET: "any" }
  port-groups: { HTTP_PORTS: "80" }
stats: { enabled: no }
outputs:
  - eve-log:
      enabled: yes
      filetype: regular
      filename: eve.json
      community-id: true
      types: [ alert, http, flow, anomaly ]
app-layer:
  protocols:
    http: { enabled: yes }
flow: { memcap: 1gb, hash-size: 262144, prealloc: 100000 }
stream:
  memcap: 1gb
  checksum-validation: yes
  reassembly: { memcap: 1gb, depth: 0 }
mpm-algo: auto
spm-algo: auto
"#;

/// Two ports, each copied to the other unless a rule says no; a worker for each. Rings hold as many frames as Weir's queue.
/// The ports' offloads are left alone: without GRO, veth throws away frames that come from inside the kernel.
const INLINE: &str = r#"
capture: { disable-offloading: no }
af-packet:
  - { interface: inside, copy-iface: outside, copy-mode: ips, threads: 1, cluster-id: 97, cluster-type: cluster_flow, use-mmap: yes, tpacket-v3: no, ring-size: 8192 }
  - { interface: outside, copy-iface: inside, copy-mode: ips, threads: 1, cluster-id: 98, cluster-type: cluster_flow, use-mmap: yes, tpacket-v3: no, ring-size: 8192 }
"#;

/// The installed program, its configuration and its rules.
#[derive(Clone, Debug)]
pub(crate) struct Suricata {
    /// The program.
    pub(crate) binary: PathBuf,
    /// How many rules it was given.
    pub(crate) rules: usize,
    config: PathBuf,
    rules_file: PathBuf,
}

impl Suricata {
    /// Writes configuration and rules into `folder`; `None` where Suricata is not installed.
    pub(crate) fn prepare(folder: &Path) -> Result<Option<Suricata>> {
        let Some(binary) = installed("suricata") else { return Ok(None) };
        let (config, rules_file) = (folder.join("suricata.yaml"), folder.join("weir.rules"));
        let (text, rules) = suricata_rules(&default_packs());
        fs::write(&config, format!("{CONFIG}{INLINE}")).context("cannot write the configuration")?;
        fs::write(&rules_file, text).context("cannot write the rules")?;
        Ok(Some(Suricata { binary, rules, config, rules_file }))
    }

    /// Arguments that read `capture` and log into `folder`, which must be empty: Suricata appends.
    pub(crate) fn arguments(&self, capture: &Path, folder: &Path) -> Vec<String> {
        let mut arguments = self.common(folder);
        arguments.extend(["-r".into(), capture.display().to_string(), "--runmode".into(), "single".into()]);
        arguments
    }

    /// Arguments that let it forward between the ports `inside` and `outside`, and log into `folder`.
    pub(crate) fn inline_arguments(&self, folder: &Path) -> Vec<String> {
        let mut arguments = self.common(folder);
        arguments.extend(["--af-packet", "--runmode", "workers"].map(str::to_owned));
        arguments
    }

    /// Arguments that let it judge what the kernel puts into queue 0, and log into `folder`.
    pub(crate) fn queue_arguments(&self, folder: &Path) -> Vec<String> {
        let mut arguments = self.common(folder);
        arguments.extend(["-q", "0", "--runmode", "workers"].map(str::to_owned));
        arguments
    }

    fn common(&self, folder: &Path) -> Vec<String> {
        let text = |path: &Path| path.display().to_string();
        [
            "-c".into(),
            text(&self.config),
            "-S".into(),
            text(&self.rules_file),
            "-l".into(),
            text(folder),
            "-k".into(),
            "all".into(),
            // A rule that does not load would be work not done.
            "--init-errors-fatal".into(),
        ]
        .into()
    }
}
