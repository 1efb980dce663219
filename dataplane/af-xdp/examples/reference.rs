//! Drops every frame of a port, or redirects it to another, by the shortest program there is: to set beside a link that
//! does the same with a settled flow. Ends at SIGINT or SIGTERM, and takes its program off.

use std::{
    error::Error,
    ffi::CString,
    sync::{Arc, atomic::AtomicBool, atomic::Ordering::Relaxed},
    thread,
    time::Duration,
};

use aya::{
    EbpfLoader, include_bytes_aligned,
    maps::DevMap,
    programs::{Xdp, XdpMode},
};
use clap::Parser;

static OBJECT: &[u8] = include_bytes_aligned!(concat!(env!("OUT_DIR"), "/reference.o"));

/// Drops or redirects every frame of a port.
#[derive(Parser)]
struct Options {
    /// Interface whose frames are meant.
    #[arg(long)]
    interface: String,
    /// Interface to redirect them to; without it they are dropped.
    #[arg(long)]
    to: Option<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    let mut bpf = EbpfLoader::new().load(OBJECT)?;
    let mut programs = vec![("drop_all", index(&options.interface)?)];
    if let Some(to) = &options.to {
        let to = index(to)?;
        let mut egress = DevMap::try_from(bpf.map_mut("egress").ok_or("the object defines egress")?)?;
        egress.set(0, to, None, 0)?;
        // A driver may take redirected frames only where it has a program itself.
        programs = vec![("redirect_all", index(&options.interface)?), ("pass_all", to)];
    }
    for (name, interface) in programs {
        let program: &mut Xdp = bpf.program_mut(name).ok_or("the object defines it")?.try_into()?;
        program.load()?;
        program.attach_to_if_index(interface, XdpMode::Driver)?;
    }
    println!("ready");
    while !stop.load(Relaxed) {
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn index(interface: &str) -> Result<u32, Box<dyn Error>> {
    let name = CString::new(interface)?;
    // SAFETY: the pointer is to a NUL-terminated string that lives until after the call.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(format!("there is no interface {interface}").into()),
        index => Ok(index),
    }
}
