//! The links of a config, opened.

use std::sync::Arc;

use af_xdp::{Link, LinkLock, OnEngineLoss, PinLife, Port, PreparedLink, ProgramCounters, Queue};
use anyhow::{Context, anyhow};
use dataplane::pipeline::{Handling, Pipeline};
use dataplane::policy::{Bypass, Mode};
use dlp_patterns::RuleSet;
use rustix::process::Pid;

use super::claim::Claim;
use super::crew::Post;
use super::hand_over::Knowledge;
use super::incumbent::Incumbent;
use super::now_ns;
use super::shares;
use super::worker_settings::worker_settings;
use crate::config::{Config, LinkConfig};
use crate::failure::Failure;
use crate::limits::WORKERS_MAX;
use crate::port::xdp;

/// A link that this process may open.
pub(super) struct ClaimedLink {
    config: LinkConfig,
    /// `None` where an engine holds it that is to let go of it.
    claim: Option<Claim>,
}

/// All links of a config, and the engine that is to let go of some.
pub(super) type Claimed = (Vec<ClaimedLink>, Option<Incumbent>);

/// A link of which everything is ready but its ports, and the pipelines of its workers to be.
pub(super) struct ReadyLink {
    prepared: PreparedLink,
    config: LinkConfig,
    claim: Option<Claim>,
    pipelines: Vec<Pipeline>,
}

/// A link whose frames come to its queues.
pub(super) struct OpenLink {
    pub(super) link: Link,
    /// One for each worker.
    pub(super) posts: Vec<Post>,
    pub(super) config: LinkConfig,
    pub(super) claim: Claim,
    /// What the programs of an engine that was killed did without it, by port.
    pub(super) former_losses: [ProgramCounters; 2],
}

/// Claims every link that no engine works on, and looks at the ports of all. Changes nothing. Links that the incumbent holds
/// are not claimed yet.
///
/// # Errors
/// All that stands against any of them.
pub(super) fn claim_all(config: &Config, takes_over: bool) -> Result<Claimed, Failure> {
    let mut claimed = Vec::new();
    let mut holder: Option<(Pid, Incumbent)> = None;
    let mut failures = Vec::new();
    for config in &config.links {
        let name = &config.ports.name;
        let claim = if takes_over { claim_or_meet(name, &mut holder) } else { claim(name).map(Some) };
        let mut told = Vec::new();
        match claim {
            Ok(claim) => claimed.push(ClaimedLink { config: config.clone(), claim }),
            Err(failure) => told.push(failure),
        }
        for error in Link::mistakes(&config.ports) {
            let failure = failure(name, &error);
            // Whoever can't claim it for want of something sees the same again.
            if told.iter().all(|told| told.to_string() != failure.to_string()) {
                told.push(failure);
            }
        }
        failures.extend(told.into_iter().map(|failure| failure.at(&config.place)));
    }
    match Failure::all(failures) {
        Some(failure) => Err(failure),
        None => Ok((claimed, holder.map(|(_, incumbent)| incumbent))),
    }
}

/// Makes everything ready that can be without a change to any link.
pub(super) fn prepare(
    config: &Config,
    claimed: Vec<ClaimedLink>,
    rules: &Arc<RuleSet>,
) -> Result<Vec<ReadyLink>, Failure> {
    let mut ready = Vec::new();
    let mut failures = Vec::new();
    let mut workers = 0;
    for ClaimedLink { config: link, claim } in claimed {
        let prepared = match Link::prepare(&link.ports) {
            Ok(prepared) => prepared,
            Err(error) => {
                failures.push(failure(&link.ports.name, &error).at(&link.place));
                continue;
            }
        };
        let first = workers;
        workers += prepared.queues();
        if workers > WORKERS_MAX {
            let told = format!(
                "the links have more than {WORKERS_MAX} queues, but an engine has at most so many workers\n  hint: \
                 `ethtool -L DEV combined N` lowers their number"
            );
            failures.push(Failure::Mistakes(vec![told]).at(&link.place));
            break;
        }
        let pipelines = (first..workers)
            .map(|worker| Pipeline::new(worker_settings(config, &link, worker), Arc::clone(rules)))
            .collect();
        ready.push(ReadyLink { prepared, config: link, claim, pipelines });
    }
    Failure::all(failures).map_or(Ok(ready), Err)
}

