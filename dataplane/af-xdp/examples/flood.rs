//! Floods an interface with numbered UDP frames, from inside the kernel (XDP live frames), at a given rate or as
//! fast as one core can.
//!
//! On veth, the other end takes such frames only with a native XDP program on it, or with GRO on
//! (`ethtool -K DEV gro on`); otherwise all are lost.

use std::{
    error::Error,
    time::{Duration, Instant},
};

use aya::{
    EbpfLoader, include_bytes_aligned,
    maps::{Array, MapData},
    programs::{TestRun, TestRunAttrs, TestRunOptions, Xdp},
};
use clap::Parser;

static OBJECT: &[u8] = include_bytes_aligned!(concat!(env!("OUT_DIR"), "/flood.o"));

/// Frames of one call into the kernel: so many that its fixed cost of some milliseconds does not count, and so
/// few that the time is looked at often enough.
const FRAMES_PER_CALL_MAX: u64 = 1 << 20;
/// Frames that the kernel sends at once, at most.
const FRAMES_PER_BURST_MAX: u64 = 64;
/// Ethernet, IPv4 and UDP headers; the frame's number follows, 8 bytes in network order, counted from zero.
const HEADER_BYTES: usize = 14 + 20 + 8;

/// Floods an interface with numbered UDP frames.
#[derive(Parser)]
struct Options {
    /// Interface out of which to send.
    #[arg(long)]
    interface: String,
    /// Frames a second, at least 1000; 0 is as many as possible.
    #[arg(long, default_value_t = 0, value_parser = rate)]
    pps: u64,
    /// Bytes of a frame, without its checksum.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u16).range(50..=3400))]
    size: u16,
    /// Frames to send; 0 is no limit.
    #[arg(long, default_value_t = 0)]
    count: u64,
    /// Seconds to send; 0 is no limit, and then a count must be given.
    #[arg(long, default_value_t = 0)]
    seconds: u64,
    /// Core to run on.
    #[arg(long)]
    core: Option<usize>,
}

fn rate(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(pps @ (0 | 1000..=10_000_000)) => Ok(pps),
        _ => Err("give 0, or 1000 to 10000000".to_owned()),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    if options.count == 0 && options.seconds == 0 {
        return Err("give a count or a time".into());
    }
    if let Some(core) = options.core {
        core_affinity::set_for_current(core_affinity::CoreId { id: core });
    }
    let name = std::ffi::CString::new(options.interface.as_str())?;
    // SAFETY: the pointer is to a NUL-terminated string that lives until after the call.
    let interface_index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    if interface_index == 0 {
        return Err(format!("there is no interface {}", options.interface).into());
    }
    let interval_ns = 1_000_000_000u64.checked_div(options.pps).unwrap_or(0);
    let mut bpf = EbpfLoader::new()
        .override_global("interface_index", &interface_index, true)
        .override_global("interval_ns", &interval_ns, true)
        .load(OBJECT)?;
    let program: &mut Xdp = bpf.program_mut("flood").ok_or("the object defines flood")?.try_into()?;
    program.load()?;
    let elapsed = send(program, &options)?;
    let numbers: Array<&MapData, u64> =
        Array::try_from(bpf.map("next_number").ok_or("the object defines next_number")?)?;
    let sent = numbers.get(&0, 0)?;
    println!(
        "sent {sent} frames in {:.3} s: {:.3} Mpps",
        elapsed.as_secs_f64(),
        sent as f64 / elapsed.as_secs_f64() / 1e6
    );
    Ok(())
}

/// Sends by count and time, the program keeping the rate; returns the time that it took.
fn send(program: &Xdp, options: &Options) -> Result<Duration, Box<dyn Error>> {
    let frame = frame(usize::from(options.size));
    let started = Instant::now();
    let count = if options.count == 0 { u64::MAX } else { options.count };
    let seconds = if options.seconds == 0 { u64::MAX } else { options.seconds };
    let (frames_per_call, frames_per_burst) = match options.pps {
        0 => (FRAMES_PER_CALL_MAX, FRAMES_PER_BURST_MAX),
        pps => (pps.clamp(1, FRAMES_PER_CALL_MAX), (pps / 20_000).clamp(1, FRAMES_PER_BURST_MAX)),
    };
    let mut sent = 0;
    while sent < count && started.elapsed().as_secs() < seconds {
        let frames = frames_per_call.min(count - sent);
        let mut run = TestRunOptions::new();
        run.data_in = Some(&frame);
        run.repeat = frames as u32;
        run.attrs = TestRunAttrs::new().xdp_live_frames(frames_per_burst as u32);
        program.test_run(run)?;
        sent += frames;
    }
    Ok(started.elapsed())
}

/// A UDP datagram from 198.18.0.1 to 198.18.0.2 (RFC 2544 section C.2.2), without UDP checksum.
fn frame(size: usize) -> Vec<u8> {
    let mut frame = vec![0; size];
    let (ip_bytes, udp_bytes) = ((size - 14) as u16, (size - 34) as u16);
    frame[0..6].copy_from_slice(&[2, 0, 0, 0, 0, 2]);
    frame[6..12].copy_from_slice(&[2, 0, 0, 0, 0, 1]);
    frame[12..14].copy_from_slice(&[0x08, 0x00]);
    let mut ip = [0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 198, 18, 0, 1, 198, 18, 0, 2];
    ip[2..4].copy_from_slice(&ip_bytes.to_be_bytes());
    let sum: u32 = ip.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    ip[10..12].copy_from_slice(&(!(folded as u16)).to_be_bytes());
    frame[14..34].copy_from_slice(&ip);
    frame[34..36].copy_from_slice(&4000u16.to_be_bytes());
    frame[36..38].copy_from_slice(&9u16.to_be_bytes());
    frame[38..40].copy_from_slice(&udp_bytes.to_be_bytes());
    debug_assert!(frame.len() >= HEADER_BYTES + 8);
    frame
}
