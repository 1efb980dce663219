//! The links of a config, opened.

use af_xdp::{Link, Queue};
use anyhow::{Context, anyhow};
use dataplane::policy::Bypass;

use super::claim::Claim;
use crate::config::{Config, LinkConfig};
use crate::failure::Failure;
use crate::limits::WORKERS_MAX;

/// A link whose frames come to its queues.
pub(super) struct OpenLink {
    pub(super) link: Link,
    pub(super) queues: Vec<Queue>,
    pub(super) config: LinkConfig,
    pub(super) claim: Claim,
}

/// Opens every link. Where one cannot be, those before it are detached again.
pub(super) fn open(config: &Config) -> Result<Vec<OpenLink>, Failure> {
    let links: Vec<OpenLink> =
        config.links.iter().map(|link| open_link(link, config)).collect::<Result<_, _>>()?;
    let queues: usize = links.iter().map(|link| link.queues.len()).sum();
    if queues > WORKERS_MAX {
        let told = format!(
            "the links have {queues} queues, but an engine has at most {WORKERS_MAX} workers\n  hint: `ethtool -L \
             DEV combined N` lowers their number"
        );
        return Err(Failure::Mistakes(vec![told]));
    }
    Ok(links)
}

fn open_link(config: &LinkConfig, engine: &Config) -> Result<OpenLink, Failure> {
    let ports = &config.ports;
    let claim = claim(&ports.name)?;
    let (link, queues) = Link::open(ports).map_err(|error| failure(&ports.name, &error))?;
    let zero_copy = queues.iter().filter(|queue| queue.is_zero_copy()).count();
    tracing::info!(
        link = ports.name,
        inside = ports.inside,
        outside = ports.outside,
        queues = queues.len(),
        zero_copy_queues = zero_copy,
        "link is open"
    );
    if queues.len() > 1 {
        tracing::warn!(
            link = ports.name,
            "several queues: both directions of a flow must hash to the same queue (symmetric RSS)"
        );
    }
    if engine.bypass != Bypass::default()
        && ports.settled_flows_max > 0
        && let Some(interface) = link.without_bypass()
    {
        tracing::warn!(
            link = ports.name,
            interface,
            "no frames can be redirected to the interface, so bypassed flows go through the engine\n  hint: on veth, \
             `ethtool -K DEV gro on` at its other end and start the engine again; or `attach = \"generic\"`"
        );
    }
    if config.cores.len() > queues.len() {
        tracing::warn!(
            link = ports.name,
            cores = config.cores.len(),
            queues = queues.len(),
            "more cores than queues: the last of `cores` get no worker"
        );
    }
    Ok(OpenLink { link, queues, config: config.clone(), claim })
}

/// Claims a link for this process.
pub(super) fn claim(link: &str) -> Result<Claim, Failure> {
    let claim = Claim::link(link).with_context(|| format!("link {link} cannot be claimed"))?;
    claim.ok_or_else(|| {
        anyhow!(
            "link {link}: another engine works on it
  hint: stop that engine first"
        )
        .into()
    })
}

/// What a refusal of the port layer means for the command.
pub(super) fn failure(link: &str, error: &af_xdp::Error) -> Failure {
    let told = anyhow!("link {link}: {error}\n  hint: {}", error.hint());
    match error {
        error if error.is_missing_capability() => Failure::Missing(told),
        af_xdp::Error::NoAfXdp | af_xdp::Error::NoBpffs { .. } | af_xdp::Error::LockedMemory { .. } => {
            Failure::Missing(told)
        }
        af_xdp::Error::NoInterface { .. }
        | af_xdp::Error::Config { .. }
        | af_xdp::Error::QueueMismatch { .. }
        | af_xdp::Error::MtuMismatch { .. }
        | af_xdp::Error::MtuTooLong { .. }
        | af_xdp::Error::NoBridge { .. } => Failure::Mistakes(vec![told.to_string()]),
        _ => Failure::No(told),
    }
}
