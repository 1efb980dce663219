//! SMB 2 and 3 (MS-SMB2): dialects, shares, files and logins; of SMB 1 (MS-CIFS) the names of its commands.

mod command;
mod login;
mod opening;
#[cfg(test)]
mod tests;

use dlp_patterns::Field;

use self::command::{Answer as Answered, Command};
use super::{
    AppSink, Record,
    beside::Beside,
    messages::{Measure, Message, Messages},
    parser::{AppParser, Outcome},
    pending::Pending,
    wire::Wire,
};
use crate::flow::Direction;

pub(super) use self::opening::SIGNATURE;

/// What a message begins with behind its length: SMB 1; SMB 2 and 3, as they are, encrypted, and compressed.
const SMB_1: &[u8] = b"\xffSMB";
const SMB_2: &[u8] = b"\xfeSMB";
const ENCRYPTED: &[u8] = b"\xfdSMB";
const COMPRESSED: &[u8] = b"\xfcSMB";

/// MS-SMB2 §2.2.1.2.
#[derive(Clone, Copy, Debug)]
struct Head {
    status: u32,
    command: u16,
    is_response: bool,
    /// Where the next message begins of those that are sent as one.
    next: u32,
    message: u64,
    /// `None` of what is answered late, which has another number in its place (MS-SMB2 §2.2.1.1).
    tree: Option<u32>,
    session: u64,
}

const HEAD_BYTES: usize = 64;
/// A response that says that another one follows (MS-SMB2 §3.3.4.2).
const STATUS_PENDING: u32 = 0x103;

impl Head {
    fn parse(wire: &mut Wire<'_>) -> Option<Head> {
        const RESPONSE: u32 = 1;
        const ASYNC: u32 = 2;
        let (magic, _size, _charge) = (wire.take(4)?, wire.u16_le()?, wire.u16_le()?);
        let (status, command, _credits) = (wire.u32_le()?, wire.u16_le()?, wire.u16_le()?);
        let (flags, next, message) = (wire.u32_le()?, wire.u32_le()?, wire.u64_le()?);
        let (_process, tree, session) = (wire.u32_le()?, wire.u32_le()?, wire.u64_le()?);
        let _signature = wire.take(16)?;
        let is_response = flags & RESPONSE != 0;
        let tree = (flags & ASYNC == 0).then_some(tree);
        (magic == SMB_2).then_some(Head { status, command, is_response, next, message, tree, session })
    }
}

/// Both ends of one connection.
#[derive(Debug, Default)]
pub(super) struct Smb {
    ends: [Messages; 2],
    session: Session,
}

#[derive(Debug, Default)]
struct Session {
    pending: Pending<Exchange>,
    /// As the server chose it; 0 before.
    dialect: u16,
    next_id: u64,
}

/// A command that waits for its answer.
#[derive(Debug)]
struct Exchange {
    id: u64,
    message: u64,
    tree: u32,
    session: u64,
    command: Command,
}

impl AppParser for Smb {
    const FIELDS: &'static [Field] = &[Field::DbUser, Field::FileName];

    fn data<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        let Smb { ends, session } = self;
        let read: Result<(), Outcome> =
            ends[direction as usize].read(bytes, measure, |message| session.frame(direction, message, out));
        read.err().unwrap_or(Outcome::More)
    }

    fn gap<S: AppSink>(&mut self, direction: Direction, bytes: u32, _: &mut Beside<'_, S>) -> Outcome {
        self.ends[direction as usize].skip(bytes).into()
    }

    fn finish<S: AppSink>(&mut self, out: &mut Beside<'_, S>) {
        let dialect = self.session.dialect;
        while let Some(exchange) = self.session.pending.pop() {
            exchange.tell(dialect, None, out);
        }
    }

    fn held_bytes(&self) -> usize {
        self.ends.iter().map(Messages::held_bytes).sum::<usize>() + self.session.pending.held_bytes_of(2)
    }

    fn is_between_messages(&self) -> bool {
        self.session.pending.is_empty()
    }
}

impl Session {
    /// What a frame carries: one message, or several that belong together.
    fn frame<S: AppSink>(
        &mut self,
        direction: Direction,
        frame: Message<'_>,
        out: &mut Beside<'_, S>,
    ) -> Result<(), Outcome> {
        // Frames without a message keep a session of NetBIOS alive (RFC 1002 §4.3).
        let Some(mut rest) = frame.bytes.get(4..).filter(|rest| !rest.is_empty()) else { return Ok(()) };
        match rest.get(..4) {
            Some(SMB_2) => {}
            Some(SMB_1) => {
                self.first_generation(direction, rest, out);
                return Ok(());
            }
            Some(ENCRYPTED) => return Err(Outcome::Over),
            Some(COMPRESSED) => return Ok(()),
            _ => return Err(Outcome::GaveUp),
        }
        loop {
            let mut wire = Wire(rest);
            let head = Head::parse(&mut wire).ok_or(Outcome::GaveUp)?;
            let next = usize::try_from(head.next).ok().filter(|next| *next >= HEAD_BYTES);
            let message = next.and_then(|next| rest.get(..next)).unwrap_or(rest);
            self.message(direction, head, message, out);
            match next.and_then(|next| rest.get(next..)) {
                Some(following) if !following.is_empty() => rest = following,
                _ => return Ok(()),
            }
        }
    }

