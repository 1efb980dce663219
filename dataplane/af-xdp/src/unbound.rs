//! A queue before it is bound: its memory is there, and no frame comes yet.

use std::{
    io,
    num::NonZeroU32,
    thread,
    time::{Duration, Instant},
};

use xsk_rs::{
    FrameDesc, Umem,
    config::{BindFlags, FrameSize, Interface, QueueSize, UmemConfig},
};

use crate::{
    AttachMode, Error, LinkConfig, Port, Queue, ZeroCopy, error::errno, frames::Frames, huge_pages, limits,
    socket::Socket,
};

/// The UMEM of one RX queue of both ports. To make and to pin that takes most of the time that a queue takes, and
/// disturbs nobody who still works on the ports.
#[derive(Debug)]
pub(crate) struct UnboundQueue {
    index: u32,
    umem: Umem,
    descs: Vec<FrameDesc>,
    has_huge_pages: bool,
}

impl UnboundQueue {
    /// Makes the UMEM for an RX queue.
    pub(crate) fn new(config: &LinkConfig, index: u32) -> Result<UnboundQueue, Error> {
        let umem_config = UmemConfig::builder()
            .frame_size(FrameSize::new(config.frame_bytes).expect("a validated frame size"))
            .fill_queue_size(ring_frames(config))
            .comp_queue_size(ring_frames(config))
            .build()
            .expect("a validated frame size");
        let count = NonZeroU32::new(config.frames_per_queue).expect("a validated number of frames");
        let bytes = u64::from(config.frame_bytes) * u64::from(config.frames_per_queue);
        // Others may be faster, a control group may forbid them, and pinning may find that: then it is normal pages.
        let in_huge_pages =
            if huge_pages::are_free(bytes) { Umem::new(umem_config, count, true).ok() } else { None };
        let has_huge_pages = in_huge_pages.is_some();
        let (umem, descs) = match in_huge_pages {
            Some(made) => made,
            None => Umem::new(umem_config, count, false).map_err(|error| umem_error(bytes, &error))?,
        };
        Ok(UnboundQueue { index, umem, descs, has_huge_pages })
    }

    /// Binds the sockets of both ports, which must have been found to exist. Whether their frames may take several
    /// descriptors.
    pub(crate) fn bind(self, config: &LinkConfig, is_multi_buffer: bool) -> Result<Queue, Error> {
        let mut always = BindFlags::XDP_USE_NEED_WAKEUP;
        always.set(BindFlags::XDP_USE_SG, is_multi_buffer);
        let (copy, zero_copy) = (BindFlags::XDP_COPY | always, BindFlags::XDP_ZEROCOPY | always);
        let sockets = match (config.zero_copy, config.attach) {
            (ZeroCopy::Require, _) => self.sockets(config, zero_copy),
            (ZeroCopy::Never, _) | (_, AttachMode::Generic) => self.sockets(config, copy),
            (ZeroCopy::Auto, _) => match self.sockets(config, zero_copy) {
                Err(Error::ZeroCopyRefused { .. }) => self.sockets(config, copy),
                result => result,
            },
        }?;
        let frames = Frames::new(self.umem, self.descs, config.frame_bytes, is_multi_buffer);
        Ok(Queue::new(config, self.index, frames, sockets, self.has_huge_pages))
    }

    fn sockets(&self, config: &LinkConfig, flags: BindFlags) -> Result<[Socket; 2], Error> {
        let deadline = Instant::now() + Duration::from_millis(limits::BIND_RETRY_MS);
        Ok([
            self.socket(Port::Inside, config, flags, deadline)?,
            self.socket(Port::Outside, config, flags, deadline)?,
        ])
    }

    /// Binds, and tries again for a while where the queue is busy: the sockets of a process that has just
    /// ended are freed with a delay.
    fn socket(
        &self,
        port: Port,
        config: &LinkConfig,
        flags: BindFlags,
        deadline: Instant,
    ) -> Result<Socket, Error> {
        let name = config.interface(port);
        let interface: Interface = name.parse().expect("the name of a device that exists has no NUL");
        loop {
            let bound = Socket::bind(port, &self.umem, &interface, self.index, ring_frames(config), flags);
            match bound.map_err(|error| bind_error(name, self.index, flags, &error)) {
                Err(Error::QueueBusy { .. }) if Instant::now() < deadline => {
                    thread::sleep(Duration::from_micros(limits::BIND_RETRY_INTERVAL_US));
                }
                result => return result,
            }
        }
    }
}

/// The size of each ring. The kernel may call a ring full that is not: at least twice the room keeps that from mattering.
fn ring_frames(config: &LinkConfig) -> QueueSize {
    QueueSize::new(config.frames_per_queue).expect("the validated number of frames is a power of two")
}

fn umem_error(umem_bytes: u64, error: &(dyn std::error::Error + 'static)) -> Error {
    match errno(error) {
        Some(libc::ENOBUFS) => Error::LockedMemory { umem_bytes },
        _ => Error::from_cause("make", "a UMEM", error),
    }
}

fn bind_error(
    interface: &str,
    queue: u32,
    flags: BindFlags,
    error: &(dyn std::error::Error + 'static),
) -> Error {
    match errno(error) {
        Some(libc::EBUSY) => Error::QueueBusy { interface: interface.to_owned(), queue },
        Some(code @ (libc::EOPNOTSUPP | libc::EINVAL)) if flags.contains(BindFlags::XDP_ZEROCOPY) => {
            let source = io::Error::from_raw_os_error(code);
            let is_multi_buffer = flags.contains(BindFlags::XDP_USE_SG);
            Error::ZeroCopyRefused { interface: interface.to_owned(), queue, is_multi_buffer, source }
        }
        _ => Error::from_cause("bind an AF_XDP socket to", interface, error),
    }
}
