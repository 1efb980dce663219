//! The XDP programs of both ports of a link, with the maps that they share: loaded, not yet attached.

use std::array;
use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::Arc;

use aya::{
    Ebpf, EbpfLoader, include_bytes_aligned,
    maps::{DevMap, HashMap, Map, MapData, PerCpuArray, XskMap},
    programs::Xdp,
};

use crate::{
    Error, LinkConfig, OnEngineLoss, Port, SettledFlows,
    heartbeat::Cells,
    limits,
    settled::Address,
    settled_table::{SettledTable, Shape},
};

static LINEAR: &[u8] = include_bytes_aligned!(concat!(env!("OUT_DIR"), "/weir_xdp.o"));
static MULTI_BUFFER: &[u8] = include_bytes_aligned!(concat!(env!("OUT_DIR"), "/weir_xdp_frags.o"));

/// Which build of the programs: the kernel does not run the first on frames of several buffers, and both read headers in
/// the first buffer only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Build {
    /// For frames that lie in one buffer.
    Linear,
    /// For frames of several buffers, whose length takes a call to ask for.
    MultiBuffer,
}

/// Values of `enum xdp_action` in `<linux/bpf.h>`.
pub(crate) const XDP_DROP: u32 = 1;
pub(crate) const XDP_PASS: u32 = 2;
pub(crate) const XDP_REDIRECT: u32 = 4;

/// What the XDP program of one port did with the frames since it was loaded: `enum counter` of `bpf/weir_xdp.c`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProgramCounters {
    /// Frames handed to the engine.
    pub redirected: u64,
    /// Frames passed to the kernel, because no live engine took them.
    pub passed_by_engine_loss: u64,
    /// Frames dropped, because no live engine took them.
    pub dropped_by_engine_loss: u64,
    /// Frames for the node itself, passed to the kernel.
    pub passed_to_host: u64,
    /// Frames dropped, because their flow is among the [`SettledFlows`] to be dropped.
    pub dropped_flow_blocked: u64,
    /// Frames dropped, because their source sends more than its rate.
    pub dropped_source_rate: u64,
    /// Frames sent out of the other port, because their flow is among the [`SettledFlows`] to be passed on.
    pub bypassed: u64,
}

impl ProgramCounters {
    /// How many there are.
    pub const COUNT: usize = 7;

    /// In the order of the program's.
    fn from_sums(sums: [u64; ProgramCounters::COUNT]) -> ProgramCounters {
        let [
            redirected,
            passed_by_engine_loss,
            dropped_by_engine_loss,
            passed_to_host,
            dropped_flow_blocked,
            dropped_source_rate,
            bypassed,
        ] = sums;
        ProgramCounters {
            redirected,
            passed_by_engine_loss,
            dropped_by_engine_loss,
            passed_to_host,
            dropped_flow_blocked,
            dropped_source_rate,
            bypassed,
        }
    }

    /// Adds what another program counted.
    pub fn add(&mut self, other: &ProgramCounters) {
        let (ours, theirs) = (self.entries(), other.entries());
        *self = ProgramCounters::from_sums(array::from_fn(|index| ours[index].1 + theirs[index].1));
    }

    /// The words and numbers, in the order of the declaration.
    pub fn entries(&self) -> [(&'static str, u64); ProgramCounters::COUNT] {
        [
            ("redirected", self.redirected),
            ("passed_by_engine_loss", self.passed_by_engine_loss),
            ("dropped_by_engine_loss", self.dropped_by_engine_loss),
            ("passed_to_host", self.passed_to_host),
            ("dropped_flow_blocked", self.dropped_flow_blocked),
            ("dropped_source_rate", self.dropped_source_rate),
            ("bypassed", self.bypassed),
        ]
    }
}

/// Both programs, loaded; their maps live with them.
#[derive(Debug)]
pub(crate) struct Programs {
    bpf: Ebpf,
    queues: u32,
    /// None where the link keeps no settled flows.
    settled: Option<Arc<SettledTable>>,
}

impl Programs {
    /// Frames of up to `bypass_bytes_max` bytes may be sent out of the other port.
    pub(crate) fn load(
        build: Build,
        config: &LinkConfig,
        queues: u32,
        bypass_bytes_max: u32,
    ) -> Result<Programs, Error> {
        let mut programs = Programs::without_hosts(build, config, queues, bypass_bytes_max)?;
        programs.set_hosts(&config.hosts)?;
        for port in Port::BOTH {
            programs.xdp(port).load().map_err(|error| load_error(&error))?;
        }
        Ok(programs)
    }

