//! Between a parser and those who hear of what it reads: the scans and the sink.

use super::flow_label::FlowLabel;
use super::ftp_transfers::FtpTransfers;
use super::secrets::Secrets;
use super::shown_threats::ShownThreats;
use super::tracked::Inspection;
use crate::app::{
    App, AppAnomaly, AppProtocol, AppSink, HttpFileStage, HttpFraming, HttpProduct, HttpTransaction, Lane,
    Record, SpareParsers,
};
use crate::event::{
    Anomaly, AnomalyKind, AppRecord, Event, EventSink, HttpEnd, HttpFileEnd, Owner, Reading, ThreatSeen,
};
use crate::flow::{Direction, FlowRecord};
use crate::inspect::{FieldScan, Findings, Lanes, RuleSets};
use crate::policy::ThreatAction;
use crate::threat::{Found, Threats};

/// Carries what the parser yields to the scans and to the sink.
pub(super) struct Listener<'l, S> {
    record: &'l FlowRecord,
    scans: &'l mut Lanes,
    /// Of the field that is told at once.
    beside: FieldScan,
    secrets: &'l mut Secrets,
    rules: &'l mut RuleSets,
    findings: &'l mut Findings,
    threats: &'l mut Threats,
    transfers: &'l mut FtpTransfers,
    sink: &'l mut S,
    now_ns: u64,
    http_framing: HttpFraming,
    product: Option<HttpProduct>,
    shown: ShownThreats,
}

/// What a parser said of its flow as a whole, so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ToldOfApp {
    /// What it speaks, as the detectors of threats were told.
    protocol: AppProtocol,
    pub(super) label: FlowLabel,
}

impl<'l, S> Listener<'l, S> {
    /// Who listens to the parser of a flow, and what the parser takes its room from.
    pub(super) fn new(
        record: &'l FlowRecord,
        scans: &'l mut Lanes,
        secrets: &'l mut Secrets,
        inspection: &'l mut Inspection<'_, S>,
    ) -> (Listener<'l, S>, &'l mut SpareParsers) {
        let Inspection { rules, findings, parsers, threats, transfers, sink, now_ns } = inspection;
        let (beside, now_ns, http_framing) = (FieldScan::default(), *now_ns, parsers.http_framing());
        let (product, shown) = (None, ShownThreats::default());
        let listener: Listener<'l, S> = Listener {
            record,
            scans,
            beside,
            secrets,
            rules,
            findings,
            threats,
            transfers,
            sink,
            now_ns,
            http_framing,
            product,
            shown,
        };
        (listener, parsers)
    }
}

impl<S: EventSink> AppSink for Listener<'_, S> {
    fn begin(&mut self, lane: Lane, field: dlp_patterns::Field) {
        self.sink.reads(self.record, lane, Reading::Begin(field));
        let scan = match lane.number {
            Lane::BESIDE => Some(&mut self.beside),
            _ => self.scans.open(lane, self.rules),
        };
        match scan {
            Some(scan) => scan.begin(self.rules, lane.direction, field),
            None => self.findings.give_up(),
        }
    }

    #[inline]
    fn data(&mut self, lane: Lane, bytes: &[u8]) {
        let Listener { rules, findings, sink, now_ns, .. } = self;
        sink.reads(self.record, lane, Reading::Data(bytes));
        let before = Told::of(findings);
        let scan = match lane.number {
            Lane::BESIDE => Some(&mut self.beside),
            _ => self.scans.of(lane),
        };
        if let Some(scan) = scan {
            scan.data(rules, lane.direction, *now_ns, bytes, findings);
            before.note_since(rules, findings, self.secrets);
        }
    }

    fn end(&mut self, lane: Lane) {
        let Listener { rules, findings, sink, .. } = self;
        sink.reads(self.record, lane, Reading::End);
        let before = Told::of(findings);
        let scan = match lane.number {
            Lane::BESIDE => Some(&mut self.beside),
            _ => self.scans.of(lane),
        };
        if let Some(scan) = scan {
            scan.end(rules, lane.direction, findings);
            before.note_since(rules, findings, self.secrets);
        }
        if !lane.is_main() && lane.number != Lane::BESIDE {
            self.scans.close(lane, self.rules);
        }
    }

    fn is_heard(&self, direction: Direction, field: dlp_patterns::Field) -> bool {
        self.rules.speak_of(field, direction)
    }

    fn transaction(&mut self, transaction: &HttpTransaction) {
        let (flow, now_ns) = (self.record, self.now_ns);
        // Where there is no room for this event, there is none for those behind it.
        let may_tell = self.findings.may_tell();
        let concealed = (may_tell && !self.secrets.is_empty()).then(|| self.secrets.conceal(transaction));
        let shown = concealed.as_ref().unwrap_or(transaction);
        if may_tell {
            self.sink.emit(Event::Http(HttpEnd { now_ns, flow, transaction: shown }));
        }
        let whole = Direction::BOTH.into_iter().zip(&shown.files);
        let inner = shown.inner_files.iter().map(|(direction, file)| (*direction, file));
        for (direction, file) in whole.chain(inner) {
            if file.stage != HttpFileStage::Absent && self.findings.may_tell() {
                let end = HttpFileEnd { now_ns, flow, transaction: shown, direction, file };
                self.sink.emit(Event::HttpFile(end));
            }
        }
        let (threats, tell) = self.detectors();
        threats.see_transaction(flow, transaction, now_ns, tell);
    }

    fn record(&mut self, record: &Record) {
        let (flow, now_ns) = (self.record, self.now_ns);
        let concealed = (!self.secrets.is_empty()).then(|| self.secrets.conceal_record(record));
        let shown = concealed.as_ref().unwrap_or(record);
        if self.findings.may_tell() {
            self.sink.emit(Event::App(AppRecord { now_ns, flow, record: shown }));
        }
        if record.protocol() == AppProtocol::Ftp {
            // Events of the data repeat the name of its file.
            self.transfers.see_command(flow, shown, now_ns);
        }
        let (threats, tell) = self.detectors();
        threats.see_record(flow, record, now_ns, tell);
    }

    fn anomaly(&mut self, direction: Direction, protocol: AppProtocol, anomaly: AppAnomaly) {
        let is_read = self.http_framing == HttpFraming::Compat
            && protocol == AppProtocol::Http
            && anomaly.is_read_in_every_way();
        if let Some(cause) = anomaly.cause().filter(|_| !is_read) {
            self.findings.object(cause);
        }
        let (flow, now_ns) = (self.record, self.now_ns);
        if self.findings.may_tell() {
            let kind = AnomalyKind::App(protocol, anomaly);
            self.sink.emit(Event::Anomaly(Anomaly { now_ns, flow, direction, kind }));
        }
        let (threats, tell) = self.detectors();
        threats.see_anomaly(flow, protocol, anomaly, now_ns, tell);
    }

    fn product(&mut self, product: HttpProduct) {
        HttpProduct::see(&mut self.product, product);
    }

    fn carried(&mut self, _: Direction, _: AppProtocol, carried: AppProtocol) {
        let (flow, now_ns) = (self.record, self.now_ns);
        let (threats, tell) = self.detectors();
        threats.see_carried(flow, carried, now_ns, tell);
    }
}

