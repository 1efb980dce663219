//! What one engine tells the next when it hands over its links.
//!
//! Over the socket of a claim: the new one asks with [`ASK`], the names of its links and an empty line; the old one lets
//! go of its ports and answers [`RELEASED`] with the version and the bytes of what it knows; the new one says [`WORKING`], and
//! the old one [`FAREWELL`]. These words never change. What an engine knows has a version: one that doesn't know it skips
//! it, and begins as if nothing were known.

use std::io::{self, BufRead, Read};
use std::net::IpAddr;

use dataplane::decode::{Tunnel, TunnelKind};
use dataplane::flow::FlowRecord;
use dataplane::pipeline::{BlockedFlow, Side};
use dataplane::policy::Threat;
use dataplane::verdict::DropReason;
use serde::{Deserialize, Serialize};

use crate::limits::{FLOWS_HANDED_OVER_MAX, HAND_OVER_BYTES_MAX, HAND_OVER_LINE_BYTES_MAX};

pub(super) const ASK: &str = "weir: hand over";
pub(super) const RELEASED: &str = "weir: released";
pub(super) const WORKING: &str = "weir: working";
pub(super) const FAREWELL: &str = "weir: farewell";

/// The version of [`Knowledge`]; another for each change to what stands in it.
pub(super) const VERSION: u32 = 4;

/// What outlives an engine: the flows of which nothing may pass.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Knowledge {
    flows: Vec<KnownFlow>,
}

/// A blocked flow, and who worked on it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct KnownFlow {
    link: String,
    queue: u32,
    id: u64,
    client: (IpAddr, u16),
    server: (IpAddr, u16),
    protocol: u8,
    vlans: Vec<u16>,
    tunnels: Vec<KnownTunnel>,
    icmp: Option<(u8, u8)>,
    client_is_inside: Option<bool>,
    /// By its name: numbers may change from version to version.
    reason: String,
    /// By its name.
    threat: Option<String>,
    reset: bool,
    alerted: bool,
    is_half_open: bool,
}

/// What such a flow travels inside of.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct KnownTunnel {
    /// By its name, as the reason.
    kind: String,
    id: Option<u32>,
    ends: Option<(IpAddr, IpAddr)>,
    vlans_outside: u8,
}

impl KnownTunnel {
    fn new(tunnel: &Tunnel) -> KnownTunnel {
        let Tunnel { kind, id, ends, vlans_outside } = *tunnel;
        KnownTunnel { kind: kind.as_str().to_owned(), id, ends, vlans_outside }
    }

    /// `None` where it is of a kind that this engine does not have.
    fn tunnel(&self) -> Option<Tunnel> {
        let KnownTunnel { ref kind, id, ends, vlans_outside } = *self;
        let kind = TunnelKind::ALL.into_iter().find(|known| known.as_str() == kind)?;
        Some(Tunnel { kind, id, ends, vlans_outside })
    }
}

impl Knowledge {
    /// Adds the blocked flows of a worker, as long as there is room. How many found none.
    pub(super) fn add(
        &mut self,
        link: &str,
        queue: u32,
        blocked: impl Iterator<Item = BlockedFlow>,
    ) -> usize {
        let mut blocked = blocked.fuse();
        let room = FLOWS_HANDED_OVER_MAX.saturating_sub(self.flows.len());
        let taken = blocked.by_ref().take(room).map(|flow| KnownFlow::new(link, queue, flow));
        self.flows.extend(taken);
        blocked.count()
    }

    /// How many flows are known.
    pub(super) fn len(&self) -> usize {
        self.flows.len()
    }

    /// The flows of a link, which is number `index` now, with the queue on which each was blocked.
    pub(super) fn of_link(&self, name: &str, index: u16) -> Vec<(u32, BlockedFlow)> {
        let flows = self.flows.iter().filter(|flow| flow.link == name);
        flows.filter_map(|flow| Some((flow.queue, flow.blocked(index)?))).collect()
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("plain data in memory")
    }
}

/// What an engine that has let go of its links told of what it knew. Whatever it is, nobody works on them now.
#[derive(Debug)]
pub(super) enum Told {
    /// All of it.
    All(Knowledge),
    /// In a version, or a length, that this engine does not read.
    Unread { version: u64, bytes: u64 },
    /// Not to its end, or not what it was to be.
    Damaged(io::Error),
}

