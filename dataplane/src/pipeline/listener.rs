//! Between a parser and those who hear of what it reads: the scans and the sink.

use super::secrets::Secrets;
use super::tracked::Inspection;
use crate::app::{AppAnomaly, AppProtocol, AppSink, HttpTransaction, Lane, Record, SpareParsers};
use crate::event::{Anomaly, AnomalyKind, AppRecord, Event, EventSink, HttpEnd, Reading, ThreatSeen};
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
    sink: &'l mut S,
    now_ns: u64,
}

impl<'l, S> Listener<'l, S> {
    /// Who listens to the parser of a flow, and what the parser takes its room from.
    pub(super) fn new(
        record: &'l FlowRecord,
        scans: &'l mut Lanes,
        secrets: &'l mut Secrets,
        inspection: &'l mut Inspection<'_, S>,
    ) -> (Listener<'l, S>, &'l mut SpareParsers) {
        let Inspection { rules, findings, parsers, threats, sink, now_ns } = inspection;
        let (beside, now_ns) = (FieldScan::default(), *now_ns);
        (Listener { record, scans, beside, secrets, rules, findings, threats, sink, now_ns }, parsers)
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
        if lane.number != 0 && lane.number != Lane::BESIDE {
            self.scans.close(lane, self.rules);
        }
    }

    fn is_heard(&self, direction: Direction, field: dlp_patterns::Field) -> bool {
        self.rules.speak_of(field, direction)
    }

    fn transaction(&mut self, transaction: &HttpTransaction) {
        let concealed = (!self.secrets.is_empty()).then(|| self.secrets.conceal(transaction));
        let transaction = concealed.as_ref().unwrap_or(transaction);
        let event = HttpEnd { now_ns: self.now_ns, flow: self.record, transaction };
        self.sink.emit(Event::Http(event));
    }

    fn record(&mut self, record: &Record) {
        let concealed = (!self.secrets.is_empty()).then(|| self.secrets.conceal_record(record));
        let shown = concealed.as_ref().unwrap_or(record);
        let (now_ns, flow) = (self.now_ns, self.record);
        self.sink.emit(Event::App(AppRecord { now_ns, flow, record: shown }));
        let Some(Found { threat, action, evidence }) = self.threats.see(flow, record, now_ns) else { return };
        if let Some(evidence) = evidence {
            self.sink.emit(Event::Threat(ThreatSeen { now_ns, flow, threat, evidence }));
        }
        if action == ThreatAction::Drop {
            self.findings.note_threat();
        }
    }

    fn anomaly(&mut self, direction: Direction, protocol: AppProtocol, anomaly: AppAnomaly) {
        if let Some(cause) = anomaly.cause() {
            self.findings.object(cause);
        }
        let kind = AnomalyKind::App(protocol, anomaly);
        let event = Anomaly { now_ns: self.now_ns, flow: self.record, direction, kind };
        self.sink.emit(Event::Anomaly(event));
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
