//! `weir replay`

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, anyhow};
use dataplane::decode::ChecksumMode;
use dataplane::policy::Settings;

use super::{Output, ReplayArgs, print, read_config};
use crate::config::{Config, EventTypes};
use crate::eve::{EveFile, EveFormat};
use crate::failure::Failure;
use crate::io::pcap::Capture;
use crate::packs::Packs;
use crate::replay::{Passed, Replay, Summary};

/// Plays all captures. One that is damaged is played as far as it is readable, and the next ones follow.
pub(super) fn replay(args: &ReplayArgs) -> Result<(), Failure> {
    let config = read_config(args.config.as_ref())?;
    let rules = Packs::read(&args.packs.or(&config)).compile()?;
    let sink = open_sink(args, &config)?;
    let passed = match &args.write {
        Some(path) => Some(Passed::create(path).with_context(|| path.display().to_string())?),
        None => None,
    };
    let mut replay = Replay::new(settings(args, &config), Arc::new(rules), sink, passed);
    let started = Instant::now();
    let mut damaged = 0;
    for path in &args.captures {
        let before = replay.frames();
        match play(path, &mut replay) {
            Ok(()) if replay.frames() == before => {
                eprintln!("weir: {}: note: it is a capture, but holds no frame", path.display());
            }
            Ok(()) => {}
            Err(failure) => {
                damaged += 1;
                eprintln!("weir: {failure}");
            }
        }
    }
    let summary = replay.finish().context("writing events or frames")?;
    let unread =
        || anyhow!("{damaged} of {} captures could not be read to their end", args.captures.len()).into();
    if damaged > 0 && summary.frames() == 0 {
        // Zeros would look like an outcome.
        return Err(unread());
    }
    if args.timing {
        report_timing(&summary, started.elapsed().as_secs_f64());
    }
    show(args, &summary)?;
    match damaged {
        0 => Ok(()),
        _ => Err(unread()),
    }
}

fn settings(args: &ReplayArgs, config: &Config) -> Settings {
    let checksums = if args.ignore_checksums { ChecksumMode::Ignore } else { ChecksumMode::Verify };
    Settings { checksums, ..config.settings() }
}

fn open_sink(args: &ReplayArgs, config: &Config) -> Result<EveFile<Box<dyn Write>>, Failure> {
    let (types, writer): (EventTypes, Box<dyn Write>) = match args.eve.as_deref() {
        None => (EventTypes::NONE, Box::new(io::sink())),
        Some(path) if path == Path::new("-") => (config.events.types, Box::new(io::stdout().lock())),
        Some(path) => {
            let file = File::create(path).with_context(|| path.display().to_string())?;
            (config.events.types, Box::new(file))
        }
    };
    Ok(EveFile::new(EveFormat::new(types, Vec::new()), writer))
}

fn play<W: Write>(path: &Path, replay: &mut Replay<EveFile<W>>) -> Result<(), String> {
    let reader: Box<dyn Read> = match path {
        _ if path == Path::new("-") => Box::new(io::stdin().lock()),
        _ => Box::new(File::open(path).map_err(|error| Failure::unusable(path, &error))?),
    };
    let damaged = |error| format!("{}: {error}", path.display());
    replay.play(&mut Capture::open(reader).map_err(damaged)?).map_err(damaged)
}

fn show(args: &ReplayArgs, summary: &Summary) -> Result<(), Failure> {
    let text = match args.output {
        Output::Text => summary.to_string(),
        Output::Json => serde_json::to_string(summary).context("the summary")?,
    };
    if args.eve.as_deref() == Some(Path::new("-")) {
        eprintln!("{text}");
        return Ok(());
    }
    print(&text)
}

fn report_timing(summary: &Summary, seconds: f64) {
    eprintln!(
        "weir: {} frames in {seconds:.3} s: {:.3} Mpps, {:.3} Gbit/s",
        summary.frames(),
        summary.frames() as f64 / seconds / 1e6,
        summary.bytes() as f64 * 8.0 / seconds / 1e9
    );
}
