//! What the dataplane tells of a flow. Borrowed: a sink copies what it keeps.

use dlp_patterns::{Field, Hit, Rule};

use crate::app::{AppAnomaly, AppProtocol, HttpFile, HttpProduct, HttpTransaction, Lane, Record};
use crate::decode::Glimpse;
use crate::flow::{Direction, FlowRecord};
use crate::inspect::Epoch;
use crate::policy::{BypassCause, Threat, ThreatAction};
use crate::reassembly::TcpState;
use crate::rx_meta::Side;
use crate::verdict::{Causes, DropReason};

/// Something worth telling, with the time of the frame that showed it (ns since the epoch).
#[derive(Clone, Copy, Debug)]
pub enum Event<'e> {
    /// A rule matched.
    Alert(Alert<'e>),
    /// A frame does not pass: the first one of its flow for that reason, or one without a flow.
    Drop(Dropped<'e>),
    /// A flow is over.
    Flow(FlowEnd<'e>),
    /// A request and its response.
    Http(HttpEnd<'e>),
    /// What one of both carried, as a file.
    HttpFile(HttpFileEnd<'e>),
    /// A transaction of another protocol.
    App(AppRecord<'e>),
    /// The peers broke a protocol.
    Anomaly(Anomaly<'e>),
    /// Something is a threat; told once, and not again for what adds to it.
    Threat(ThreatSeen<'e>),
}

/// A rule matched.
#[derive(Clone, Copy, Debug)]
pub struct Alert<'e> {
    /// When, in ns since the epoch.
    pub now_ns: u64,
    /// Where.
    pub flow: &'e FlowRecord,
    /// Which way the matched bytes travelled.
    pub direction: Direction,
    /// What matched.
    pub rule: &'e Rule,
    /// In which field.
    pub field: Field,
    /// At which offsets of the field, with the bytes.
    pub hit: &'e Hit,
    /// The protocol of the flow so far.
    pub app: AppProtocol,
    /// What the flow spoke before that, where it made way for it.
    pub app_before: Option<AppProtocol>,
    /// Whether the frame that completed the match was kept from its receiver.
    pub blocked: bool,
}

/// A frame does not pass.
#[derive(Clone, Copy, Debug)]
pub struct Dropped<'e> {
    /// When, in ns since the epoch.
    pub now_ns: u64,
    /// Whose it is.
    pub owner: Owner<'e>,
    /// The side of the link that it came in by; `None` where a capture does not tell.
    pub side: Option<Side>,
    /// Why.
    pub reason: DropReason,
    /// What it is part of, where a threat is why, or why its flow was blocked.
    pub threat: Option<Threat>,
    /// Whether both ends were reset as well.
    pub reset: bool,
    /// Length of the frame on the wire, in bytes.
    pub wire_bytes: u32,
}

/// Whose a frame, or what it said, is.
#[derive(Clone, Copy, Debug)]
pub enum Owner<'e> {
    /// A flow's.
    Flow {
        /// Which one.
        record: &'e FlowRecord,
        /// Which way the frame travelled.
        direction: Direction,
    },
    /// It was taken into no flow.
    Nobody {
        /// Index of the link that it came in from.
        link: u16,
        /// What it tells of itself.
        glimpse: &'e Glimpse,
    },
}

/// A flow is over.
#[derive(Clone, Copy, Debug)]
pub struct FlowEnd<'e> {
    /// When that was noticed, in ns since the epoch.
    pub now_ns: u64,
    /// The books.
    pub flow: &'e FlowRecord,
    /// Why it is over.
    pub cause: FlowEndCause,
    /// How far it came.
    pub state: FlowState,
    /// State of the connection, for TCP.
    pub tcp: Option<TcpState>,
    /// Its protocol.
    pub app: AppProtocol,
    /// Whether an end broke that, and what followed is of none.
    pub app_failed: bool,
    /// What it spoke before, where that made way for another one.
    pub app_before: Option<AppProtocol>,
    /// What product answers, where it speaks HTTP and a header told.
    pub product: Option<HttpProduct>,
    /// Whether any rule matched.
    pub alerted: bool,
    /// The threat for which it was blocked, or else the first one that was seen in it.
    pub threat: Option<Threat>,
    /// Why it was blocked, where it was, and the rules that were in force then.
    pub blocked: Option<(DropReason, Epoch)>,
    /// Why it passed without a further look from some frame on, where it did.
    pub bypassed: Option<BypassCause>,
    /// What spoke against frames of it, beside rules, whatever became of them.
    pub exceptions: Causes,
}

/// Why a flow is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowEndCause {
    /// It was silent for too long.
    Timeout,
    /// A new connection took its place.
    Reused,
    /// It was half-open, and made room for a newer one.
    HalfOpenEvicted,
    /// It was half-open, and made room for a newer one of its source, which had as many as it may.
    HalfOpenSourceEvicted,
    /// The engine stops, or the capture ends.
    Shutdown,
}

impl FlowEndCause {
    /// The name that events use (`flow.reason`).
    pub fn as_str(self) -> &'static str {
        match self {
            FlowEndCause::Timeout => "timeout",
            FlowEndCause::Reused => "tcp_reuse",
            FlowEndCause::HalfOpenEvicted => "half_open_evicted",
            FlowEndCause::HalfOpenSourceEvicted => "half_open_source_evicted",
            FlowEndCause::Shutdown => "shutdown",
        }
    }
}

/// How far a flow came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowState {
    /// One end spoke, or the handshake is not complete.
    New,
    /// Both ends spoke.
    Established,
    /// Its connection was closed.
    Closed,
}

