//! What becomes of a frame, and why.

/// The answer to one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Send it out of the other port.
    Forward,
    /// Keep it back: a copy is held, and leaves once what it belongs to is whole and judged.
    Hold,
    /// Discard it.
    Drop(DropReason),
    /// Discard it and reset both ends of its connection.
    Reset(DropReason),
}

impl Verdict {
    /// Why the frame does not pass; `None` where it does, or may yet.
    pub fn reason(self) -> Option<DropReason> {
        match self {
            Verdict::Forward | Verdict::Hold => None,
            Verdict::Drop(reason) | Verdict::Reset(reason) => Some(reason),
        }
    }
}

/// Why a frame does not pass. Each reason has a counter of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DropReason {
    /// The headers contradict themselves or the length of the frame.
    Malformed = 0,
    /// A checksum that is neither right nor left partial by the sending kernel.
    BadChecksum = 1,
    /// A piece that no datagram can have: of an odd length, behind the last one, or cut by a capture. One with other IP options
    /// or extension headers than the others, too.
    Fragment = 2,
    /// A new flow where the table is full.
    FlowTableFull = 3,
    /// Out-of-order data beyond what all flows of a worker may hold.
    ReassemblyMemory = 4,
    /// A segment outside of what the receiver would accept, or bytes of a gap that was skipped.
    OutOfWindow = 5,
    /// The application protocol is broken in a way that two ends may read differently.
    AppError = 6,
    /// A field caused more work than its scan may do.
    ScanOverflow = 7,
    /// A rule matched.
    Rule = 8,
    /// The flow was blocked before.
    FlowBlocked = 9,
    /// The port that it should leave by still has its share of frames in sending, and no room for one more.
    Egress = 10,
    /// A TCP segment that came in by the side of the link on which its sender is not.
    WrongSide = 11,
    /// The packet, or its flow, caused more work than the scans of one may do.
    BudgetExceeded = 12,
    /// A frame that came in on the queue of another worker than the one that owns its flow, who has his share of that
    /// queue's frames and has not answered them.
    OwnerBehind = 13,
    /// Pieces of a datagram that overlap (RFC 1858 §4, RFC 5722).
    FragmentOverlap = 14,
    /// A piece of a datagram that lies inside another one.
    FragmentTeardrop = 15,
    /// A first piece that cuts the header of the upper layer (RFC 1858 §3, RFC 7112).
    FragmentTiny = 16,
    /// Pieces of a datagram that would be longer than any: the ping of death.
    FragmentTooLong = 17,
    /// Pieces of more datagrams, or more pieces of one, than may wait.
    FragmentMemory = 18,
    /// Pieces of a datagram that others did not follow in time.
    FragmentTimeout = 19,
    /// A piece that came already.
    FragmentDuplicate = 20,
    /// TCP data that is not what was inspected at its place, and that its receiver could read instead.
    OverlapConflict = 21,
    /// Repeated TCP data whose first copy could not be kept until its receiver had acknowledged it.
    OverlapUnverified = 22,
    /// A TCP segment whose timestamp shows its receiver that it is an old duplicate.
    StaleTimestamp = 23,
    /// A TCP segment that marks data as urgent, where the operator wants none.
    Urgent = 24,
    /// A segment of a TCP connection whose begin was not seen.
    Midstream = 25,
    /// A datagram that was put together, where all identifications between its ends were used within the time for which receivers
    /// keep pieces (RFC 4963).
    FragmentIdentification = 26,
    /// Out-of-order data beyond what one direction of a connection may hold.
    ReassemblyStream = 27,
    /// Part of a threat that the operator wants stopped (`[threats]`).
    Threat = 28,
    /// A body that grows too far as its content coding is taken off, or has too many of them: a bomb.
    ContentCap = 29,
    /// A body whose content coding is unknown, broken, or behind a gap, so that it was scanned as it is.
    ContentUnread = 30,
    /// The parsers of a worker, and what they decode with, hold as much as they may: this flow is read on as payload, or a body as it is.
    AppMemory = 31,
}

