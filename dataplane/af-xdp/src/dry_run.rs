//! The XDP programs on frames of our own, without any device.

use aya::programs::{TestRun, TestRunOptions};

use crate::{
    Error, Heartbeat, LinkConfig, Port, ProgramCounters, SettledFlows, SettledKey,
    limits::INJECTED_FRAME_BYTES_MIN,
    programs::{Programs, XDP_DROP, XDP_PASS, load_error},
    settled::RawKey,
};

/// `struct flow` of `bpf/frame.h`.
const TOLD_BYTES: usize = RawKey::BYTES + 8;

/// What a program did with a frame. No engine lives here: what would go to one takes the way of a lost engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Dropped.
    Dropped,
    /// Passed to the kernel.
    Passed,
}

/// How the programs read a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadFlow {
    /// Its flow.
    pub key: SettledKey,
    /// Whether it is a TCP segment with SYN, FIN or RST, which no settled flow keeps from the engine.
    pub is_edge: bool,
}

/// Both programs of a link, loaded and never attached: what they would do with frames.
#[derive(Debug)]
pub struct DryRun {
    programs: Programs,
    heartbeat: Heartbeat,
}

impl DryRun {
    /// Loads the programs of a link; its interfaces are of no importance.
    ///
    /// # Errors
    /// If the config contradicts itself, or this process may not load programs.
    pub fn load(config: &LinkConfig) -> Result<DryRun, Error> {
        config.validate()?;
        let mut programs = Programs::load(config, 1)?;
        programs.program("weir_flow").load().map_err(|error| load_error(&error))?;
        let heartbeat = Heartbeat::new(programs.heartbeat_cells()?);
        Ok(DryRun { programs, heartbeat })
    }

    /// What the program of a port does with a frame.
    ///
    /// # Errors
    /// If the kernel does not take the frame: it has fewer than 14 bytes, or more than fit a page.
    pub fn run(&mut self, port: Port, frame: &[u8]) -> Result<Fate, Error> {
        // For the time alone: no socket takes frames.
        self.heartbeat.beat_all();
        let options = TestRunOptions { data_in: Some(frame), ..TestRunOptions::new() };
        let result = self.programs.xdp(port).test_run(options).map_err(|error| run_error(&error))?;
        match result.return_value {
            XDP_DROP => Ok(Fate::Dropped),
            XDP_PASS => Ok(Fate::Passed),
            action => unreachable!("the programs never answer {action} without an engine"),
        }
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
        let (key, rest) = out.split_first_chunk().expect("the program put the flow before the frame");
        let (from_upper, rest) = rest.split_first_chunk::<4>().expect("behind its key stand two numbers");
        let is_edge = rest.first_chunk::<4>().expect("of four bytes each");
        let key = SettledKey::told(RawKey::from_bytes(key), *from_upper != [0; 4]);
        Ok(Some(ReadFlow { key, is_edge: *is_edge != [0; 4] }))
    }

    /// The flows whose frames the programs drop; `None` where the link keeps none.
    ///
    /// # Errors
    /// If this process has no descriptor left.
    pub fn settled(&self) -> Result<Option<SettledFlows>, Error> {
        self.programs.settled()
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