    /// The object in the kernel: its maps are made, and none of its programs is loaded yet.
    fn without_hosts(
        build: Build,
        config: &LinkConfig,
        queues: u32,
        bypass_bytes_max: u32,
    ) -> Result<Programs, Error> {
        let object = match build {
            Build::Linear => LINEAR,
            Build::MultiBuffer => MULTI_BUFFER,
        };
        let action: u32 = match config.on_engine_loss {
            OnEngineLoss::Forward => XDP_PASS,
            OnEngineLoss::Drop => XDP_DROP,
        };
        let host_count = config.hosts.len() as u32;
        let (settled_max, source_interval_ns) = (config.settled_flows_max, config.source_interval_ns());
        let shape = Shape::new(settled_max);
        let settled_shift = shape.shift();
        let sources = if source_interval_ns == 0 { 1 } else { limits::SOURCES_MAX };
        let bpf = EbpfLoader::new()
            .override_global("heartbeat_timeout_ns", &config.heartbeat_timeout_ns, true)
            .override_global("action_on_engine_loss", &action, true)
            .override_global("host_count", &host_count, true)
            .override_global("settled_max", &settled_max, true)
            .override_global("settled_shift", &settled_shift, true)
            .override_global("settled_seeds", shape.seeds(), true)
            .override_global("bypass_bytes_max", &bypass_bytes_max, true)
            .override_global("source_interval_ns", &source_interval_ns, true)
            .map_max_entries("inside_xsks", queues)
            .map_max_entries("outside_xsks", queues)
            .map_max_entries("heartbeats", queues)
            // A map of no entry cannot be made; these are then not asked.
            .map_max_entries("hosts", host_count.max(1))
            .map_max_entries("settled_tags", shape.buckets())
            .map_max_entries("settled_flows", shape.slots())
            .map_max_entries("sources", sources)
            .load(object)
            .map_err(|error| load_error(&error))?;
        let mut programs = Programs { bpf, queues, settled: None };
        if settled_max > 0 {
            let [tags, slots] = ["settled_tags", "settled_flows"].map(|name| programs.array(name));
            let table = SettledTable::map(tags, slots, shape, settled_max)
                .map_err(|error| Error::from_cause("map", "the settled flows", &error))?;
            programs.settled = Some(Arc::new(table));
        }
        Ok(programs)
    }

    /// The descriptor of an array of the object.
    pub(crate) fn array(&self, name: &str) -> BorrowedFd<'_> {
        let Some(Map::Array(array)) = self.bpf.map(name) else {
            unreachable!("the object defines {name} as an array");
        };
        array.fd().as_fd()
    }

    /// The program of a port.
    pub(crate) fn xdp(&mut self, port: Port) -> &mut Xdp {
        self.program(name(port))
    }

    /// A program of the object by its name.
    pub(crate) fn program(&mut self, name: &str) -> &mut Xdp {
        let program = self.bpf.program_mut(name).expect("the object defines this program");
        program.try_into().expect("all its programs stand in xdp sections")
    }

    /// Maps the heartbeat array.
    pub(crate) fn heartbeat_cells(&self) -> Result<Cells, Error> {
        Cells::map(self.array("heartbeats"), self.queues)
            .map_err(|error| Error::from_cause("map", "the heartbeat array", &error))
    }

    /// Directs the frames of an RX queue of a port to a socket.
    pub(crate) fn set_socket(&mut self, port: Port, queue: u32, socket: impl AsRawFd) -> Result<(), Error> {
        let name = match port {
            Port::Inside => "inside_xsks",
            Port::Outside => "outside_xsks",
        };
        let map = self.bpf.map_mut(name).expect("the object defines the sockets of each port");
        let mut sockets = XskMap::try_from(map).expect("it is an XSKMAP");
        sockets
            .set(queue, socket, 0)
            .map_err(|error| Error::from_cause("direct frames to", "the AF_XDP socket", &error))
    }

    /// Where the program of the other port sends the frames of flows that it passes on. To be called for both ports, or for
    /// none, and only where that works: frames would be lost without a word.
    pub(crate) fn set_egress(&mut self, port: Port, interface_index: u32) -> Result<(), Error> {
        let map = self.bpf.map_mut("egress").expect("the object defines the devices of the ports");
        let mut egress = DevMap::try_from(map).expect("it is a DEVMAP");
        egress
            .set(port as u32, interface_index, None, 0)
            .map_err(|error| Error::from_cause("direct frames to", "the device of a port", &error))
    }