impl FlowState {
    /// The name that events use (`flow.state`).
    pub fn as_str(self) -> &'static str {
        match self {
            FlowState::New => "new",
            FlowState::Established => "established",
            FlowState::Closed => "closed",
        }
    }
}

/// A request and its response.
#[derive(Clone, Copy, Debug)]
pub struct HttpEnd<'e> {
    /// When, in ns since the epoch.
    pub now_ns: u64,
    /// Where.
    pub flow: &'e FlowRecord,
    /// What was asked and answered.
    pub transaction: &'e HttpTransaction,
}

/// The content of a request or of a response, as a file, or one within it; its transaction is told before.
#[derive(Clone, Copy, Debug)]
pub struct HttpFileEnd<'e> {
    /// When, in ns since the epoch.
    pub now_ns: u64,
    /// Where.
    pub flow: &'e FlowRecord,
    /// What it is of.
    pub transaction: &'e HttpTransaction,
    /// Which way it went.
    pub direction: Direction,
    /// The file.
    pub file: &'e HttpFile,
}

/// A transaction of a protocol other than HTTP, or a part of one that is told for itself.
#[derive(Clone, Copy, Debug)]
pub struct AppRecord<'e> {
    /// When, in ns since the epoch.
    pub now_ns: u64,
    /// Where.
    pub flow: &'e FlowRecord,
    /// What was said.
    pub record: &'e Record,
}

/// The peers broke a protocol.
#[derive(Clone, Copy, Debug)]
pub struct Anomaly<'e> {
    /// When, in ns since the epoch.
    pub now_ns: u64,
    /// Where.
    pub flow: &'e FlowRecord,
    /// Which way the bytes travelled that showed it.
    pub direction: Direction,
    /// How.
    pub kind: AnomalyKind,
}

/// Something is a threat.
#[derive(Clone, Copy, Debug)]
pub struct ThreatSeen<'e> {
    /// When, in ns since the epoch.
    pub now_ns: u64,
    /// Whose it is that completed it.
    pub owner: Owner<'e>,
    /// Which one.
    pub threat: Threat,
    /// What the operator wants done about it.
    pub action: ThreatAction,
    /// What that rests on.
    pub evidence: &'e Record,
}

/// What the peers broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnomalyKind {
    /// Their application protocol.
    App(AppProtocol, AppAnomaly),
    /// TCP: data was repeated with other bytes, while its receiver could have read these. Told once a flow.
    Overlap,
}

impl AnomalyKind {
    /// The name that events use (`anomaly.event`).
    pub fn as_str(self) -> &'static str {
        match self {
            AnomalyKind::App(_, kind) => kind.as_str(),
            AnomalyKind::Overlap => "reassembly_overlap_different_data",
        }
    }
}

/// What the rules are about to read in one lane of a flow; its fields come one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading<'r> {
    /// A field begins.
    Begin(Field),
    /// The next bytes of the open field.
    Data(&'r [u8]),
    /// The open field is complete.
    End,
}

/// Who listens to the dataplane.
pub trait EventSink {
    /// Takes note. Called on the packet path: must not block.
    fn emit(&mut self, event: Event<'_>);

    /// Is shown what the rules are about to read, before each step of a scan, also in fields that no rule speaks of. The
    /// bytes are as they were sent: nothing is masked. Called on the packet path: must not block. Does nothing unless it is
    /// implemented, and is then no code at all.
    #[inline]
    fn reads(&mut self, _flow: &FlowRecord, _lane: Lane, _reading: Reading<'_>) {}
}

impl EventSink for () {
    fn emit(&mut self, _event: Event<'_>) {}
}
