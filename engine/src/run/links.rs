//! The links of a config, opened.

use std::sync::Arc;

use af_xdp::{Link, LinkLock, PreparedLink, Queue};
use anyhow::{Context, anyhow};
use dataplane::pipeline::{Handling, Pipeline};
use dataplane::policy::Bypass;
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

/// A link of which everything is ready but its ports, and the pipelines of its workers to be.
pub(super) struct ReadyLink {
    prepared: PreparedLink,
    config: LinkConfig,
    /// `None` where an engine holds it that is to let go of it.
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
}

/// Makes everything ready that can be without a change to any link. Links that `incumbent` holds are not claimed yet.
pub(super) fn prepare(
    config: &Config,
    rules: &Arc<RuleSet>,
    takes_over: bool,
) -> Result<(Vec<ReadyLink>, Option<Incumbent>), Failure> {
    let mut ready = Vec::new();
    let mut holder: Option<(Pid, Incumbent)> = None;
    let mut workers = 0;
    for link in &config.links {
        let name = &link.ports.name;
        let claim = if takes_over { claim_or_meet(name, &mut holder)? } else { Some(claim(name)?) };
        let prepared = Link::prepare(&link.ports).map_err(|error| failure(name, &error))?;
        let first = workers;
        workers += prepared.queues();
        if workers > WORKERS_MAX {
            let told = format!(
                "the links have more than {WORKERS_MAX} queues, but an engine has at most so many workers\n  hint: \
                 `ethtool -L DEV combined N` lowers their number"
            );
            return Err(Failure::Mistakes(vec![told]));
        }
        let pipelines = (first..workers)
            .map(|worker| Pipeline::new(worker_settings(config, link, worker), Arc::clone(rules)))
            .collect();
        ready.push(ReadyLink { prepared, config: link.clone(), claim, pipelines });
    }
    Ok((ready, holder.map(|(_, incumbent)| incumbent)))
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
    ready.into_iter().enumerate().map(|(index, link)| open_link(config, index as u16, link, &known)).collect()
}

fn open_link(engine: &Config, index: u16, ready: ReadyLink, known: &Knowledge) -> Result<OpenLink, Failure> {
    let ReadyLink { prepared, config, claim: held, mut pipelines } = ready;
    let ports = &config.ports;
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
            xdp::take(settled.as_mut(), &flow.record, now_ns);
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
    let lendings = shares::lendings(owners, &queues)?;
    let posts = queues.into_iter().zip(pipelines).zip(lendings);
    let post = |((queue, pipeline), lending)| Post { queue, pipeline: Some(pipeline), lending };
    Ok(OpenLink { link, posts: posts.map(post).collect(), config, claim })
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
        queues = queues.len(),
        zero_copy_queues = zero_copy,
        huge_page_queues = huge_pages,
        multi_buffer = link.is_multi_buffer(),
        "link is open"
    );
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
        | af_xdp::Error::NoBridge { .. } => Failure::Mistakes(vec![told.to_string()]),
        _ => Failure::No(told),
    }
}
