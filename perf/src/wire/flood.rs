//! UDP frames that leave the client from inside the kernel, counted where they arrive.

use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::lab::Lab;

/// For the last frames of a flood to arrive.
const SETTLE: Duration = Duration::from_millis(500);
/// The slowest that the flood can.
const PPS_MIN: u64 = 1_000;
/// Of one step of a search. The flood keeps a rate over whole seconds.
const STEP_S: u64 = 1;

/// The flood's program, and the core that it has.
pub(crate) struct Flood {
    pub(crate) program: PathBuf,
    pub(crate) core: usize,
    /// Of a search for the highest rate without loss: each halves what is left between lost and not.
    pub(crate) search_steps: u32,
}

/// Frames of one flood.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Flooded {
    pub(crate) sent: u64,
    pub(crate) received: u64,
    /// Time that sending took, in seconds.
    pub(crate) elapsed_s: f64,
}

/// A flood under way; ended when dropped.
pub(crate) struct Flooding(Child);

impl Flooded {
    /// Frames that arrived, in millions a second.
    pub(crate) fn mpps(self) -> f64 {
        self.received as f64 / self.elapsed_s / 1e6
    }

    fn is_whole(self) -> bool {
        self.received >= self.sent
    }
}

impl Flood {
    /// Floods for `seconds`, with frames of `frame_bytes`, at `pps` or at full rate (0).
    pub(crate) fn run(&self, lab: &Lab, frame_bytes: u16, pps: u64, seconds: u64) -> Result<Flooded> {
        let before = lab.received()?;
        let flooding = self.start(lab, frame_bytes, pps, seconds)?;
        let (sent, elapsed_s) = flooding.finish()?;
        thread::sleep(SETTLE);
        Ok(Flooded { sent, received: lab.received()? - before, elapsed_s })
    }

    /// Begins a flood, and does not wait for its end.
    pub(crate) fn start(&self, lab: &Lab, frame_bytes: u16, pps: u64, seconds: u64) -> Result<Flooding> {
        let mut command = lab.command("client", &self.core.to_string(), &self.program);
        command.args(["--interface", "to-server", "--pps", &pps.to_string()]);
        command.args(["--size", &frame_bytes.to_string(), "--seconds", &seconds.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(Flooding(command.spawn().context("nsenter (util-linux) does not start")?))
    }

    /// The highest rate, in frames a second, at which none was lost, by halving what is below `ceiling_pps`; 0 where each rate
    /// that was tried lost some.
    pub(crate) fn lossless_pps(&self, lab: &Lab, frame_bytes: u16, ceiling_pps: u64) -> Result<u64> {
        search(self.search_steps, ceiling_pps, |pps| {
            let flooded = self.run(lab, frame_bytes, pps, STEP_S)?;
            let sent_pps = (flooded.sent as f64 / flooded.elapsed_s) as u64;
            Ok(flooded.is_whole().then_some(sent_pps))
        })
    }
}

impl Flooding {
    /// Waits for its end; returns frames sent, and the time that it took, in seconds.
    pub(crate) fn finish(mut self) -> Result<(u64, f64)> {
        let (mut said, mut complaint) = (String::new(), String::new());
        std::io::Read::read_to_string(self.0.stdout.as_mut().context("it has no output")?, &mut said)?;
        std::io::Read::read_to_string(self.0.stderr.as_mut().context("it has no output")?, &mut complaint)?;
        ensure!(self.0.wait()?.success(), "the flood fails: {complaint}");
        parse(&said).with_context(|| format!("no count in {said:?}"))
    }
}

impl Drop for Flooding {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Reads `sent 123 frames in 1.002 s: 0.123 Mpps`.
fn parse(said: &str) -> Option<(u64, f64)> {
    let mut words = said.split_whitespace();
    let sent = words.nth(1)?.parse().ok()?;
    let elapsed_s = words.nth(2)?.parse().ok()?;
    Some((sent, elapsed_s))
}

/// Halves the rates below `ceiling_pps` so many times. `attempt` returns the rate that was really sent, where nothing of it was lost.
fn search(steps: u32, ceiling_pps: u64, mut attempt: impl FnMut(u64) -> Result<Option<u64>>) -> Result<u64> {
    let (mut good, mut bad, mut best) = (0, ceiling_pps, 0);
    for _ in 0..steps {
        let pps = u64::midpoint(good, bad);
        if pps < PPS_MIN {
            break;
        }
        match attempt(pps)? {
            Some(sent_pps) => (good, best) = (pps, best.max(sent_pps)),
            None => bad = pps,
        }
    }
    Ok(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floods_words_are_read() {
        let said = "sent 2097152 frames in 2.413 s: 0.869 Mpps\n";
        assert_eq!(parse(said), Some((2_097_152, 2.413)));
        assert_eq!(parse("sent many"), None);
    }

    #[test]
    fn a_search_ends_just_below_the_rate_that_loses() {
        let found = search(6, 1_000_000, |pps| Ok((pps <= 640_000).then_some(pps))).expect("nothing fails");
        assert!((640_000 - 1_000_000 / 64..=640_000).contains(&found), "{found}");
        assert_eq!(search(6, 1_000_000, |_| Ok(None)).expect("nothing fails"), 0);
    }

    #[test]
    fn a_search_tells_the_rate_that_was_sent_not_the_one_wished_for() {
        let found = search(6, 1_000_000, |pps| Ok(Some(pps.min(300_000)))).expect("nothing fails");
        assert_eq!(found, 300_000);
    }
}