/// Opens every link, after `incumbent` has let go of those that it holds. Where one cannot be opened, those before it are
/// detached again.
pub(super) fn open(
    config: &Config,
    ready: Vec<ReadyLink>,
    incumbent: Option<&mut Incumbent>,
) -> Result<Vec<OpenLink>, Failure> {
    let mut known = Knowledge::default();
    if let Some(incumbent) = incumbent {
        let names = ready.iter().map(|link| link.config.ports.name.as_str());
        let told =
            incumbent.release(names).context("the engine that works on the links does not let go of them");
        known = told?.knowledge();
        tracing::info!(blocked_flows = known.len(), "the former engine has let go of the links");
    }
    let open = |(index, link): (usize, ReadyLink)| {
        let place = link.config.place.clone();
        open_link(config, index as u16, link, &known).map_err(|failure| failure.at(&place))
    };
    ready.into_iter().enumerate().map(open).collect()
}

fn open_link(engine: &Config, index: u16, ready: ReadyLink, known: &Knowledge) -> Result<OpenLink, Failure> {
    let ReadyLink { prepared, config, claim: held, mut pipelines } = ready;
    let ports = &config.ports;
    // Who is taken over from tells of its own programs.
    let is_taken_over = held.is_none();
    let claim = match held {
        Some(claim) => claim,
        None => claim(&ports.name)?,
    };
    // Before the programs are attached: nothing of these flows may pass in between.
    let mut settled = prepared.settled();
    let (now_ns, count) = (now_ns(), pipelines.len());
    let owners = shares::owners(&config, count, index);
    for (queue, flow) in known.of_link(&ports.name, index) {
        let is_elsewhere = xdp::enter(settled.as_mut(), &flow.record, Handling::Drop);
        let owner = owners.as_ref().map_or(queue as usize % count, |owners| owners.of_flow(&flow.record));
        if !pipelines[owner].block(&flow, is_elsewhere, now_ns) && is_elsewhere {
            // Nobody would ever take it out again.
            xdp::remove(settled.as_mut(), &flow.record);
        }
    }
    if let Some(interface) = prepared.detaches_first() {
        tracing::warn!(
            link = ports.name,
            interface,
            "the program of the former engine is attached in another mode, so it is detached first: until the new one is \
             attached, frames pass as they do without any program, in a bridge uninspected, also those of blocked flows"
        );
    }
    let (link, queues) = prepared.open().map_err(|error| failure(&ports.name, &error))?;
    remark(&config, engine, &link, &queues);
    let former_losses = if is_taken_over { Default::default() } else { link.former_losses() };
    remark_losses(&config, &former_losses);
    let lendings = shares::lendings(owners, &queues)?;
    let posts = queues.into_iter().zip(pipelines).zip(lendings);
    let post = |((queue, pipeline), lending)| Post { queue, pipeline: Some(pipeline), lending };
    Ok(OpenLink { link, posts: posts.map(post).collect(), config, claim, former_losses })
}

/// Tells what became of the frames of a link while no engine took them.
fn remark_losses(config: &LinkConfig, former_losses: &[ProgramCounters; 2]) {
    for (port, losses) in Port::BOTH.iter().zip(former_losses) {
        let (passed, dropped) = (losses.passed_by_engine_loss, losses.dropped_by_engine_loss);
        if passed + dropped > 0 {
            tracing::warn!(
                link = config.ports.name,
                interface = config.ports.interface(*port),
                passed,
                dropped,
                "frames came in while no engine took them: those that passed were not inspected"
            );
        }
    }
}

