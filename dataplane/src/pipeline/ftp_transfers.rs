//! [`FtpTransfers`]: which connections carry the data of which command of FTP, as control connections of the same worker tell.
//!
//! A control connection says at which port one of its two ends waits for the other one (RFC 959 §3.2, RFC 2428). A connection that comes
//! there in time is of FTP; what it carries is known once the command is answered to its end, be that before or behind the data.

use std::hash::Hasher;
use std::net::IpAddr;

use crate::app::{AppProtocol, Record, Value};
use crate::event::{AppRecord, Event, EventSink};
use crate::flow::{Direction, FlowRecord, NS_PER_S};
use crate::limits::{FTP_TRANSFER_SETS, FTP_TRANSFER_WAIT_S, FTP_TRANSFER_WAYS};
use crate::reassembly::StreamChunk;
use crate::threat::{Windows, write_address};

/// Commands whose data is a file.
const OF_FILES: [&[u8]; 4] = [b"RETR", b"STOR", b"APPE", b"STOU"];
const WAIT_NS: u64 = FTP_TRANSFER_WAIT_S * NS_PER_S;

/// The transfers that were told of; no room is taken before one is.
#[derive(Debug)]
pub(super) struct FtpTransfers {
    /// By who waits, at which port, and for whom.
    expected: Windows<Transfer>,
    /// By control connection, what it told last.
    last: Windows<u64>,
    record: Record,
}

/// The data of one command.
#[derive(Debug, Default)]
struct Transfer {
    /// The connection that carries it, once there is one.
    flow: Option<u64>,
    /// What asked for it, in capital letters, and of which file.
    command: &'static [u8],
    file_name: Vec<u8>,
    /// What went by, by direction.
    bytes: [u64; 2],
    has_gap: bool,
    is_complete: bool,
}

impl FtpTransfers {
    pub(super) fn new(seed: [u64; 2]) -> FtpTransfers {
        FtpTransfers {
            expected: Windows::new(seed, FTP_TRANSFER_WAYS),
            last: Windows::new(seed, FTP_TRANSFER_WAYS),
            record: Record::default(),
        }
    }

    /// Takes in a command of a control connection, with its answer.
    pub(super) fn see_command(&mut self, control: &FlowRecord, told: &Record, now_ns: u64) {
        let of_control = self.hash_of_control(control);
        if let Some((waiting, port, other)) = expected_end(control, told) {
            self.expected.set_kept(FTP_TRANSFER_SETS);
            self.last.set_kept(FTP_TRANSFER_SETS);
            let hash = self.hash(waiting, port, other);
            let window = self.expected.at(hash, now_ns, WAIT_NS);
            (window.begin_ns, window.books) = (now_ns, Transfer::default());
            self.last.at(of_control, now_ns, u64::MAX).books = hash;
            return;
        }
        let Some(Value::Text(command)) = told.find("command") else { return };
        let of_file = OF_FILES.into_iter().find(|of| command.eq_ignore_ascii_case(of));
        let Some(command) = of_file.filter(|_| !is_refused(told)) else { return };
        let Some(hash) = self.last.known(of_control).map(|window| window.books) else { return };
        let Some(window) = self.expected.known(hash) else { return };
        if let Some(Value::Text(name)) = told.find("command_data") {
            window.books.file_name = name.to_vec();
        }
        window.books.command = command;
    }

    /// Whether a connection that begins is one that somebody waits for; from then on it is that one's.
    pub(super) fn expects(&mut self, flow: &FlowRecord, now_ns: u64) -> bool {
        if self.expected.is_off() {
            return false;
        }
        let hash = self.hash_of_data(flow);
        let Some(window) = self.expected.known(hash) else { return false };
        let is_in_time = now_ns.saturating_sub(window.begin_ns) <= WAIT_NS;
        let is_first = window.books.flow.is_none();
        if is_in_time && is_first {
            window.books.flow = Some(flow.id);
        }
        is_in_time && is_first
    }

