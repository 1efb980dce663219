//! `weir reload`, `weir upgrade` and `weir flows`: what is asked of the engine that runs with a config, and its answer.
//!
//! It is asked over the socket of its claim on the first link, in words. So nobody is ever sent a signal who is no engine.

use std::io::{self, BufReader, Write};
use std::num::NonZero;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow};
use rustix::process::Pid;

use super::asker::{FLOWS, NO, RELOAD, UPGRADE, YES};
use super::claim::Claim;
use super::hand_over::read_line;
use super::listing::ListTotals;
use super::upgrade::START_WITHIN;
use super::without_link;
use crate::cli::{ReloadArgs, UpgradeArgs};
use crate::config::Config;
use crate::failure::Failure;
use crate::flows::{FlowQuery, ListedFlow};
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

/// Has the engine that runs with a config list live flows, and shows each that it lists. How many there were.
///
/// # Errors
/// If the config is wrong, no engine works on the links, or this user may not ask it.
pub fn list_flows(
    config: &Path,
    query: &FlowQuery,
    mut see: impl FnMut(ListedFlow),
) -> Result<ListTotals, Failure> {
    let read = Config::read(config)?;
    if let Some(mistake) = without_link(config, &read) {
        return Err(Failure::Mistakes(vec![mistake]));
    }
    let query = serde_json::to_string(query).context("what is asked for")?;
    let mut engine = Engine::ask(&read, &format!("{FLOWS}\n{query}"), ANSWER_WITHIN)?;
    loop {
        let line = engine.hear()?;
        let illegible = || format!("the engine, process {}, said what is no flow", engine.process());
        if !line.starts_with('{') {
            return Ok(serde_json::from_str(&engine.agreed(&line)?).with_context(illegible)?);
        }
        see(serde_json::from_str(&line).with_context(illegible)?);
    }
}

/// An engine that was asked for something.
struct Engine {
    pid: Pid,
    stream: BufReader<UnixStream>,
    within: Duration,
}

impl Engine {
    /// Asks the engine that works on the first link of a config, in whole lines.
    fn ask(config: &Config, request: &str, within: Duration) -> Result<Engine, Failure> {
        let name = &config.links[0].ports.name;
        let (pid, mut stream) = Claim::call(name)?.ok_or_else(|| {
            anyhow!(
                "link {name}: no engine works on it\n  hint: run this in the network namespace of the engine, and where \
                 /run/weir is the same"
            )
        })?;
        let asked = stream
            .set_read_timeout(Some(within))
            .and_then(|()| stream.write_all(format!("{request}\n").as_bytes()));
        let engine = Engine { pid, stream: BufReader::new(stream), within };
        asked.map_err(|error| engine.silence(error))?;
        Ok(engine)
    }

    fn process(&self) -> NonZero<i32> {
        self.pid.as_raw_nonzero()
    }

    /// The next line that it says.
    fn hear(&mut self) -> Result<String, Failure> {
        Ok(read_line(&mut self.stream).map_err(|error| self.silence(error))?)
    }

    /// What a line says beside yes.
    fn agreed(&self, answer: &str) -> Result<String, anyhow::Error> {
        if let Some(what) = answer.strip_prefix(YES) {
            return Ok(what.trim().to_owned());
        }
        let why = answer.strip_prefix(NO).map_or(answer, str::trim);
        Err(anyhow!("the engine, process {}, says: {why}", self.process()))
    }

    /// Why it cannot be heard.
    fn silence(&self, error: io::Error) -> anyhow::Error {
        let told = match error.kind() {
            // What Linux says when the time of a socket is over.
            io::ErrorKind::WouldBlock => anyhow!("it gave no answer within {} s", self.within.as_secs()),
            io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => {
                anyhow!("it has gone away meanwhile, or is of a version that does not know what was asked")
            }
            _ => error.into(),
        };
        told.context(format!("cannot ask the engine, process {}, or hear its answer", self.process()))
    }
}

/// Asks the engine that works on the first link of a config: its process, and what it says to a yes.
fn ask(config: &Config, request: &str, within: Duration) -> Result<(Pid, String), Failure> {
    let mut engine = Engine::ask(config, request, within)?;
    let answer = engine.hear()?;
    let agreed = engine.agreed(&answer).map_err(|error| anyhow!("{error}\n  hint: its log says more"));
    Ok((engine.pid, agreed?))
}
