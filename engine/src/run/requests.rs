//! `weir reload` and `weir upgrade`: what is asked of the engine that runs with a config, and its answer.
//!
//! It is asked over the socket of its claim on the first link, in words. So nobody is ever sent a signal who is no engine.

use std::io::{self, BufReader, Write};
use std::time::Duration;

use anyhow::{Context, anyhow};
use rustix::process::Pid;

use super::asker::{NO, RELOAD, UPGRADE, YES};
use super::claim::Claim;
use super::hand_over::read_line;
use super::upgrade::START_WITHIN;
use super::without_link;
use crate::cli::{ReloadArgs, UpgradeArgs};
use crate::config::Config;
use crate::failure::Failure;
use crate::packs::Packs;

/// An engine that works looks up every 50 ms; one that starts, once its links are open.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Beyond the time to start: in which links are let go of and bound.
const HAND_OVER_WITHIN: Duration = Duration::from_secs(40);

/// Asks the engine that runs with a config to load its packs anew, after a check that they can be.
///
/// # Errors
/// If config or packs are wrong, no engine works on the links, or this user may not ask it.
pub fn reload(args: &ReloadArgs) -> Result<(), Failure> {
    let config = Config::read(&args.config)?;
    if let Some(mistake) = without_link(&args.config, &config) {
        return Err(Failure::Mistakes(vec![mistake]));
    }
    // What is compiled here, the engine finds in the cache.
    let (rules, _) = Packs::read(&config.packs).compile_cached()?;
    let (engine, _) = ask(&config, RELOAD, ANSWER_WITHIN)?;
    let (count, process) = (rules.rules().len(), engine.as_raw_nonzero());
    eprintln!(
        "weir: the engine, process {process}, was asked to load {count} rules; its log says when they are in force"
    );
    Ok(())
}

/// Has the engine that runs with a config replaced by one of the binary that now stands in its place, after a check that
/// this can read config and packs.
///
/// # Errors
/// If config or packs are wrong, no engine works on the links, this user may not ask it, or nobody takes over.
pub fn upgrade(args: &UpgradeArgs) -> Result<(), Failure> {
    let config = Config::read(&args.config)?;
    if let Some(mistake) = without_link(&args.config, &config) {
        return Err(Failure::Mistakes(vec![mistake]));
    }
    Packs::read(&config.packs).compile_cached()?;
    let (former, successor) = ask(&config, UPGRADE, START_WITHIN + HAND_OVER_WITHIN)?;
    let former = former.as_raw_nonzero();
    eprintln!("weir: process {successor} has taken over from process {former}");
    Ok(())
}

/// Asks the engine that works on the first link of a config: its process, and what it says to a yes.
fn ask(config: &Config, request: &str, within: Duration) -> Result<(Pid, String), Failure> {
    let name = &config.links[0].ports.name;
    let (engine, mut stream) = Claim::call(name)?.ok_or_else(|| {
        anyhow!(
            "link {name}: no engine works on it\n  hint: run this in the network namespace of the engine, and where \
             /run/weir is the same"
        )
    })?;
    let process = engine.as_raw_nonzero();
    let asked = stream
        .set_read_timeout(Some(within))
        .and_then(|()| stream.write_all(format!("{request}\n").as_bytes()))
        .and_then(|()| read_line(&mut BufReader::new(stream)));
    let answer = asked.map_err(|error| match error.kind() {
        // What Linux says when the time of a socket is over.
        io::ErrorKind::WouldBlock => anyhow!("it gave no answer within {} s", within.as_secs()),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => {
            anyhow!("it has gone away meanwhile")
        }
        _ => error.into(),
    });
    let asked = || format!("cannot ask the engine, process {process}, or hear its answer");
    let answer = answer.with_context(asked)?;
    if let Some(what) = answer.strip_prefix(YES) {
        return Ok((engine, what.trim().to_owned()));
    }
    let why = answer.strip_prefix(NO).map_or(answer.as_str(), str::trim);
    Err(anyhow!("the engine, process {process}, says: {why}\n  hint: its log says more").into())
}