/// A set of reasons.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Causes(u32);

const _: () = assert!(DropReason::COUNT <= u32::BITS as usize);

impl Causes {
    /// Adds one; whether it was not there.
    pub fn add(&mut self, cause: DropReason) -> bool {
        let before = self.0;
        self.0 |= 1 << cause as u32;
        self.0 != before
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// All of them, in index order.
    pub fn iter(self) -> impl Iterator<Item = DropReason> {
        DropReason::ALL.into_iter().filter(move |&cause| self.0 >> cause as u32 & 1 == 1)
    }
}

impl DropReason {
    /// How many reasons there are.
    pub const COUNT: usize = 32;

    /// Every reason, in index order.
    pub const ALL: [DropReason; DropReason::COUNT] = [
        DropReason::Malformed,
        DropReason::BadChecksum,
        DropReason::Fragment,
        DropReason::FlowTableFull,
        DropReason::ReassemblyMemory,
        DropReason::OutOfWindow,
        DropReason::AppError,
        DropReason::ScanOverflow,
        DropReason::Rule,
        DropReason::FlowBlocked,
        DropReason::Egress,
        DropReason::WrongSide,
        DropReason::BudgetExceeded,
        DropReason::OwnerBehind,
        DropReason::FragmentOverlap,
        DropReason::FragmentTeardrop,
        DropReason::FragmentTiny,
        DropReason::FragmentTooLong,
        DropReason::FragmentMemory,
        DropReason::FragmentTimeout,
        DropReason::FragmentDuplicate,
        DropReason::OverlapConflict,
        DropReason::OverlapUnverified,
        DropReason::StaleTimestamp,
        DropReason::Urgent,
        DropReason::Midstream,
        DropReason::FragmentIdentification,
        DropReason::ReassemblyStream,
        DropReason::Threat,
        DropReason::ContentCap,
        DropReason::ContentUnread,
        DropReason::AppMemory,
    ];

    /// The name that counters and events use.
    pub fn as_str(self) -> &'static str {
        match self {
            DropReason::Malformed => "malformed",
            DropReason::BadChecksum => "bad_checksum",
            DropReason::Fragment => "fragment",
            DropReason::FlowTableFull => "flow_table_full",
            DropReason::ReassemblyMemory => "reassembly_memory",
            DropReason::OutOfWindow => "out_of_window",
            DropReason::AppError => "app_error",
            DropReason::ScanOverflow => "scan_overflow",
            DropReason::Rule => "rule",
            DropReason::FlowBlocked => "flow_blocked",
            DropReason::Egress => "egress",
            DropReason::WrongSide => "wrong_side",
            DropReason::BudgetExceeded => "budget_exceeded",
            DropReason::OwnerBehind => "owner_behind",
            DropReason::FragmentOverlap => "fragment_overlap",
            DropReason::FragmentTeardrop => "fragment_teardrop",
            DropReason::FragmentTiny => "fragment_tiny",
            DropReason::FragmentTooLong => "fragment_too_long",
            DropReason::FragmentMemory => "fragment_memory",
            DropReason::FragmentTimeout => "fragment_timeout",
            DropReason::FragmentDuplicate => "fragment_duplicate",
            DropReason::OverlapConflict => "overlap_conflict",
            DropReason::OverlapUnverified => "overlap_unverified",
            DropReason::StaleTimestamp => "stale_timestamp",
            DropReason::Urgent => "urgent",
            DropReason::Midstream => "midstream",
            DropReason::FragmentIdentification => "fragment_identification",
            DropReason::ReassemblyStream => "reassembly_stream",
            DropReason::Threat => "threat",
            DropReason::ContentCap => "content_cap",
            DropReason::ContentUnread => "content_unread",
            DropReason::AppMemory => "app_memory",
        }
    }
}
