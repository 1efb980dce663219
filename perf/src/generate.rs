//! Captures that are the same on every machine, their connections interleaved.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use bench::http::{Kind, Random, connection};

/// Connections that are open at once.
const OPEN: usize = 256;
/// Time from frame to frame: 100 000 frames a second.
const FRAME_INTERVAL_US: u64 = 10;
/// 2024-06-04 10:00:00 UTC.
const START_S: u64 = 1_717_495_200;
const SEED: u64 = 0x5745_4952;

/// Writes a capture of `flows` connections to `out`.
pub(crate) fn run(kind: Kind, flows: u32, out: &Path) -> Result<()> {
    let file = File::create(out).with_context(|| format!("cannot write {}", out.display()))?;
    let (frames, bytes) = write(kind, flows, &mut BufWriter::new(file))?;
    eprintln!("{}: {flows} connections, {frames} frames, {bytes} bytes", out.display());
    Ok(())
}

/// Writes the capture, and returns how many frames and bytes on the wire it has.
pub(crate) fn write(kind: Kind, flows: u32, out: &mut impl Write) -> Result<(u64, u64)> {
    // Magic, version 2.4, zone and accuracy 0, snapshot length, Ethernet.
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1] {
        out.write_all(&word.to_le_bytes())?;
    }
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
        let now_us = frames * FRAME_INTERVAL_US;
        let seconds = (START_S + now_us / 1_000_000) as u32;
        for word in [seconds, (now_us % 1_000_000) as u32, frame.len() as u32, frame.len() as u32] {
            out.write_all(&word.to_le_bytes())?;
        }
        out.write_all(&frame)?;
        frames += 1;
        bytes += frame.len() as u64;
    }
    out.flush()?;
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