    fn message<S: AppSink>(
        &mut self,
        direction: Direction,
        head: Head,
        message: &[u8],
        out: &mut Beside<'_, S>,
    ) {
        if head.is_response {
            let answer = Answered::parse(head, message);
            if head.command == command::NEGOTIATE && answer.dialect != 0 {
                self.dialect = answer.dialect;
            }
            if head.status == STATUS_PENDING {
                return;
            }
            if let Some(exchange) = self.pending.take(|exchange| exchange.message == head.message) {
                exchange.tell(self.dialect, Some((head, &answer)), out);
            }
            return;
        }
        let command = Command::parse(head, message);
        out.field(direction, Field::FileName, command.file());
        out.field(direction, Field::DbUser, command.user());
        if !command.is_answered() {
            return;
        }
        let Head { message, session, .. } = head;
        let tree = head.tree.unwrap_or(0);
        let exchange = Exchange { id: self.next_id, message, tree, session, command };
        self.next_id += 1;
        let dialect = self.dialect;
        self.pending.hold(exchange, direction, out, |exchange, out| exchange.tell(dialect, None, out));
    }

    /// A command of SMB 1 (MS-CIFS §2.2.3.1), which a client of SMB 2 may begin with, too.
    fn first_generation<S: AppSink>(
        &mut self,
        direction: Direction,
        message: &[u8],
        out: &mut Beside<'_, S>,
    ) {
        let Some(&code) = message.get(4) else { return };
        if direction == Direction::ToServer {
            out.record(self.next_id, |record| {
                record.text("dialect", b"SMB1");
                record.text("command", command::first_generation(code).as_bytes());
            });
            self.next_id += 1;
        }
    }
}

impl Exchange {
    fn tell<S: AppSink>(&self, dialect: u16, answer: Option<(Head, &Answered)>, out: &mut Beside<'_, S>) {
        if !self.command.is_told() {
            return;
        }
        out.record(self.id, |record| {
            record.text("dialect", dialect_name(dialect).as_bytes());
            self.command.tell(record);
            let session = answer.map_or(self.session, |(head, _)| head.session);
            let tree = answer.and_then(|(head, _)| head.tree).unwrap_or(self.tree);
            if let Some((head, answer)) = answer {
                tell_status(head.status, record);
                answer.tell(record);
            }
            record.number("session_id", session);
            record.number("tree_id", tree.into());
        });
    }
}

/// Those that logins and files fail with (MS-ERREF §2.3).
fn tell_status(status: u32, record: &mut Record) {
    let name = match status {
        0 => "STATUS_SUCCESS",
        0x8000_0005 => "STATUS_BUFFER_OVERFLOW",
        0x8000_0006 => "STATUS_NO_MORE_FILES",
        0xc000_0011 => "STATUS_END_OF_FILE",
        0xc000_0016 => "STATUS_MORE_PROCESSING_REQUIRED",
        0xc000_0022 => "STATUS_ACCESS_DENIED",
        0xc000_0034 => "STATUS_OBJECT_NAME_NOT_FOUND",
        0xc000_0035 => "STATUS_OBJECT_NAME_COLLISION",
        0xc000_003a => "STATUS_OBJECT_PATH_NOT_FOUND",
        0xc000_0043 => "STATUS_SHARING_VIOLATION",
        0xc000_006d => "STATUS_LOGON_FAILURE",
        0xc000_00bb => "STATUS_NOT_SUPPORTED",
        0xc000_00cc => "STATUS_BAD_NETWORK_NAME",
        _ => "",
    };
    record.text_if_any("status", name.as_bytes());
    record.display("status_code", format_args!("{status:#x}"));
}

/// MS-SMB2 §2.2.4.
fn dialect_name(dialect: u16) -> &'static str {
    match dialect {
        0x0202 => "2.02",
        0x0210 => "2.10",
        0x02ff => "2.??",
        0x0300 => "3.00",
        0x0302 => "3.02",
        0x0311 => "3.11",
        _ => "unknown",
    }
}

/// MS-SMB2 §2.1: a type that is 0, and three bytes of length, which does not count itself; of NetBIOS there are other types.
fn measure(bytes: &[u8]) -> Measure {
    let mut wire = Wire(bytes);
    match (wire.u8(), wire.u24()) {
        (Some(0 | 0x81..=0x85), Some(length)) => Measure::Whole(4 + u64::from(length)),
        (Some(0 | 0x81..=0x85) | None, None) => Measure::More,
        _ => Measure::Broken,
    }
}
