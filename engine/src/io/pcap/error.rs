//! Why a capture is not readable any further.

use std::fmt;
use std::io;

/// A fault and where in the file it lies.
#[derive(Debug)]
pub struct CaptureError {
    /// Offset in the file of the record or block that is at fault, in bytes.
    pub offset_bytes: u64,
    /// Number of the frame that would have come next, counted from 1; 0 for the file header.
    pub record: u64,
    /// What is wrong.
    pub fault: CaptureFault,
}

/// What is wrong with a capture.
#[derive(Debug)]
pub enum CaptureFault {
    /// The operating system could not read it.
    Io(io::Error),
    /// It has no bytes.
    Empty,
    /// It begins neither like pcap nor like pcapng.
    NotACapture,
    /// It is a gzip or zstd file.
    Compressed,
    /// It ends inside of a header, record or block.
    Truncated,
    /// A record or block announces so many bytes.
    TooLong(u64),
    /// A block whose length is none, or differs between its two ends.
    BlockLength(u32),
    /// A packet whose length does not fit its block.
    PacketLength(u32),
    /// A byte-order magic that is none.
    ByteOrder,
    /// A packet refers to an interface that was not described.
    Interface(u32),
    /// A time resolution that nobody can count in.
    TimeResolution(u8),
    /// A LINKTYPE that cannot be decoded.
    LinkType(u32),
}

impl From<io::Error> for CaptureFault {
    fn from(error: io::Error) -> CaptureFault {
        CaptureFault::Io(error)
    }
}

impl fmt::Display for CaptureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.record {
            0 => write!(f, "{}", self.fault),
            record => write!(f, "at byte {}, frame {record}: {}", self.offset_bytes, self.fault),
        }
    }
}

impl fmt::Display for CaptureFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CaptureFault::Io(error) => write!(f, "{error}"),
            CaptureFault::Empty => write!(f, "the file is empty"),
            CaptureFault::NotACapture => write!(f, "neither a pcap nor a pcapng capture"),
            CaptureFault::Compressed => write!(f, "a compressed file; decompress it first"),
            CaptureFault::Truncated => write!(f, "the file ends in the middle of it"),
            CaptureFault::TooLong(bytes) => write!(f, "a record of {bytes} bytes, so the file is corrupt"),
            CaptureFault::BlockLength(bytes) => {
                write!(f, "a block length of {bytes}, so the file is corrupt")
            }
            CaptureFault::PacketLength(bytes) => {
                write!(f, "a packet of {bytes} bytes that its block does not hold, so the file is corrupt")
            }
            CaptureFault::ByteOrder => write!(f, "a byte-order magic that is none, so the file is corrupt"),
            CaptureFault::Interface(id) => write!(f, "interface {id} was never described"),
            CaptureFault::TimeResolution(code) => write!(f, "a time resolution of code {code}"),
            CaptureFault::LinkType(number) => {
                write!(f, "unsupported link type {number}")?;
                link_type_name(*number).map_or(Ok(()), |name| write!(f, " ({name})"))
            }
        }
    }
}

impl std::error::Error for CaptureError {}

/// The registered name of link types that captures often have and the decoder does not know.
fn link_type_name(number: u32) -> Option<&'static str> {
    Some(match number {
        6 => "IEEE802_5",
        9 => "PPP",
        10 => "FDDI",
        50 => "PPP_HDLC",
        51 => "PPP_ETHER",
        104 => "C_HDLC",
        105 => "IEEE802_11",
        107 => "FRELAY",
        117 => "PFLOG",
        119 => "IEEE802_11_PRISM",
        127 => "IEEE802_11_RADIOTAP",
        147..=162 => "USER",
        187 => "BLUETOOTH_HCI_H4",
        189 => "USB_LINUX",
        192 => "PPI",
        195 => "IEEE802_15_4_WITHFCS",
        201 => "BLUETOOTH_HCI_H4_WITH_PHDR",
        220 => "USB_LINUX_MMAPPED",
        227 => "CAN_SOCKETCAN",
        239 => "NFLOG",
        249 => "USBPCAP",
        252 => "WIRESHARK_UPPER_PDU",
        253 => "NETLINK",
        _ => return None,
    })
}
