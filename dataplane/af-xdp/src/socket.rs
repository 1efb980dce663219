//! The AF_XDP socket of one port on one RX queue, with its four rings.

use std::{
    io, mem,
    os::fd::{AsRawFd, RawFd},
};

use xsk_rs::{
    CompQueue, FillQueue, RxQueue, Socket as XskSocket, TxQueue, Umem,
    config::{BindFlags, Interface, LibxdpFlags, QueueSize, SocketConfig},
    socket::SocketCreateError,
};

use crate::{Port, frames::Frames, limits};

/// `SOL_XDP` options of `<linux/if_xdp.h>`.
const XDP_OPTIONS: libc::c_int = 8;
const XDP_OPTIONS_ZEROCOPY: u32 = 1;

/// How one socket is bound, and what was counted on it since, most of it by the kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SocketStatistics {
    /// Whether the driver puts frames straight into the UMEM, and sends them from there.
    pub is_zero_copy: bool,
    /// Whether the UMEM lies in huge pages.
    pub has_huge_pages: bool,
    /// Frames dropped, most often because they were longer than what can be received.
    pub rx_dropped: u64,
    /// Frames dropped because the engine left the RX ring full.
    pub rx_ring_full: u64,
    /// Times that the driver found no frame to receive into.
    pub rx_fill_ring_empty_descs: u64,
    /// Invalid descriptors in the fill ring; above zero is a bug.
    pub rx_invalid_descs: u64,
    /// Invalid descriptors in the TX ring; above zero is a bug.
    pub tx_invalid_descs: u64,
    /// Times that the driver wanted to send and found the TX ring empty.
    pub tx_ring_empty_descs: u64,
}

/// A bound socket. It is closed when this value is dropped.
#[derive(Debug)]
pub(crate) struct Socket {
    port: Port,
    fd: RawFd,
    tx_ring_frames: u32,
    pub(crate) rx: RxQueue,
    pub(crate) tx: TxQueue,
    fill: FillQueue,
    completion: CompQueue,
}

impl Socket {
    /// Binds to an RX queue; `ring_frames` is the size of the RX and TX rings.
    pub(crate) fn bind(
        port: Port,
        umem: &Umem,
        interface: &Interface,
        queue: u32,
        ring_frames: QueueSize,
        flags: BindFlags,
    ) -> Result<Socket, SocketCreateError> {
        let config = SocketConfig::builder()
            .rx_queue_size(ring_frames)
            .tx_queue_size(ring_frames)
            // The program and its map are ours, not libxdp's.
            .libxdp_flags(LibxdpFlags::XSK_LIBXDP_FLAGS_INHIBIT_PROG_LOAD)
            .bind_flags(flags)
            .build();
        // SAFETY: libxdp loads no program, by the flag above, which is all that the call demands.
        let (tx, rx, rings) = unsafe { XskSocket::new(config, umem, interface, queue) }?;
        let (fill, completion) = rings.expect("the first socket of a UMEM on a queue brings its rings");
        let fd = tx.fd().as_raw_fd();
        // libxdp leaves it open to programs that this process starts, and one of those would keep the queue busy.
        // SAFETY: fcntl with these takes no pointer.
        unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
        Ok(Socket { port, fd, tx_ring_frames: ring_frames.get(), rx, tx, fill, completion })
    }

    /// Whether the driver puts frames straight into the UMEM, as the kernel tells it: asked for is not yet got.
    pub(crate) fn is_zero_copy(&self) -> io::Result<bool> {
        Ok(self.option::<u32>(libc::SOL_XDP, XDP_OPTIONS)? & XDP_OPTIONS_ZEROCOPY != 0)
    }

    /// What the kernel tells of the socket, and nothing else.
    pub(crate) fn statistics(&self) -> io::Result<SocketStatistics> {
        let statistics = self.tx.fd().xdp_statistics()?;
        Ok(SocketStatistics {
            is_zero_copy: self.is_zero_copy()?,
            rx_dropped: statistics.rx_dropped(),
            rx_ring_full: statistics.rx_ring_full(),
            rx_fill_ring_empty_descs: statistics.rx_fill_ring_empty_descs(),
            rx_invalid_descs: statistics.rx_invalid_descs(),
            tx_invalid_descs: statistics.tx_invalid_descs(),
            tx_ring_empty_descs: statistics.tx_ring_empty_descs(),
            ..SocketStatistics::default()
        })
    }

    /// Takes the error that is pending on the socket, such as that its device is gone.
    pub(crate) fn take_error(&self) -> io::Result<()> {
        match self.option::<libc::c_int>(libc::SOL_SOCKET, libc::SO_ERROR)? {
            0 => Ok(()),
            code => Err(io::Error::from_raw_os_error(code)),
        }
    }

    fn option<T: Default>(&self, level: libc::c_int, option: libc::c_int) -> io::Result<T> {
        let mut value = T::default();
        let mut length = mem::size_of::<T>() as libc::socklen_t;
        // SAFETY: the kernel writes at most `length` bytes, and only plain integers are asked for.
        let result =
            unsafe { libc::getsockopt(self.fd, level, option, (&raw mut value).cast(), &raw mut length) };
        if result == 0 { Ok(value) } else { Err(io::Error::last_os_error()) }
    }

    /// Has the kernel send what is in the TX ring, and takes back what was sent.
    pub(crate) fn send(&mut self, frames: &mut Frames) {
        for _ in 0..limits::KICKS_PER_FLUSH_MAX {
            let unsent = self.tx_ring_frames - self.tx.nb_free_exact();
            if unsent == 0 || !self.tx.needs_wakeup() {
                break;
            }
            // The only errors left are those of a device that is gone, of which `wait` tells.
            let _ = self.tx.wakeup();
            if self.tx_ring_frames - self.tx.nb_free_exact() == unsent {
                break;
            }
        }
        frames.reap(self.port, &mut self.completion);
    }

    /// Keeps `target` frames with the kernel to receive into.
    pub(crate) fn refill(&mut self, frames: &mut Frames, target: usize) {
        frames.fill(self.port, &mut self.fill, target);
        if self.fill.needs_wakeup() {
            // An error is one of a device that is gone, of which `wait` tells.
            let _ = self.fill.wakeup(self.rx.fd_mut(), 0);
        }
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.fd
    }
}
