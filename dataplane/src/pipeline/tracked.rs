//! All that is remembered of one flow between two of its packets.

use std::net::IpAddr;

use flow_table::Orientation;

use super::flow_label::FlowLabel;
use super::ftp_transfers::FtpTransfers;
use super::heard::Heard;
use super::listener::{Listener, ToldOfApp};
use super::reader::Reader;
use super::secrets::Secrets;
use super::{Counters, Handling, Side};
use crate::app::{App, AppProtocol, Holding, HttpProduct, Opening, RequestPart, SpareParsers, TlsRecords};
use crate::decode::{Checksum, Packet, TcpFlags, Transport};
use crate::event::{Anomaly, AnomalyKind, Event, EventSink, FlowEnd, FlowEndCause, FlowState};
use crate::flow::{Direction, Elsewhere, FlowRecord, NS_PER_S, Timeouts, protocol};
use crate::inspect::{Findings, FlowAccount, Lanes, RuleSets};
use crate::policy::{Bypass, BypassCause, Disposition, Threat};
use crate::reassembly::{Connection, Memory, StreamChunk, TcpState};
use crate::threat::Threats;
use crate::verdict::{Causes, DropReason};

/// A flow, from its first packet to its last event.
pub(super) struct Tracked {
    pub(super) record: FlowRecord,
    /// Orientation of the packets that the client sends.
    pub(super) client: Orientation,
    /// The side of the link that they come from, where that is known.
    client_side: Option<Side>,
    heard: Heard,
    pub(super) disposition: Disposition,
    pub(super) connection: Option<Connection>,
    pub(super) alerted: bool,
    /// The threat for which it was blocked, or else the first one that was seen in it.
    pub(super) threat: Option<Threat>,
    /// Whether it was never established: it is the table's to evict.
    pub(super) is_half_open: bool,
    /// To whom the end sends of which it counts as one flow; who is its client may turn out to be otherwise later.
    pub(super) counted: Option<Direction>,
    /// What of a request of HTTP was under way behind its last packet to the server.
    pub(super) request: UnderWay,
    /// Whether somebody handles its frames before they come here, and counts them.
    pub(super) is_elsewhere: bool,
    /// Whether a sender left checksums partial: only here are they completed.
    leaves_checksums: bool,
    /// Bytes on the wire of the frames that were read: those that were refused are not its sender's own, perhaps.
    inspected_bytes: u64,
    /// After how many of them the operator trusts it; `u64::MAX` is never.
    trusted_after_bytes: u64,
    /// Where the operator lets encrypted flows pass: what is known of this one, until it is known to be none.
    tls: Option<TlsRecords>,
    /// Union of the TCP control bits since it is bypassed, by direction.
    unchecked_flags: [u8; 2],
    /// Of a connection that was picked up: its first bytes, until they tell who is its client.
    opening: Option<Opening>,
    app: App,
    /// What its parser is charged.
    holding: Holding,
    told_of_app: ToldOfApp,
    scans: Lanes,
    /// What these cost.
    pub(super) account: FlowAccount,
    secrets: Secrets,
    /// Of which drops an event has told.
    told: Causes,
    /// What spoke against its frames, beside rules, whatever became of them.
    pub(super) met: Causes,
    is_conflict_told: bool,
}

/// What of a request is under way, and which such part that is of all that there were.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct UnderWay {
    pub(super) part: Option<RequestPart>,
    pub(super) number: u32,
    /// Which parts are looked after, so that however many requests a flow brings, it takes one place for each.
    pub(super) is_watched: [bool; 2],
}

/// What a flow's bytes are shown to, and who hears of it.
pub(super) struct Inspection<'a, S> {
    pub(super) rules: &'a mut RuleSets,
    pub(super) findings: &'a mut Findings,
    pub(super) parsers: &'a mut SpareParsers,
    pub(super) threats: &'a mut Threats,
    pub(super) transfers: &'a mut FtpTransfers,
    pub(super) sink: &'a mut S,
    pub(super) now_ns: u64,
}

