//! A network device of this thread's network namespace, kept promiscuous as long as it is held.

use std::{
    ffi::CString,
    io, mem,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
};

use crate::{Error, error::errno, limits, numa};

/// `SIOCETHTOOL` of `<linux/sockios.h>`.
const SIOCETHTOOL: libc::c_ulong = 0x8946;
/// `ETHTOOL_GCHANNELS` of `<linux/ethtool.h>`.
const ETHTOOL_GCHANNELS: u32 = 0x3c;

/// `ETHTOOL_GDRVINFO` of `<linux/ethtool.h>`.
const ETHTOOL_GDRVINFO: u32 = 0x3;

/// `struct ethtool_channels`: only the current counts of those that receive are read.
#[repr(C)]
#[derive(Default)]
struct EthtoolChannels {
    cmd: u32,
    max: [u32; 4],
    rx_count: u32,
    tx_count: u32,
    other_count: u32,
    combined_count: u32,
}

/// `struct ethtool_drvinfo`: only the name of the driver and the place on the bus are read.
#[repr(C)]
struct EthtoolDrvinfo {
    cmd: u32,
    driver: [u8; 32],
    versions: [u8; 2 * 32],
    bus_info: [u8; 32],
    rest: [u8; 32 + 12 + 5 * 4],
}

/// A device, promiscuous while this value lives: the frames of a bump in the wire are addressed to others.
#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) name: String,
    pub(crate) index: u32,
    pub(crate) rx_queues: u32,
    pub(crate) mtu_bytes: u32,
    /// What the driver calls itself; empty where it does not.
    pub(crate) driver: String,
    /// The node of the machine that it is connected to, where that is known.
    pub(crate) numa_node: Option<u32>,
    /// A packet socket that receives nothing; its membership ends with it, also on a kill.
    _promiscuous: OwnedFd,
}

impl Device {
    pub(crate) fn open(name: &str) -> Result<Device, Error> {
        let missing = || Error::NoInterface { interface: name.to_owned() };
        let c_name = CString::new(name).map_err(|_| missing())?;
        if c_name.as_bytes().len() >= libc::IFNAMSIZ {
            return Err(missing());
        }
        // SAFETY: the pointer is to a NUL-terminated string that lives until after the call.
        let index = unsafe { libc::if_nametoindex(c_name.as_ptr()) };
        if index == 0 {
            return Err(missing());
        }
        let socket =
            packet_socket().map_err(|error| Error::from_cause("open a packet socket on", name, &error))?;
        let rx_queues = rx_queues(&socket, &c_name)
            .map_err(|error| Error::from_cause("count the queues of", name, &error))?;
        let mtu_bytes =
            mtu(&socket, &c_name).map_err(|error| Error::from_cause("ask for the MTU of", name, &error))?;
        let (driver, address) = driver(&socket, &c_name);
        let numa_node = address.and_then(|address| numa::node_of_pci(&address));
        set_promiscuous(&socket, index)
            .map_err(|error| Error::from_cause("make promiscuous the interface", name, &error))?;
        Ok(Device {
            name: name.to_owned(),
            index,
            rx_queues,
            mtu_bytes,
            driver: driver.unwrap_or_default(),
            numa_node,
            _promiscuous: socket,
        })
    }
}

/// A packet socket of no protocol, to which nothing is delivered.
fn packet_socket() -> io::Result<OwnedFd> {
    // SAFETY: takes no pointers.
    let fd = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor was just opened, and nobody else holds it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn set_promiscuous(socket: &OwnedFd, index: u32) -> io::Result<()> {
    let membership = libc::packet_mreq {
        mr_ifindex: index.cast_signed(),
        mr_type: libc::PACKET_MR_PROMISC as libc::c_ushort,
        mr_alen: 0,
        mr_address: [0; 8],
    };
    // SAFETY: the option reads a packet_mreq, which the pointer and the length describe.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_ADD_MEMBERSHIP,
            (&raw const membership).cast(),
            mem::size_of::<libc::packet_mreq>() as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Bytes of the longest packet of layer 3 that the device sends.
fn mtu(socket: &OwnedFd, name: &CString) -> io::Result<u32> {
    let mut request =
        libc::ifreq { ifr_name: ifr_name(name), ifr_ifru: libc::__c_anonymous_ifr_ifru { ifru_mtu: 0 } };
    // SAFETY: SIOCGIFMTU reads the name and writes the number into the ifreq, which lives until after the call.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFMTU, &raw mut request) };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: SIOCGIFMTU filled in this field of the union.
    Ok(unsafe { request.ifr_ifru.ifru_mtu }.cast_unsigned())
}

/// A name that was found to be short enough, as an ifreq carries it.
fn ifr_name(name: &CString) -> [libc::c_char; libc::IFNAMSIZ] {
    let mut field = [0; libc::IFNAMSIZ];
    for (to, from) in field.iter_mut().zip(name.as_bytes()) {
        *to = from.cast_signed();
    }
    field
}

/// The RX queues in use on a device that is named.
pub(crate) fn rx_queues_of(name: &str) -> io::Result<u32> {
    rx_queues(&packet_socket()?, &CString::new(name)?)
}

/// The RX queues in use. By ioctl rather than from /sys, which may show another network namespace.
fn rx_queues(socket: &OwnedFd, name: &CString) -> io::Result<u32> {
    let mut channels = EthtoolChannels { cmd: ETHTOOL_GCHANNELS, ..EthtoolChannels::default() };
    let mut request = libc::ifreq {
        ifr_name: ifr_name(name),
        ifr_ifru: libc::__c_anonymous_ifr_ifru { ifru_data: (&raw mut channels).cast() },
    };
    // SAFETY: SIOCETHTOOL takes an ifreq whose data points to the struct that its command names; both live here.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), SIOCETHTOOL, &raw mut request) };
    if result == 0 {
        return Ok((channels.rx_count + channels.combined_count).clamp(1, limits::QUEUES_MAX));
    }
    match io::Error::last_os_error() {
        // A driver without channels has one queue.
        error if errno(&error) == Some(libc::EOPNOTSUPP) => Ok(1),
        error => Err(error),
    }
}

/// What the driver calls itself, and where on its bus it says that the device is; `None` where it does not tell.
fn driver(socket: &OwnedFd, name: &CString) -> (Option<String>, Option<String>) {
    let mut told = EthtoolDrvinfo {
        cmd: ETHTOOL_GDRVINFO,
        driver: [0; 32],
        versions: [0; 2 * 32],
        bus_info: [0; 32],
        rest: [0; 32 + 12 + 5 * 4],
    };
    let mut request = libc::ifreq {
        ifr_name: ifr_name(name),
        ifr_ifru: libc::__c_anonymous_ifr_ifru { ifru_data: (&raw mut told).cast() },
    };
    // SAFETY: SIOCETHTOOL takes an ifreq whose data points to the struct that its command names; both live here.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), SIOCETHTOOL, &raw mut request) };
    if result != 0 {
        return (None, None);
    }
    (text(&told.driver), text(&told.bus_info))
}

/// A text that ends with the first NUL; `None` where it is empty.
fn text(field: &[u8]) -> Option<String> {
    let bytes = field.split(|&byte| byte == 0).next().filter(|bytes| !bytes.is_empty())?;
    str::from_utf8(bytes).ok().map(str::to_owned)
}