/// Tells what was got for a link that was opened, and what may surprise about it.
pub(super) fn remark(config: &LinkConfig, engine: &Config, link: &Link, queues: &[Queue]) {
    let ports = &config.ports;
    let zero_copy = queues.iter().filter(|queue| queue.is_zero_copy()).count();
    let huge_pages = queues.iter().filter(|queue| queue.has_huge_pages()).count();
    tracing::info!(
        link = ports.name,
        inside = ports.inside,
        outside = ports.outside,
        mode = match engine.mode {
            Mode::Protect => "protect",
            Mode::Monitor => "monitor",
        },
        on_engine_loss = match ports.on_engine_loss {
            OnEngineLoss::Forward => "forward",
            OnEngineLoss::Drop => "drop",
        },
        queues = queues.len(),
        zero_copy_queues = zero_copy,
        huge_page_queues = huge_pages,
        multi_buffer = link.is_multi_buffer(),
        "link is open"
    );
    match PinLife::read() {
        Ok(PinLife::Fleeting) => tracing::warn!(
            link = ports.name,
            "the BPF file system on /sys/fs/bpf here ends with this command, and with it what is pinned: after a kill no \
             program is left, and blocked flows pass\n  hint: `ip netns exec` mounts a /sys for each command, `nsenter \
             --net=/run/netns/NAME` does not; a container has to share the host's /sys/fs/bpf"
        ),
        Ok(PinLife::Unknown) if ports.on_engine_loss == OnEngineLoss::Drop => tracing::warn!(
            link = ports.name,
            "nothing tells whether what is pinned outlives this process, which is what drops frames after a kill\n  \
             hint: as the first process of a container, share the host's /sys/fs/bpf with it"
        ),
        _ => {}
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
}

/// Claims a link for this process.
pub(super) fn claim(link: &str) -> Result<Claim, Failure> {
    Claim::link(link).map_err(|error| failure(link, &error))?.ok_or_else(|| taken(link))
}

/// Keeps every engine from a link for as long as the value lives.
pub(super) fn lock(link: &str) -> Result<LinkLock, Failure> {
    Claim::lock(link).map_err(|error| failure(link, &error))?.ok_or_else(|| taken(link))
}

fn taken(link: &str) -> Failure {
    anyhow!(
        "link {link}: another engine works on it\n  hint: stop that engine first, or take its links over with `weir run \
         --takeover`"
    )
    .into()
}

/// Claims a link that is free; `None` where an engine works on it, which is `holder` then. That has to be the same for all.
fn claim_or_meet(link: &str, holder: &mut Option<(Pid, Incumbent)>) -> Result<Option<Claim>, Failure> {
    if let Some(claim) = Claim::link(link).map_err(|error| failure(link, &error))? {
        return Ok(Some(claim));
    }
    let Some((pid, _)) = Claim::call(link)? else {
        // Nobody listens: it may have ended just now.
        return claim(link).map(Some);
    };
    match holder {
        Some((first, _)) if *first != pid => {
            let (first, pid) = (first.as_raw_nonzero(), pid.as_raw_nonzero());
            Err(anyhow!(
                "link {link}: process {pid} works on it, and process {first} on another link of this config\n  hint: only \
                 one engine's links can be taken over at once; stop one of them first"
            )
            .into())
        }
        Some(_) => Ok(None),
        None => {
            tracing::info!(process = pid.as_raw_nonzero(), "an engine works on the links, to be taken over");
            *holder = Some((pid, Incumbent::of(link)));
            Ok(None)
        }
    }
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
        | af_xdp::Error::NoBridge { .. }
        | af_xdp::Error::Bridged { .. }
        | af_xdp::Error::FleetingPins
        | af_xdp::Error::NarrowFrames { .. } => Failure::Mistakes(vec![told.to_string()]),
        _ => Failure::No(told),
    }
}