impl Tracked {
    pub(super) fn new(
        record: FlowRecord,
        client: Orientation,
        client_side: Option<Side>,
        bypass: &Bypass,
    ) -> Tracked {
        let connection = (record.protocol == protocol::TCP).then(Connection::new);
        let tls = (bypass.encrypted && connection.is_some()).then(TlsRecords::default);
        Tracked {
            client,
            client_side,
            heard: Heard::default(),
            disposition: Disposition::Inspect,
            connection,
            alerted: false,
            threat: None,
            is_half_open: false,
            counted: None,
            request: UnderWay::default(),
            is_elsewhere: false,
            leaves_checksums: false,
            inspected_bytes: 0,
            trusted_after_bytes: bypass.trusted_after_bytes(&record),
            tls,
            unchecked_flags: [0; 2],
            opening: None,
            app: App::new(),
            holding: Holding::default(),
            told_of_app: ToldOfApp::default(),
            scans: Lanes::default(),
            account: FlowAccount::default(),
            secrets: Secrets::default(),
            told: Causes::default(),
            met: Causes::default(),
            is_conflict_told: false,
            record,
        }
    }

    pub(super) fn direction(&self, orientation: Orientation) -> Direction {
        if orientation == self.client { Direction::ToServer } else { Direction::ToClient }
    }

    /// Whether a segment comes from where its sender is not: somebody speaks in another's name. Without a
    /// connection both sides may use one address pair: `::` and 0.0.0.0 to groups and to all.
    pub(super) fn is_wrong_side(&self, direction: Direction, side: Option<Side>) -> bool {
        let (Some(client), Some(side)) = (self.client_side, side) else { return false };
        self.connection.is_some() && (client == side) != (direction == Direction::ToServer)
    }

    pub(super) fn client_side(&self) -> Option<Side> {
        self.client_side
    }

    pub(super) fn app(&self) -> &App {
        &self.app
    }

    /// What it speaks, or spoke last that has a name.
    pub(super) fn named_protocol(&self) -> AppProtocol {
        self.or_ftp_data(self.app.named_protocol())
    }

    /// What it speaks, as far as that is known. What was told to come is data of FTP, unless it shows itself to be something else.
    pub(super) fn protocol(&self) -> AppProtocol {
        self.or_ftp_data(self.app.protocol())
    }

    fn or_ftp_data(&self, protocol: AppProtocol) -> AppProtocol {
        let is_open = matches!(protocol, AppProtocol::Pending | AppProtocol::Unknown);
        if self.is_ftp_data() && is_open { AppProtocol::FtpData } else { protocol }
    }

    /// What product answers, by its headers.
    pub(super) fn product(&self) -> Option<HttpProduct> {
        self.told_of_app.label.product()
    }

    /// A control connection of FTP told that it would come.
    pub(super) fn label_as_ftp_data(&mut self) {
        self.told_of_app.label = FlowLabel::FtpData;
    }

    /// Whether it is one that was told to come.
    pub(super) fn is_ftp_data(&self) -> bool {
        self.told_of_app.label == FlowLabel::FtpData
    }

    /// The begin of its connection went by unseen: who is its client is open, unless data of it was read.
    pub(super) fn pick_up(&mut self) {
        self.opening = self.app.is_untouched().then(Opening::default);
    }

    /// Client and server have each other's names from now on, as in its record already.
    pub(super) fn turn(&mut self) {
        self.client = self.client.opposite();
        self.client_side = self.client_side.map(Side::opposite);
        self.heard = self.heard.turned();
        self.counted = self.counted.map(Direction::opposite);
        if let Some(connection) = &mut self.connection {
            connection.turn();
        }
    }

    /// The source that was said to have begun it, where it counts as one of its flows.
    pub(super) fn counted_source(&self) -> Option<IpAddr> {
        self.counted.map(|direction| match direction {
            Direction::ToServer => self.record.client.0,
            Direction::ToClient => self.record.server.0,
        })
    }

    /// The threat that a drop of one of its frames for that reason is about.
    pub(super) fn threat_behind(&self, reason: DropReason) -> Option<Threat> {
        let is_blocked_for_it =
            matches!(self.disposition, Disposition::Blocked { reason: DropReason::Threat, .. });
        let is_about_it =
            reason == DropReason::Threat || reason == DropReason::FlowBlocked && is_blocked_for_it;
        self.threat.filter(|_| is_about_it)
    }

    /// Whether this is the first drop of the flow for that reason.
    pub(super) fn tell_once(&mut self, reason: DropReason) -> bool {
        self.told.add(reason)
    }

    /// A cause speaks against a frame that is taken in all the same.
    pub(super) fn excuse(&mut self, cause: DropReason, counters: &mut Counters) {
        self.met.add(cause);
        counters.excepted[cause as usize] += 1;
    }

    /// Tells, once, that data was repeated with other bytes.
    pub(super) fn tell_conflict<S: EventSink>(
        &mut self,
        direction: Direction,
        inspection: &mut Inspection<'_, S>,
    ) {
        if !std::mem::replace(&mut self.is_conflict_told, true) {
            let (now_ns, kind) = (inspection.now_ns, AnomalyKind::Overlap);
            inspection.sink.emit(Event::Anomaly(Anomaly { now_ns, flow: &self.record, direction, kind }));
        }
    }

