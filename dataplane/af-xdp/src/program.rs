//! The XDP program of one port, with maps of its own: loaded, not yet attached.

use std::os::fd::{AsFd, AsRawFd};

use aya::{
    Ebpf, EbpfLoader, include_bytes_aligned,
    maps::{Map, MapData, PerCpuArray, XskMap},
    programs::Xdp,
};

use crate::{Error, LinkConfig, OnEngineLoss, heartbeat::Cells};

static OBJECT: &[u8] = include_bytes_aligned!(concat!(env!("OUT_DIR"), "/weir_xdp.o"));

/// Values of `enum xdp_action` in `<linux/bpf.h>`.
const XDP_DROP: u32 = 1;
const XDP_PASS: u32 = 2;

/// What the XDP program of one port did with the frames since it was loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProgramCounters {
    /// Frames handed to the engine.
    pub redirected: u64,
    /// Frames passed to the kernel, because no live engine took them.
    pub passed_by_engine_loss: u64,
    /// Frames dropped, because no live engine took them.
    pub dropped_by_engine_loss: u64,
}

/// A loaded program; its maps live with it.
#[derive(Debug)]
pub(crate) struct Program {
    bpf: Ebpf,
    queues: u32,
}

impl Program {
    pub(crate) fn load(config: &LinkConfig, queues: u32) -> Result<Program, Error> {
        let action: u32 = match config.on_engine_loss {
            OnEngineLoss::Forward => XDP_PASS,
            OnEngineLoss::Drop => XDP_DROP,
        };
        let bpf = EbpfLoader::new()
            .override_global("heartbeat_timeout_ns", &config.heartbeat_timeout_ns, true)
            .override_global("action_on_engine_loss", &action, true)
            .map_max_entries("xsks", queues)
            .map_max_entries("heartbeats", queues)
            .load(OBJECT)
            .map_err(|error| load_error(&error))?;
        let mut program = Program { bpf, queues };
        program.xdp().load().map_err(|error| load_error(&error))?;
        Ok(program)
    }

    pub(crate) fn xdp(&mut self) -> &mut Xdp {
        let program = self.bpf.program_mut("weir_xdp").expect("the object defines weir_xdp");
        program.try_into().expect("weir_xdp stands in an xdp section")
    }

    /// Maps the heartbeat array.
    pub(crate) fn heartbeat_cells(&self) -> Result<Cells, Error> {
        let Some(Map::Array(array)) = self.bpf.map("heartbeats") else {
            unreachable!("the object defines heartbeats as an array");
        };
        Cells::map(array.fd().as_fd(), self.queues)
            .map_err(|error| Error::from_cause("map", "the heartbeat array", &error))
    }

    /// Directs the frames of an RX queue to a socket.
    pub(crate) fn set_socket(&mut self, queue: u32, socket: impl AsRawFd) -> Result<(), Error> {
        let map = self.bpf.map_mut("xsks").expect("the object defines xsks");
        let mut sockets = XskMap::try_from(map).expect("xsks is an XSKMAP");
        sockets
            .set(queue, socket, 0)
            .map_err(|error| Error::from_cause("direct frames to", "the AF_XDP socket", &error))
    }

    pub(crate) fn counters(&self) -> Result<ProgramCounters, Error> {
        let map = self.bpf.map("counters").expect("the object defines counters");
        let counters: PerCpuArray<&MapData, u64> =
            PerCpuArray::try_from(map).expect("counters is a per-CPU array of u64");
        let sum = |index: u32| match counters.get(&index, 0) {
            Ok(values) => Ok(values.iter().sum()),
            Err(error) => Err(Error::from_cause("read", "the program's counters", &error)),
        };
        Ok(ProgramCounters {
            redirected: sum(0)?,
            passed_by_engine_loss: sum(1)?,
            dropped_by_engine_loss: sum(2)?,
        })
    }
}

fn load_error(error: &(dyn std::error::Error + 'static)) -> Error {
    Error::from_cause("load", "the XDP program", error)
}

#[cfg(test)]
mod tests {
    use aya::programs::{TestRun, TestRunOptions};

    use super::*;
    use crate::{Heartbeat, probe};

    /// What the program answers to one frame on queue 0 that no socket serves.
    fn run(program: &mut Program) -> u32 {
        let frame = [0; 64];
        let options = TestRunOptions { data_in: Some(&frame), ..TestRunOptions::new() };
        program.xdp().test_run(options).expect("a test run").return_value
    }

    #[test]
    fn without_a_socket_the_operators_choice_holds_and_is_counted() {
        if let Err(reason) = probe() {
            let test = "without_a_socket_the_operators_choice_holds_and_is_counted";
            eprintln!("SKIPPED: {test}: {reason}");
            return;
        }
        let mut config = LinkConfig::new("test", "a", "b");
        let mut closed = Program::load(&config, 2).expect("loads");
        assert_eq!(run(&mut closed), XDP_DROP, "stale heartbeat");
        let cells = [closed.heartbeat_cells().expect("maps"), closed.heartbeat_cells().expect("maps")];
        Heartbeat::new(cells).beat_all();
        assert_eq!(run(&mut closed), XDP_DROP, "live heartbeat, but an empty slot");
        let expected = ProgramCounters { dropped_by_engine_loss: 2, ..ProgramCounters::default() };
        assert_eq!(closed.counters().expect("readable"), expected);

        config.on_engine_loss = OnEngineLoss::Forward;
        let mut open = Program::load(&config, 1).expect("loads");
        assert_eq!(run(&mut open), XDP_PASS);
        let expected = ProgramCounters { passed_by_engine_loss: 1, ..ProgramCounters::default() };
        assert_eq!(open.counters().expect("readable"), expected);
    }
}
