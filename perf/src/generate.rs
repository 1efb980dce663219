//! Captures that are the same on every machine, their connections interleaved.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use bench::http::{Kind, connection};
use bench::random::Random;
use dataplane::decode::LinkType;
use engine::io::pcap::CaptureWriter;

/// Connections that are open at once.
const OPEN: usize = 256;
/// Time from frame to frame: 100 000 frames a second.
const FRAME_INTERVAL_NS: u64 = 10_000;
/// 2024-06-04 10:00:00 UTC, in ns since the epoch.
const START_NS: u64 = 1_717_495_200_000_000_000;
const SEED: u64 = 0x5745_4952;

/// Writes a capture of `flows` connections to `out`.
pub(crate) fn run(kind: Kind, flows: u32, out: &Path) -> Result<()> {
    let file = File::create(out).with_context(|| format!("cannot write {}", out.display()))?;
    let (frames, bytes) = write(kind, flows, BufWriter::new(file))?;
    eprintln!("{}: {flows} connections, {frames} frames, {bytes} bytes", out.display());
    Ok(())
}

/// Writes the capture, and returns how many frames and bytes on the wire it has.
pub(crate) fn write(kind: Kind, flows: u32, out: impl Write) -> Result<(u64, u64)> {
    let mut capture = CaptureWriter::new(out, LinkType::Ethernet)?;
    let mut random = Random::new(SEED);
    let mut waiting = (0..flows).peekable();
    let mut open: Vec<std::vec::IntoIter<Vec<u8>>> = Vec::new();
    let (mut frames, mut bytes) = (0, 0);
    while !open.is_empty() || waiting.peek().is_some() {
        while open.len() < OPEN
            && let Some(index) = waiting.next()
        {
            open.push(connection(kind, index, &mut random).into_iter());
        }
        let place = random.below(open.len() as u32) as usize;
        let Some(frame) = open[place].next() else {
            open.swap_remove(place);
            continue;
        };
        capture.write(&frame, START_NS + frames * FRAME_INTERVAL_NS, frame.len() as u32)?;
        frames += 1;
        bytes += frame.len() as u64;
    }
    capture.finish()?;
    Ok((frames, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capture_is_whole_and_the_same_every_time() {
        let made = || {
            let mut capture = Vec::new();
            let counts = write(Kind::HttpSmall, 300, &mut capture).expect("memory takes it");
            (capture, counts)
        };
        let (capture, (frames, bytes)) = made();
        assert_eq!(made().0, capture);
        assert_eq!(frames, 3000);
        assert_eq!(capture.len() as u64, 24 + 16 * frames + bytes);
    }
}