impl<S: EventSink> Listener<'_, S> {
    /// The detectors of threats, and who tells of what they find, and has what shows it dropped where the operator wants that.
    fn detectors(&mut self) -> (&mut Threats, impl FnMut(Found<'_>)) {
        let Listener {
            record: flow,
            now_ns,
            ref secrets,
            ref mut threats,
            ref mut sink,
            ref mut findings,
            ref mut shown,
            ..
        } = *self;
        let tell = move |found: Found<'_>| {
            shown.note(&found);
            let Found { threat, action, evidence } = found;
            if let Some(evidence) = evidence {
                let concealed = (!secrets.is_empty()).then(|| secrets.conceal_record(evidence));
                let evidence = concealed.as_ref().unwrap_or(evidence);
                // What a message asks for, or is answered: it is the client's.
                let owner = Owner::Flow { record: flow, direction: Direction::ToServer };
                sink.emit(Event::Threat(ThreatSeen { now_ns, owner, threat, action, evidence }));
            }
            if action == ThreatAction::Drop {
                findings.note_threat();
            }
        };
        (threats, tell)
    }

    /// Says what the flow speaks, where that was not said before, and keeps what product answers.
    #[inline]
    pub(super) fn note_app(&mut self, app: &App, told: &mut ToldOfApp) {
        if let Some(product) = self.product {
            told.label.see(product);
        }
        let protocol = app.protocol();
        if std::mem::replace(&mut told.protocol, protocol) != protocol {
            self.tell_protocol(app, protocol);
        }
    }

    #[cold]
    fn tell_protocol(&mut self, app: &App, protocol: AppProtocol) {
        let (flow, now_ns) = (self.record, self.now_ns);
        let (threats, tell) = self.detectors();
        threats.see_protocol(flow, protocol, app.outer_protocol(), now_ns, tell);
    }

    /// What was found so far.
    pub(super) fn shown(&self) -> ShownThreats {
        self.shown
    }

    /// Says that the flow is over.
    pub(super) fn end(&mut self, protocol: AppProtocol) {
        let (flow, now_ns) = (self.record, self.now_ns);
        let (threats, tell) = self.detectors();
        threats.see_end(flow, protocol, now_ns, tell);
    }
}

/// How many findings there were before a scan.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Told {
    listed: usize,
    unlisted: u64,
}

impl Told {
    fn of(findings: &Findings) -> Told {
        Told { listed: findings.listed().len(), unlisted: findings.unlisted() }
    }

    /// Remembers which of the findings since then are secret.
    #[inline]
    fn note_since(self, rules: &RuleSets, findings: &Findings, secrets: &mut Secrets) {
        if self != Told::of(findings) {
            self.note(rules, findings, secrets);
        }
    }

    #[cold]
    fn note(self, rules: &RuleSets, findings: &Findings, secrets: &mut Secrets) {
        for finding in findings.listed().iter().skip(self.listed) {
            secrets.note(rules.rule(finding), finding);
        }
        if findings.unlisted() > self.unlisted {
            secrets.withhold_all();
        }
    }
}