    /// Takes in what a connection carries that was expected.
    pub(super) fn see_data(&mut self, flow: &FlowRecord, direction: Direction, chunk: StreamChunk<'_>) {
        let Some(transfer) = self.transfer_of(flow) else { return };
        let bytes = &mut transfer.bytes[direction as usize];
        match chunk {
            StreamChunk::Data(data) => *bytes += data.len() as u64,
            StreamChunk::Gap(missing) => {
                *bytes += u64::from(missing);
                transfer.has_gap |= missing > 0;
            }
            StreamChunk::Fin => transfer.is_complete = true,
        }
    }

    /// A connection that was expected is over: tells which file it carried, where that is known.
    pub(super) fn tell_end<S: EventSink>(&mut self, flow: &FlowRecord, now_ns: u64, sink: &mut S) {
        let Some(transfer) = self.transfer_of(flow) else { return };
        // Nobody waits there for another one.
        let over = Transfer { flow: transfer.flow, ..Transfer::default() };
        let Transfer { command, file_name, bytes, has_gap, is_complete, .. } =
            std::mem::replace(transfer, over);
        if command.is_empty() {
            return;
        }
        let record = &mut self.record;
        record.begin_file(AppProtocol::FtpData, 0);
        if !file_name.is_empty() {
            record.file_name("filename", &file_name);
        }
        record.flag("gaps", has_gap);
        record.text("state", if is_complete && !has_gap { b"CLOSED" } else { b"TRUNCATED" });
        record.flag("stored", false);
        // Data goes one way.
        record.number("size", bytes.into_iter().max().unwrap_or(0));
        record.number("tx_id", 0);
        record.beside("ftp_data", |record| {
            record.text("command", command);
            record.file_name("filename", &file_name);
        });
        sink.emit(Event::App(AppRecord { now_ns, flow, record }));
    }

    fn transfer_of(&mut self, flow: &FlowRecord) -> Option<&mut Transfer> {
        let hash = self.hash_of_data(flow);
        let transfer = &mut self.expected.known(hash)?.books;
        (transfer.flow == Some(flow.id)).then_some(transfer)
    }

    fn hash_of_data(&self, flow: &FlowRecord) -> u64 {
        self.hash(flow.server.0, flow.server.1, flow.client.0)
    }

    fn hash(&self, waiting: IpAddr, port: u16, other: IpAddr) -> u64 {
        let mut hasher = self.expected.hasher();
        write_address(&mut hasher, waiting);
        hasher.write_u16(port);
        write_address(&mut hasher, other);
        hasher.finish()
    }

    fn hash_of_control(&self, control: &FlowRecord) -> u64 {
        let mut hasher = self.last.hasher();
        hasher.write_u64(control.id);
        hasher.finish()
    }
}

/// Which end of a control connection waits, at which port, and for whom. An address that is told is not believed: whoever
/// could name another host would have that one's connections taken for data.
fn expected_end(control: &FlowRecord, told: &Record) -> Option<(IpAddr, u16, IpAddr)> {
    let Some(Value::Number(port)) = told.find("dynamic_port") else { return None };
    let port = u16::try_from(port).ok()?;
    let [client, server] = [control.client.0, control.server.0];
    match told.find("mode") {
        Some(Value::Text(b"passive")) => Some((server, port, client)),
        Some(Value::Text(b"active")) => Some((client, port, server)),
        _ => None,
    }
}

/// Whether the last answer to a command is that it cannot be done (RFC 959 §4.2.1).
fn is_refused(told: &Record) -> bool {
    let codes = told.values().skip_while(|(name, _)| *name != "completion_code").skip(1);
    let last =
        codes.map_while(|(_, code)| if let Value::Text(code) = code { Some(code) } else { None }).last();
    matches!(last, Some([b'4' | b'5', ..]))
}
