//! A link: the XDP programs on its two ports, and the queues between them.

use std::os::fd::AsRawFd;

use crate::{
    Error, Heartbeat, LinkConfig, Port, ProgramCounters, Queue, SettledFlows,
    attached::attached,
    attachment::{Attachment, Before, remove_pin},
    bpffs,
    device::Device,
    limits, numa,
    pinned_counters::{self, FormerCounters, PinnedCounters},
    programs::{Build, Programs},
    survey::Survey,
    unbound::UnboundQueue,
    xdp_features::takes_redirected,
};

/// The XDP programs of both ports, attached as long as this value lives. Dropping it, also in a panic, detaches
/// them; only a killed process leaves them behind, to do with the frames what the operator chose.
#[derive(Debug)]
pub struct Link {
    // Dropped in this order: detach first, then forget the maps, then leave promiscuous mode.
    attachments: [Attachment; 2],
    pinned_counters: PinnedCounters,
    programs: Programs,
    heartbeat: Heartbeat,
    devices: [Device; 2],
    is_multi_buffer: bool,
    no_egress: Option<Port>,
    former_losses: [ProgramCounters; 2],
}

impl Link {
    /// Opens a link, in this thread's network namespace: one [`Queue`] for each RX queue.
    ///
    /// # Errors
    ///
    /// Those of [`Link::prepare`] and of [`PreparedLink::open`].
    pub fn open(config: &LinkConfig) -> Result<(Link, Vec<Queue>), Error> {
        Link::prepare(config)?.open()
    }

    /// All that stands against a link, as far as it can be seen before anything is made for it, in this thread's network
    /// namespace. Where there is nothing, [`Link::prepare`] may still find what the machine lacks.
    pub fn mistakes(config: &LinkConfig) -> Vec<Error> {
        Survey::take(config).err().unwrap_or_default()
    }

    /// Does all that can be done without a change to the ports, in this thread's network namespace. Another engine
    /// may still work on them, undisturbed.
    ///
    /// # Errors
    ///
    /// If the config does not fit the ports, a foreign program is attached to one, or the machine lacks what it takes.
    pub fn prepare(config: &LinkConfig) -> Result<PreparedLink, Error> {
        let survey = Survey::take(config).map_err(|mut errors| errors.swap_remove(0))?;
        let queue_count = survey.queues();
        let Survey { devices, before } = survey;
        let is_multi_buffer = needs_multi_buffer(&devices, config);
        let bypass_bytes_max = devices[0].mtu_bytes + limits::REDIRECTED_HEADER_BYTES_MAX;
        let build = if is_multi_buffer { Build::MultiBuffer } else { Build::Linear };
        let programs = Programs::load(build, config, queue_count, bypass_bytes_max)?;
        let node = devices.iter().find_map(|device| device.numa_node);
        let queues = numa::near(node, || {
            (0..queue_count).map(|index| UnboundQueue::new(config, index)).collect::<Result<_, _>>()
        })?;
        Ok(PreparedLink { config: config.clone(), devices, before, programs, queues, is_multi_buffer })
    }

    /// Makes ready what the programs handle by themselves, now that they are attached.
    fn settle(&mut self) -> Result<Option<SettledFlows>, Error> {
        let ask = |device: &Device| {
            attached(device.index)
                .map_err(|error| Error::from_cause("ask for the XDP program of", &device.name, &error))
        };
        let [inside, outside] = &self.devices;
        let generic = [ask(inside)?, ask(outside)?].map(|found| found.is_some_and(|found| found.generic));
        self.no_egress = self.without_egress(generic)?;
        if self.no_egress.is_none() {
            for port in Port::BOTH {
                self.programs.set_egress(port, self.devices[port as usize].index)?;
            }
        }
        // In the driver, a queue is received by one CPU at a time; in the generic path, by whoever sends on veth.
        let is_concurrent = self.devices[0].rx_queues > 1 || generic.contains(&true);
        Ok(self.programs.settled(is_concurrent, self.no_egress.is_none()))
    }

    /// The first port of which the other's program cannot send frames out. In the generic path it always can.
    fn without_egress(&self, generic: [bool; 2]) -> Result<Option<Port>, Error> {
        for port in Port::BOTH {
            let device = &self.devices[port as usize];
            let takes = takes_redirected(device.index, self.is_multi_buffer)
                .map_err(|error| Error::from_cause("ask for the XDP features of", &device.name, &error))?;
            if !takes && !generic[port.other() as usize] {
                return Ok(Some(port));
            }
        }
        Ok(None)
    }

    /// The interface to which no frames can be redirected, where there is one: flows that are to be passed on then stay
    /// with the engine.
    pub fn without_bypass(&self) -> Option<&str> {
        self.no_egress.map(|port| self.devices[port as usize].name.as_str())
    }

    /// Whether frames of the link may take several descriptors, since its MTU is longer than a frame of the UMEM holds.
    pub fn is_multi_buffer(&self) -> bool {
        self.is_multi_buffer
    }

    /// The engine's sign of life; each worker keeps one.
    pub fn heartbeat(&self) -> Heartbeat {
        self.heartbeat.clone()
    }

    /// What the program of each port did with the frames, by [`Port`].
    pub fn statistics(&self) -> Result<[ProgramCounters; 2], Error> {
        self.programs.both_counters()
    }