impl Told {
    /// Reads what follows on a line that begins with [`RELEASED`].
    ///
    /// # Errors
    /// If the line is another.
    pub(super) fn read(line: &str, from: &mut impl Read) -> io::Result<Told> {
        let mut words = line.strip_prefix(RELEASED).unwrap_or_default().split_whitespace();
        let mut number = || words.next().and_then(|word| word.parse::<u64>().ok());
        let (Some(version), Some(bytes)) = (number(), number()) else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("it said {line:?}")));
        };
        let mut body = from.take(bytes);
        if version != u64::from(VERSION) || bytes > HAND_OVER_BYTES_MAX {
            let skipped = io::copy(&mut body, &mut io::sink());
            return Ok(skipped.map_or_else(Told::Damaged, |_| Told::Unread { version, bytes }));
        }
        let mut encoded = Vec::new();
        if let Err(error) = body.read_to_end(&mut encoded) {
            return Ok(Told::Damaged(error));
        }
        let read = encoded.len() as u64;
        if read < bytes {
            let told = format!("it ended after {read} of {bytes} bytes");
            return Ok(Told::Damaged(io::Error::new(io::ErrorKind::UnexpectedEof, told)));
        }
        let decoded = postcard::from_bytes(&encoded);
        Ok(decoded.map_or_else(
            |error| Told::Damaged(io::Error::new(io::ErrorKind::InvalidData, error.to_string())),
            Told::All,
        ))
    }

    /// What can be relied on; logs what is lost.
    pub(super) fn knowledge(self) -> Knowledge {
        match self {
            Told::All(knowledge) => return knowledge,
            Told::Unread { version, bytes } => tracing::warn!(
                version,
                bytes,
                own_version = VERSION,
                "the former engine is of another version: what it had blocked is judged anew"
            ),
            Told::Damaged(error) => tracing::warn!(
                %error,
                "what the former engine told is damaged: what it had blocked is judged anew"
            ),
        }
        Knowledge::default()
    }
}

impl KnownFlow {
    fn new(link: &str, queue: u32, flow: BlockedFlow) -> KnownFlow {
        let BlockedFlow { record, client_side, reason, threat, reset, alerted, is_half_open } = flow;
        KnownFlow {
            link: link.to_owned(),
            queue,
            id: record.id,
            client: record.client,
            server: record.server,
            protocol: record.protocol,
            vlans: record.vlans.ids().to_vec(),
            tunnels: record.tunnels.iter().map(KnownTunnel::new).collect(),
            icmp: record.icmp,
            client_is_inside: client_side.map(|side| side == Side::Inside),
            reason: reason.as_str().to_owned(),
            threat: threat.map(|threat| threat.as_str().to_owned()),
            reset,
            alerted,
            is_half_open,
        }
    }

    /// `None` where it is of a kind that this engine does not have.
    fn blocked(&self, link: u16) -> Option<BlockedFlow> {
        let reason = DropReason::ALL.into_iter().find(|reason| reason.as_str() == self.reason)?;
        let record = FlowRecord {
            id: self.id,
            link,
            client: self.client,
            server: self.server,
            protocol: self.protocol,
            vlans: self.vlans.as_slice().try_into().ok()?,
            tunnels: self.tunnels.iter().map(KnownTunnel::tunnel).collect::<Option<_>>()?,
            icmp: self.icmp,
            start_ns: 0,
            last_ns: 0,
            frames: [0; 2],
            bytes: [0; 2],
            tcp_flags: [0; 2],
        };
        let side = |is_inside| if is_inside { Side::Inside } else { Side::Outside };
        let client_side = self.client_is_inside.map(side);
        let KnownFlow { reset, alerted, is_half_open, .. } = *self;
        let threat = self.threat.as_deref().and_then(Threat::from_name);
        Some(BlockedFlow { record, client_side, reason, threat, reset, alerted, is_half_open })
    }
}