    /// Notes what a packet, which came in from `side`, tells of the flow beside its content.
    pub(super) fn note(&mut self, direction: Direction, side: Option<Side>, packet: &Packet<'_>) {
        self.heard.hear(direction, side);
        self.leaves_checksums |= matches!(packet.checksum, Checksum::Partial { .. });
        if let (Disposition::Bypassed(_), Transport::Tcp(header)) = (self.disposition, packet.transport) {
            self.record.tcp_flags[direction as usize] |= header.flags.0;
            self.unchecked_flags[direction as usize] |= header.flags.0;
        }
    }

    /// What somebody else may do with its frames, where nothing is left to decide about them.
    pub(super) fn handling(&self) -> Option<Handling> {
        match self.disposition {
            Disposition::Inspect => None,
            // The program reads the outermost headers alone.
            _ if self.record.may_be_mistaken() => None,
            Disposition::Blocked { .. } => Some(Handling::Drop),
            Disposition::Bypassed(BypassCause::PassFlow) => None,
            Disposition::Bypassed(_) if self.leaves_checksums => None,
            Disposition::Bypassed(_) => {
                let client_side = self.client_side.filter(|_| self.connection.is_some());
                Some(Handling::PassOn { client_side })
            }
        }
    }

    /// Why nothing that comes behind a frame of so many bytes, which was read, needs a look, where the operator says so.
    #[inline]
    pub(super) fn bypass_cause_behind(&mut self, wire_bytes: u32) -> Option<BypassCause> {
        self.inspected_bytes += u64::from(wire_bytes);
        // Only the begin of a connection tells who its server is.
        if self.connection.as_ref().is_some_and(Connection::is_midstream) {
            return None;
        }
        if self.tls.is_some_and(|tls| tls.are_encrypted()) {
            return Some(BypassCause::Encrypted);
        }
        let is_long = self.inspected_bytes >= self.trusted_after_bytes;
        // Whoever only claims to speak with a trusted server gets no answer from it.
        (is_long && self.state() == FlowState::Established).then_some(BypassCause::Trusted)
    }

    /// Whether a bypassed connection seems to be over. Its sequence numbers are not known any more, so neither FIN nor RST
    /// can be told from a forged one: it stays bypassed, and is only forgotten sooner when it falls silent.
    fn seems_over(&self) -> bool {
        let [to_server, to_client] = self.unchecked_flags;
        (to_server | to_client) & TcpFlags::RST != 0 || to_server & to_client & TcpFlags::FIN != 0
    }

    /// How far the flow came.
    #[inline]
    pub(super) fn state(&self) -> FlowState {
        if self.seems_over() {
            return FlowState::Closed;
        }
        match self.connection.as_ref().map(Connection::state) {
            Some(state) if state.is_finished() => FlowState::Closed,
            Some(TcpState::None | TcpState::SynSent | TcpState::SynReceived) => FlowState::New,
            Some(_) => FlowState::Established,
            None if self.heard.is_of_two() => FlowState::Established,
            None => FlowState::New,
        }
    }

    /// Whether it is more than one end's word: both spoke, from two sides, and for TCP the handshake is complete. One that
    /// ended before is not.
    pub(super) fn is_established(&self) -> bool {
        self.is_established_in(self.state())
    }

    /// The same, where its [state](Self::state) is known.
    #[inline]
    pub(super) fn is_established_in(&self, state: FlowState) -> bool {
        state == FlowState::Established && self.heard.is_of_two()
    }

    /// Enters what somebody else did with its frames.
    pub(super) fn account_elsewhere(&mut self, elsewhere: &Elsewhere) {
        self.record.account_elsewhere(elsewhere);
        let heard = Direction::BOTH.into_iter().filter(|direction| elsewhere.frames[*direction as usize] > 0);
        heard.for_each(|direction| self.heard.hear(direction, None));
    }

    /// How long it may be silent, in ns.
    pub(super) fn timeout_ns(&self, timeouts: &Timeouts) -> u64 {
        self.timeout_ns_in(self.state(), timeouts)
    }

