//! What a device is like at one moment.

use std::ffi::CString;
use std::io;

use crate::attached::{IFINFOMSG_BYTES, RTM_GETLINK, RTM_NEWLINK, parse_master};
use crate::device::rx_queues_of;
use crate::netlink::{ask, attribute, find, malformed};

// <linux/if_link.h> and <linux/if.h>.
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFF_LOWER_UP: u32 = 1 << 16;
/// Where `struct ifinfomsg` holds the device's index and its flags.
const INDEX_AT: usize = 4;
const FLAGS_AT: usize = 8;

/// Whether frames get through a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// They do.
    Up,
    /// Its far end is away.
    NoCarrier,
    /// It was taken down.
    Down,
}

/// A device of a network namespace, as it is at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceState {
    /// The kernel's number for it, which no other device ever gets.
    pub index: u32,
    /// Whether frames get through.
    pub reach: Reach,
    /// Bytes of the longest packet of layer 3 that it sends.
    pub mtu_bytes: u32,
    /// RX queues in use.
    pub rx_queues: u32,
    /// Index of the device, most often a bridge, that it is a port of.
    pub master: Option<u32>,
}

impl DeviceState {
    /// Looks at the device of a name in this thread's network namespace; `None` where there is none.
    ///
    /// # Errors
    ///
    /// If the kernel does not tell.
    pub fn read(name: &str) -> io::Result<Option<DeviceState>> {
        let found = question(name)
            .and_then(|question| ask(libc::NETLINK_ROUTE, RTM_GETLINK, &question, RTM_NEWLINK))
            .and_then(|answer| parse(&answer));
        let queues = found.and_then(|state| Ok(DeviceState { rx_queues: rx_queues_of(name)?, ..state }));
        match queues {
            Ok(state) => Ok(Some(state)),
            // It may have gone between the two questions.
            Err(error) if error.raw_os_error() == Some(libc::ENODEV) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn question(name: &str) -> io::Result<Vec<u8>> {
    let name = CString::new(name)?;
    let name = name.as_bytes_with_nul();
    if name.len() > libc::IFNAMSIZ {
        return Err(io::Error::from_raw_os_error(libc::ENODEV));
    }
    Ok([vec![0; IFINFOMSG_BYTES], attribute(IFLA_IFNAME, name)].concat())
}

/// All that the answer tells; the queues are asked for elsewhere.
fn parse(answer: &[u8]) -> io::Result<DeviceState> {
    let attributes = answer.get(IFINFOMSG_BYTES..).ok_or_else(malformed)?;
    let number = |bytes: Option<&[u8]>| {
        bytes.and_then(<[u8]>::first_chunk).map(|bytes| u32::from_ne_bytes(*bytes)).ok_or_else(malformed)
    };
    let flags = number(answer.get(FLAGS_AT..))?;
    let reach = if flags & libc::IFF_UP.cast_unsigned() == 0 {
        Reach::Down
    } else if flags & IFF_LOWER_UP == 0 {
        Reach::NoCarrier
    } else {
        Reach::Up
    };
    Ok(DeviceState {
        index: number(answer.get(INDEX_AT..))?,
        reach,
        mtu_bytes: number(find(attributes, IFLA_MTU))?,
        rx_queues: 0,
        master: parse_master(attributes),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_device_is_looked_at_by_name() {
        let state = DeviceState::read("lo").expect("the kernel tells").expect("it is everywhere");
        assert_eq!((state.index, state.master), (1, None));
        assert!(state.mtu_bytes > 1000 && state.rx_queues > 0, "{state:?}");
        for name in ["nowhere0", "a-name-beyond-all-limits", ""] {
            assert_eq!(DeviceState::read(name).ok().flatten(), None, "{name}");
        }
    }

    #[test]
    fn flags_and_attributes_are_read() {
        let answer = |flags: u32, attributes: &[u8]| {
            let mut answer = vec![0; IFINFOMSG_BYTES];
            answer[INDEX_AT..INDEX_AT + 4].copy_from_slice(&7u32.to_ne_bytes());
            answer[FLAGS_AT..FLAGS_AT + 4].copy_from_slice(&flags.to_ne_bytes());
            answer.extend(attributes);
            parse(&answer)
        };
        let mtu = attribute(IFLA_MTU, &1400u32.to_ne_bytes());
        let bridge = attribute(10, &5u32.to_ne_bytes());
        let up = DeviceState { index: 7, reach: Reach::Up, mtu_bytes: 1400, rx_queues: 0, master: Some(5) };
        assert_eq!(answer(IFF_LOWER_UP | 1, &[mtu.clone(), bridge].concat()).expect("well-formed"), up);
        let reach = |flags| answer(flags, &mtu).expect("well-formed").reach;
        assert_eq!([reach(1), reach(0), reach(IFF_LOWER_UP)], [Reach::NoCarrier, Reach::Down, Reach::Down]);
        assert!(answer(1, &[]).is_err(), "without an MTU");
        assert!(answer(1, &mtu[..6]).is_err(), "cut off");
    }
}