    /// What the programs of a former engine did with frames that no live engine took, by [`Port`], up to when these programs
    /// took their place. All else is zero, and so is everything where that engine ended well, or left no counters.
    pub fn former_losses(&self) -> [ProgramCounters; 2] {
        self.former_losses
    }

    /// The kernel's index of the device of each port, by [`Port`]: another device under the same name has another.
    pub fn device_indexes(&self) -> [u32; 2] {
        Port::BOTH.map(|port| self.devices[port as usize].index)
    }

    /// Detaches the programs and removes their pins, as dropping does.
    pub fn detach(self) {}

    /// Leaves the programs attached, as a killed process would: they do with the frames what the operator chose
    /// for the loss of the engine, until the next [`Link::open`] takes over or [`detach_leftover`] removes them.
    pub fn abandon(self) -> LeftPrograms {
        self.attachments.into_iter().for_each(Attachment::abandon);
        self.pinned_counters.abandon();
        LeftPrograms(self.programs)
    }
}

/// The programs of a link that was abandoned. They go on without this value; it only reads their counters.
#[derive(Debug)]
pub struct LeftPrograms(Programs);

impl LeftPrograms {
    /// What the program of each port did with the frames, by [`Port`], since the link was opened.
    pub fn statistics(&self) -> Result<[ProgramCounters; 2], Error> {
        self.0.both_counters()
    }
}

/// A link whose programs are loaded and whose memory is made: nothing is bound or attached yet, and dropping it changes
/// nothing.
#[derive(Debug)]
pub struct PreparedLink {
    config: LinkConfig,
    devices: [Device; 2],
    before: [Before; 2],
    programs: Programs,
    queues: Vec<UnboundQueue>,
    is_multi_buffer: bool,
}

impl PreparedLink {
    /// How many queues it will have.
    pub fn queues(&self) -> usize {
        self.queues.len()
    }

    /// The first port that will be without a program for a moment: an earlier engine's is attached there in another mode, and
    /// a device has programs in one mode at a time.
    pub fn detaches_first(&self) -> Option<&str> {
        let mode = self.config.attach();
        let mut ports = self.devices.iter().zip(&self.before);
        ports.find(|(_, before)| before.must_go(mode)).map(|(device, _)| device.name.as_str())
    }

    /// The flows that its programs are to handle from their first frame on; `None` where all are left to the engine.
    pub fn settled(&self) -> Option<SettledFlows> {
        // How the programs come to be attached is not known yet.
        let (is_concurrent, can_pass_on) = (true, false);
        self.programs.settled(is_concurrent, can_pass_on)
    }

    /// Binds all queues, and attaches the programs. Everything is in place before the first of them is, so that an
    /// engine started after another takes over between two frames.
    ///
    /// # Errors
    ///
    /// If another engine keeps its queues for longer than [`limits::BIND_RETRY_MS`](crate::limits::BIND_RETRY_MS), or a
    /// driver refuses the mode that the config requires.
    pub fn open(self) -> Result<(Link, Vec<Queue>), Error> {
        let PreparedLink {
            config,
            devices,
            before: [inside, outside],
            mut programs,
            queues,
            is_multi_buffer,
        } = self;
        let mut queues: Vec<Queue> =
            queues.into_iter().map(|queue| queue.bind(&config, is_multi_buffer)).collect::<Result<_, _>>()?;
        for queue in &mut queues {
            for port in Port::BOTH {
                programs.set_socket(port, queue.index(), queue.socket(port).as_raw_fd())?;
            }
        }
        let heartbeat = Heartbeat::new(programs.heartbeat_cells()?);
        heartbeat.beat_all();
        bpffs::make_link_directory(&config.name)?;
        let former = FormerCounters::open(&config.name)?;
        let mut attach = |port: Port, before| {
            let (program, device) = (programs.xdp(port), &devices[port as usize]);
            Attachment::new(program, device, before, config.attach(), bpffs::pin_path(&config.name, port)?)
        };
        // Where the second fails, dropping the first detaches it.
        let attachments = [attach(Port::Inside, inside)?, attach(Port::Outside, outside)?];
        // They count until their programs are replaced.
        let former_losses = former.map(|former| former.losses()).unwrap_or_default();
        let pinned_counters = PinnedCounters::new(&config.name, programs.counters_map())?;
        let mut link = Link {
            attachments,
            pinned_counters,
            programs,
            heartbeat,
            devices,
            is_multi_buffer,
            no_egress: None,
            former_losses,
        };
        let settled = link.settle()?;
        queues.iter_mut().for_each(|queue| queue.set_settled(settled.clone()));
        Ok((link, queues))
    }
}

/// Whether a frame of the UMEM holds no frame of the MTU, so that several are to be taken for one.
fn needs_multi_buffer([inside, _]: &[Device; 2], config: &LinkConfig) -> bool {
    inside.mtu_bytes > config.mtu_bytes_max()
}

/// Removes what a killed engine left of a link: its pins, and with them its programs. Says how many ports had one.
pub fn detach_leftover(link_name: &str) -> Result<usize, Error> {
    let mut removed = 0;
    for port in Port::BOTH {
        removed += usize::from(remove_pin(&bpffs::pin_path(link_name, port)?)?);
    }
    pinned_counters::remove_of(link_name)?;
    Ok(removed)
}