    /// The same, where its [state](Self::state) is known.
    #[inline]
    pub(super) fn timeout_ns_in(&self, state: FlowState, timeouts: &Timeouts) -> u64 {
        let state = match self.disposition {
            // One end alone proves nothing that is to be remembered for long.
            Disposition::Inspect if self.is_half_open && state == FlowState::Established => FlowState::New,
            Disposition::Inspect | Disposition::Bypassed(_) => state,
            // What is blocked stays so until it falls silent, and is then forgotten as soon as the closed.
            Disposition::Blocked { .. } => FlowState::Closed,
        };
        let seconds = match (self.record.protocol, state) {
            (protocol::TCP, FlowState::New) => timeouts.tcp_new_s,
            (protocol::TCP, FlowState::Established) => timeouts.tcp_established_s,
            (protocol::TCP, FlowState::Closed) => timeouts.tcp_closed_s,
            (protocol::UDP, FlowState::New) => timeouts.udp_new_s,
            (protocol::UDP, _) => timeouts.udp_established_s,
            (protocol::ICMP | protocol::ICMPV6, _) => timeouts.icmp_s,
            _ => timeouts.other_s,
        };
        u64::from(seconds) * NS_PER_S
    }

    /// The connection of a TCP flow, and what its chunks are shown to.
    pub(super) fn stream(&mut self) -> Option<(&mut Connection, Reader<'_>)> {
        let reader = Reader {
            record: &mut self.record,
            is_turned: false,
            opening: &mut self.opening,
            app: &mut self.app,
            holding: &mut self.holding,
            told_of_app: &mut self.told_of_app,
            threat: &mut self.threat,
            tls: &mut self.tls,
            scans: &mut self.scans,
            secrets: &mut self.secrets,
        };
        Some((self.connection.as_mut()?, reader))
    }

    /// Shows a datagram to the parser, where `is_app` says that it is of an application, and what it yields to the rules; of
    /// other protocols it is one payload.
    pub(super) fn read_datagram<S: EventSink>(
        &mut self,
        direction: Direction,
        payload: &[u8],
        is_app: bool,
        inspection: &mut Inspection<'_, S>,
    ) {
        let (mut listener, parsers) =
            Listener::new(&self.record, &mut self.scans, &mut self.secrets, inspection);
        if is_app {
            self.app.datagram(direction, payload, parsers, &mut listener);
            self.app.settle(direction, &mut self.holding, parsers, &mut listener);
            listener.note_app(&self.app, &mut self.told_of_app);
        } else {
            App::payload(direction, payload, &mut listener);
        }
        self.threat = listener.shown().of_flow(self.threat);
        if !self.secrets.is_empty() && self.app.is_between_messages() {
            self.secrets.clear();
        }
    }

    /// Nothing of it will be looked at again: gives back what it held, and the rules it counted on.
    pub(super) fn release(&mut self, memory: &mut Memory, rules: &mut RuleSets) {
        if let Some(connection) = &mut self.connection {
            connection.release(memory);
        }
        self.app.forget(&mut self.holding);
        self.scans.abandon(rules);
    }

    /// Lets the parser say what is left, and the books close. What the last bytes match is in the findings.
    pub(super) fn finish<S: EventSink>(&mut self, inspection: &mut Inspection<'_, S>) {
        let (mut listener, parsers) =
            Listener::new(&self.record, &mut self.scans, &mut self.secrets, inspection);
        if let Some((direction, bytes)) = self.opening.take().as_ref().and_then(Opening::held) {
            self.app.advance(direction, StreamChunk::Data(bytes), parsers, &mut listener);
        }
        self.app.finish(parsers, &mut listener);
        self.app.forget(&mut self.holding);
        listener.note_app(&self.app, &mut self.told_of_app);
        listener.end(self.app.protocol());
        self.threat = listener.shown().of_flow(self.threat);
    }

    /// The last event of the flow.
    pub(super) fn end(&self, now_ns: u64, cause: FlowEndCause) -> FlowEnd<'_> {
        FlowEnd {
            now_ns,
            flow: &self.record,
            cause,
            state: self.state(),
            tcp: self.connection.as_ref().map(|connection| match self.seems_over() {
                true => TcpState::Closed,
                false => connection.state(),
            }),
            app: self.named_protocol(),
            app_failed: self.app.protocol() == AppProtocol::Failed,
            app_before: self.app.outer_protocol(),
            product: self.product(),
            alerted: self.alerted,
            threat: self.threat,
            blocked: match self.disposition {
                Disposition::Inspect | Disposition::Bypassed(_) => None,
                Disposition::Blocked { reason, epoch, .. } => Some((reason, epoch)),
            },
            bypassed: match self.disposition {
                Disposition::Bypassed(cause) => Some(cause),
                Disposition::Inspect | Disposition::Blocked { .. } => None,
            },
            exceptions: self.met,
        }
    }
}