/// The next line, without its end. An end of the stream is an error: the other has gone away.
pub(super) fn read_line(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    from.take(HAND_OVER_LINE_BYTES_MAX).read_line(&mut line)?;
    match line.strip_suffix('\n') {
        Some(text) => Ok(text.to_owned()),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(id: u64, vlans: &[u16]) -> BlockedFlow {
        let record = FlowRecord {
            id,
            link: 3,
            client: ([10, 0, 0, 1].into(), 4000),
            server: ([10, 0, 0, 2].into(), 80),
            protocol: 6,
            vlans: vlans.try_into().expect("as many as are decoded"),
            tunnels: Box::new([Tunnel {
                kind: TunnelKind::Vxlan,
                id: Some(7),
                ends: Some(([192, 0, 2, 1].into(), [192, 0, 2, 2].into())),
                vlans_outside: 0,
            }]),
            icmp: None,
            start_ns: 0,
            last_ns: 0,
            frames: [0; 2],
            bytes: [0; 2],
            tcp_flags: [0; 2],
        };
        let (client_side, reason) = (Some(Side::Outside), DropReason::Threat);
        let threat = Some(Threat::DnsTunnel);
        let is_half_open = id == 8;
        BlockedFlow { record, client_side, reason, threat, reset: true, alerted: true, is_half_open }
    }

    fn told(version: u32, knowledge: &Knowledge) -> Told {
        let mut bytes = knowledge.to_bytes();
        let line = format!("{RELEASED} {version} {}", bytes.len());
        bytes.extend(b"weir: more\n");
        let mut from = bytes.as_slice();
        let read = Told::read(&line, &mut from).expect("the right line");
        assert_eq!(read_line(&mut from).expect("a line"), "weir: more", "what follows is left");
        read
    }

    #[test]
    fn flows_arrive_as_they_were_under_the_links_new_number() {
        let mut knowledge = Knowledge::default();
        assert_eq!(knowledge.add("lan", 2, [flow(7, &[]), flow(8, &[5, 6])].into_iter()), 0);
        assert_eq!(knowledge.add("dmz", 0, [flow(9, &[])].into_iter()), 0);
        let Told::All(read) = told(VERSION, &knowledge) else { panic!("all of it") };
        assert_eq!(read, knowledge);
        assert_eq!(read.of_link("lan", 3), [(2, flow(7, &[])), (2, flow(8, &[5, 6]))]);
        assert_eq!(read.of_link("other", 3), []);
    }

    #[test]
    fn another_version_is_skipped_and_another_word_is_an_error() {
        let mut knowledge = Knowledge::default();
        knowledge.add("lan", 0, [flow(7, &[])].into_iter());
        let unread = told(VERSION + 1, &knowledge);
        assert!(
            matches!(unread, Told::Unread { version, .. } if version == u64::from(VERSION) + 1),
            "{unread:?}"
        );
        assert!(Told::read("weir: refused", &mut [0; 0].as_slice()).is_err());
    }

    #[test]
    fn what_is_cut_short_or_wrong_is_told_as_damaged() {
        let mut knowledge = Knowledge::default();
        knowledge.add("lan", 0, [flow(7, &[])].into_iter());
        let bytes = knowledge.to_bytes();
        let read = |announced: usize, bytes: &[u8]| {
            Told::read(&format!("{RELEASED} {VERSION} {announced}"), &mut &*bytes).expect("the right line")
        };
        for length in 0..bytes.len() {
            let Told::Damaged(error) = read(bytes.len(), &bytes[..length]) else { panic!("{length}") };
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        }
        let Told::Damaged(error) = read(3, &[0xff; 3]) else { panic!("it means nothing") };
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(matches!(read(bytes.len(), &bytes), Told::All(read) if read == knowledge));
    }

    #[test]
    fn there_is_room_for_so_many() {
        let mut knowledge = Knowledge::default();
        let many = (0..FLOWS_HANDED_OVER_MAX as u64 + 3).map(|id| flow(id, &[1, 2]));
        assert_eq!(knowledge.add("lan", 0, many), 3);
        assert_eq!(knowledge.len(), FLOWS_HANDED_OVER_MAX);
        assert!((knowledge.to_bytes().len() as u64) < HAND_OVER_BYTES_MAX);
    }

    #[test]
    fn an_unfinished_line_is_an_end() {
        let error = read_line(&mut b"weir: rel".as_slice()).expect_err("unfinished");
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
