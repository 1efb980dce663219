//! The XDP programs on frames of our own, without any device.

use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use aya::programs::{TestRun, TestRunOptions};

use crate::{
    Error, Heartbeat, LinkConfig, Port, ProgramCounters, SettledFlows, SettledKey,
    limits::{INJECTED_FRAME_BYTES_MIN, REDIRECTED_HEADER_BYTES_MAX},
    probe::unbound_socket,
    programs::{Build, Programs, XDP_DROP, XDP_PASS, XDP_REDIRECT, load_error},
    settled::RawKey,
};

/// `struct told` of `bpf/weir_xdp.c`.
const TOLD_BYTES: usize = RawKey::BYTES + 8;
/// Why it can be read.
const TOLD: &str = "the program put the flow before the frame";

/// The index of the loopback, to which nothing is sent: a program only says that it would.
const LOOPBACK: u32 = 1;

/// What a program did with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Dropped.
    Dropped,
    /// Passed to the kernel.
    Passed,
    /// Handed to the engine.
    ToEngine,
    /// Sent out of the other port.
    PassedOn,
}

/// How the programs read a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadFlow {
    /// Its flow.
    pub key: SettledKey,
    /// Whether it is a TCP segment with SYN, FIN or RST, which no settled flow keeps from the engine.
    pub is_edge: bool,
}

/// Both programs of a link, loaded and never attached: what they would do with frames. At first no engine takes any.
#[derive(Debug)]
pub struct DryRun {
    programs: Programs,
    heartbeat: Heartbeat,
    /// The engine's, where there is one.
    socket: Option<OwnedFd>,
    is_hanging: bool,
}

impl DryRun {
    /// Loads the programs of a link; its interfaces are of no importance. They can send frames of up to 1518 bytes out of
    /// the other port.
    ///
    /// # Errors
    /// If the config contradicts itself, or this process may not load programs.
    pub fn load(config: &LinkConfig) -> Result<DryRun, Error> {
        DryRun::load_build(Build::Linear, config, 1500)
    }

    /// As [`load`](Self::load), but the programs of a link with an MTU of 9000 bytes, whose frames may lie in several
    /// buffers.
    ///
    /// # Errors
    /// As of [`load`](Self::load).
    pub fn load_multi_buffer(config: &LinkConfig) -> Result<DryRun, Error> {
        DryRun::load_build(Build::MultiBuffer, config, 9000)
    }

    fn load_build(build: Build, config: &LinkConfig, mtu_bytes: u32) -> Result<DryRun, Error> {
        config.validate()?;
        let mut programs = Programs::load(build, config, 1, mtu_bytes + REDIRECTED_HEADER_BYTES_MAX)?;
        programs.program("weir_flow").load().map_err(|error| load_error(&error))?;
        for port in Port::BOTH {
            programs.set_egress(port, LOOPBACK)?;
        }
        let heartbeat = Heartbeat::new(programs.heartbeat_cells()?);
        Ok(DryRun { programs, heartbeat, socket: None, is_hanging: false })
    }

    /// From now on there is an engine that would take frames.
    ///
    /// # Errors
    /// If this process may not have an AF_XDP socket.
    pub fn start_engine(&mut self) -> Result<(), Error> {
        let socket = unbound_socket()?;
        for port in Port::BOTH {
            self.programs.set_socket(port, 0, socket.as_raw_fd())?;
        }
        (self.socket, self.is_hanging) = (Some(socket), false);
        Ok(())
    }

    /// From now on, the engine does not beat any more.
    pub fn hang_engine(&mut self) {
        self.is_hanging = true;
    }

    /// The engine is gone, while its last beat is still young.
    pub fn kill_engine(&mut self) {
        self.socket = None;
    }

    /// What the program of a port does with a frame.
    ///
    /// # Errors
    /// If the kernel does not take the frame: it has fewer than 14 bytes, or more than fit a page, or 17 of them in several buffers.
    pub fn run(&mut self, port: Port, frame: &[u8]) -> Result<Fate, Error> {
        if !self.is_hanging {
            self.heartbeat.beat_all();
        }
        let bypassed = self.counters(port)?.bypassed;
        match self.answer(port, frame, 1)?.0 {
            XDP_DROP => Ok(Fate::Dropped),
            XDP_PASS => Ok(Fate::Passed),
            XDP_REDIRECT if self.counters(port)?.bypassed > bypassed => Ok(Fate::PassedOn),
            XDP_REDIRECT => Ok(Fate::ToEngine),
            action => unreachable!("the programs never answer {action}"),
        }
    }

    /// How long the program of a port takes for one frame, as the mean of so many runs.
    ///
    /// # Errors
    /// As of [`run`](DryRun::run).
    pub fn time(&mut self, port: Port, frame: &[u8], runs: u32) -> Result<Duration, Error> {
        self.heartbeat.beat_all();
        Ok(self.answer(port, frame, runs)?.1)
    }

    /// What the program of a port answers to a frame, and how long that took, as the mean of so many runs.
    fn answer(&mut self, port: Port, frame: &[u8], runs: u32) -> Result<(u32, Duration), Error> {
        let options = TestRunOptions { data_in: Some(frame), repeat: runs, ..TestRunOptions::new() };
        let result = self.programs.xdp(port).test_run(options).map_err(|error| run_error(&error))?;
        Ok((result.return_value, result.duration))
    }

    /// The flow that the programs see in a frame, if they see one.
    ///
    /// # Errors
    /// As of [`run`](DryRun::run).
    pub fn read(&mut self, frame: &[u8]) -> Result<Option<ReadFlow>, Error> {
        debug_assert!(frame.len() >= INJECTED_FRAME_BYTES_MIN, "the kernel takes no shorter one");
        let mut out = vec![0; frame.len() + TOLD_BYTES];
        let options =
            TestRunOptions { data_in: Some(frame), data_out: Some(&mut out), ..TestRunOptions::new() };
        let program = self.programs.program("weir_flow");
        let result = program.test_run(options).map_err(|error| run_error(&error))?;
        if result.return_value != XDP_PASS {
            assert_eq!(result.return_value, XDP_DROP, "there is room before a frame");
            return Ok(None);
        }
        let (key, rest) = out.split_first_chunk().expect(TOLD);
        let (from_upper, rest) = rest.split_first_chunk::<4>().expect(TOLD);
        let is_edge = rest.first_chunk::<4>().expect(TOLD);
        let key = SettledKey::told(RawKey::from_bytes(key), *from_upper != [0; 4]);
        Ok(Some(ReadFlow { key, is_edge: *is_edge != [0; 4] }))
    }

    /// The flows whose frames the programs handle by themselves; `None` where the link keeps none.
    pub fn settled(&self) -> Option<SettledFlows> {
        self.programs.settled(false, true)
    }

    /// What the program of a port did so far.
    ///
    /// # Errors
    /// If its counters cannot be read.
    pub fn counters(&self, port: Port) -> Result<ProgramCounters, Error> {
        self.programs.counters(port)
    }
}

fn run_error(error: &(dyn std::error::Error + 'static)) -> Error {
    Error::from_cause("run", "the XDP program", error)
}