    /// A handle to the flows whose frames both programs handle; none where the link keeps none. Whether several CPUs may
    /// run one program at once, and whether both ports have an egress, is only known once the programs are attached.
    pub(crate) fn settled(&self, is_concurrent: bool, can_pass_on: bool) -> Option<SettledFlows> {
        let table = Arc::clone(self.settled.as_ref()?);
        Some(SettledFlows::new(table, is_concurrent, can_pass_on))
    }

    /// What the program of each port did with the frames, by [`Port`].
    pub(crate) fn both_counters(&self) -> Result<[ProgramCounters; 2], Error> {
        Ok([self.counters(Port::Inside)?, self.counters(Port::Outside)?])
    }

    /// The map of the counters of both programs.
    pub(crate) fn counters_map(&self) -> &Map {
        self.bpf.map("counters").expect("the object defines counters")
    }

    pub(crate) fn counters(&self, port: Port) -> Result<ProgramCounters, Error> {
        let counters: PerCpuArray<&MapData, u64> =
            PerCpuArray::try_from(self.counters_map()).expect("counters is a per-CPU array of u64");
        let mut sums = [0; ProgramCounters::COUNT];
        for (index, sum) in (port as u32 * sums.len() as u32..).zip(&mut sums) {
            let by_cpu = counters.get(&index, 0);
            *sum = by_cpu
                .map_err(|error| Error::from_cause("read", "the program's counters", &error))?
                .iter()
                .sum();
        }
        Ok(ProgramCounters::from_sums(sums))
    }

    fn set_hosts(&mut self, hosts: &[IpAddr]) -> Result<(), Error> {
        let map = self.bpf.map_mut("hosts").expect("the object defines hosts");
        let mut map: HashMap<_, Address, u8> =
            HashMap::try_from(map).expect("hosts is a hash map from an address to a byte");
        for &host in hosts {
            map.insert(Address::from(host), 0, 0)
                .map_err(|error| Error::from_cause("enter", "the addresses of the node", &error))?;
        }
        Ok(())
    }
}

pub(crate) fn load_error(error: &(dyn std::error::Error + 'static)) -> Error {
    Error::from_cause("load", "the XDP program", error)
}

/// What the object and the kernel call the program of a port. Both names begin with `weir_`.
pub(crate) fn name(port: Port) -> &'static str {
    match port {
        Port::Inside => "weir_inside",
        Port::Outside => "weir_outside",
    }
}

#[cfg(test)]
mod tests {
    use aya::programs::{TestRun, TestRunOptions};

    use super::*;
    use crate::{Heartbeat, probe};

    /// What a program answers to one frame on queue 0 that no socket serves.
    fn run(programs: &mut Programs, port: Port) -> u32 {
        let frame = [0; 64];
        let options = TestRunOptions { data_in: Some(&frame), ..TestRunOptions::new() };
        programs.xdp(port).test_run(options).expect("a test run").return_value
    }

    #[test]
    fn without_a_socket_the_operators_choice_holds_and_is_counted() {
        if let Err(reason) = probe() {
            let test = "without_a_socket_the_operators_choice_holds_and_is_counted";
            eprintln!("SKIPPED: {test}: {reason}");
            return;
        }
        let mut config = LinkConfig::new("test", "a", "b");
        let mut closed = Programs::load(Build::Linear, &config, 2, 0).expect("loads");
        assert_eq!(run(&mut closed, Port::Inside), XDP_DROP, "stale heartbeat");
        Heartbeat::new(closed.heartbeat_cells().expect("maps")).beat_all();
        assert_eq!(run(&mut closed, Port::Inside), XDP_DROP, "live heartbeat, but an empty slot");
        let expected = ProgramCounters { dropped_by_engine_loss: 2, ..ProgramCounters::default() };
        assert_eq!(closed.counters(Port::Inside).expect("readable"), expected);
        assert_eq!(closed.counters(Port::Outside).expect("readable"), ProgramCounters::default());

        config.on_engine_loss = OnEngineLoss::Forward;
        let mut open = Programs::load(Build::Linear, &config, 1, 0).expect("loads");
        assert_eq!(run(&mut open, Port::Outside), XDP_PASS);
        let expected = ProgramCounters { passed_by_engine_loss: 1, ..ProgramCounters::default() };
        assert_eq!(open.counters(Port::Outside).expect("readable"), expected);
    }
}
