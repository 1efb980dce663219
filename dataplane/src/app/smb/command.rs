//! Commands of SMB 2 and 3 (MS-SMB2 §2.2), and what answers them; names are Suricata's.

use super::{HEAD_BYTES, Head, login::Login};
use crate::app::{Record, pending::kept, utf16::utf16, wire::Wire};

pub(super) const NEGOTIATE: u16 = 0;
const SESSION_SETUP: u16 = 1;
const TREE_CONNECT: u16 = 3;
const CREATE: u16 = 5;
const CLOSE: u16 = 6;
const READ: u16 = 8;
const WRITE: u16 = 9;
const CANCEL: u16 = 12;
const ECHO: u16 = 13;

/// A command as records tell it.
#[derive(Debug, Default)]
pub(super) struct Command {
    command: u16,
    /// The path of a share, or the name of a file.
    name: Vec<u8>,
    disposition: u32,
    login: Option<Box<Login>>,
    /// Bytes that a READ asks for, or a WRITE brings.
    bytes: Option<u32>,
}

impl Command {
    /// What follows the head of a message, as far as it is there.
    pub(super) fn parse(head: Head, message: &[u8]) -> Command {
        let mut command = Command { command: head.command, ..Command::default() };
        let body = Wire(message.get(HEAD_BYTES..).unwrap_or_default());
        // Where it is not all there, what is there is told.
        let _all = match head.command {
            SESSION_SETUP => {
                command.login = Login::find(body.rest()).map(Box::new);
                Some(())
            }
            TREE_CONNECT => command.tree_connect(body, message),
            CREATE => command.create(body, message),
            READ | WRITE => command.transfer(body),
            _ => Some(()),
        };
        command
    }

    /// §2.2.9.
    fn tree_connect(&mut self, mut body: Wire<'_>, message: &[u8]) -> Option<()> {
        let (_size, _flags) = (body.u16_le()?, body.u16_le()?);
        let (offset, length) = (body.u16_le()?, body.u16_le()?);
        self.name = kept(utf16(part(message, offset, length)?).as_bytes());
        Some(())
    }

    /// §2.2.13.
    fn create(&mut self, mut body: Wire<'_>, message: &[u8]) -> Option<()> {
        let _security_and_lock = (body.u16_le()?, body.u16_le()?, body.u32_le()?);
        let _flags = (body.u64_le()?, body.u64_le()?);
        let (_access, _attributes, _share) = (body.u32_le()?, body.u32_le()?, body.u32_le()?);
        self.disposition = body.u32_le()?;
        let _options = body.u32_le()?;
        let (offset, length) = (body.u16_le()?, body.u16_le()?);
        self.name = kept(utf16(part(message, offset, length)?).as_bytes());
        Some(())
    }

    /// §2.2.19, §2.2.21: a length stands at the same place in both.
    fn transfer(&mut self, mut body: Wire<'_>) -> Option<()> {
        let _size_and_offset = body.u32_le()?;
        self.bytes = Some(body.u32_le()?);
        Some(())
    }

    pub(super) fn file(&self) -> &[u8] {
        if self.command == CREATE { &self.name } else { &[] }
    }

    pub(super) fn user(&self) -> &[u8] {
        self.login.as_deref().map(Login::user).unwrap_or_default()
    }

    pub(super) fn is_answered(&self) -> bool {
        self.command != CANCEL
    }

    /// Whether a record tells of it.
    pub(super) fn is_told(&self) -> bool {
        self.command != ECHO
    }

    pub(super) fn tell(&self, record: &mut Record) {
        record.text("command", name(self.command).as_bytes());
        match self.command {
            TREE_CONNECT => record.text("share", &self.name),
            CREATE => {
                record.text("filename", &self.name);
                record.text("disposition", disposition(self.disposition).as_bytes());
            }
            _ => {}
        }
        if let Some(bytes) = self.bytes {
            record.number("request_bytes", bytes.into());
        }
        if let Some(login) = &self.login {
            record.object("ntlmssp", |record| login.tell(record));
        }
    }
}

/// What a server answers.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// Of NEGOTIATE.
    pub(super) dialect: u16,
    share: Option<u8>,
    /// Of CREATE and CLOSE: how long the file is. Of READ and WRITE: how much of it went over.
    file_bytes: Option<u64>,
    moved_bytes: Option<u32>,
}

impl Answer {
    pub(super) fn parse(head: Head, message: &[u8]) -> Answer {
        let mut answer = Answer::default();
        if head.status == 0 {
            let body = Wire(message.get(HEAD_BYTES..).unwrap_or_default());
            // Where it is not all there, nothing is told of it.
            let _all = answer.read(head.command, body);
        }
        answer
    }

    fn read(&mut self, command: u16, mut body: Wire<'_>) -> Option<()> {
        let _size = body.u16_le()?;
        match command {
            // §2.2.4.
            NEGOTIATE => {
                let _mode = body.u16_le()?;
                self.dialect = body.u16_le()?;
            }
            // §2.2.10.
            TREE_CONNECT => self.share = Some(body.u8()?),
            // §2.2.14, §2.2.16: behind four times and the room that the file takes.
            CREATE | CLOSE => {
                let (_flags, _times, _room) = (body.take(6)?, body.take(32)?, body.u64_le()?);
                self.file_bytes = Some(body.u64_le()?);
            }
            // §2.2.20, §2.2.22.
            READ | WRITE => {
                let _offset = body.u16_le()?;
                self.moved_bytes = Some(body.u32_le()?);
            }
            _ => {}
        }
        Some(())
    }

    pub(super) fn tell(&self, record: &mut Record) {
        if let Some(share) = self.share {
            record.text("share_type", share_type(share).as_bytes());
        }
        if let Some(bytes) = self.file_bytes {
            record.number("size", bytes);
        }
        if let Some(bytes) = self.moved_bytes {
            record.number("moved_bytes", bytes.into());
        }
    }
}

/// Bytes of a message by where they begin in it.
fn part(message: &[u8], offset: u16, length: u16) -> Option<&[u8]> {
    let rest = message.get(usize::from(offset)..)?;
    Some(rest.get(..usize::from(length)).unwrap_or(rest))
}

fn name(command: u16) -> &'static str {
    match command {
        NEGOTIATE => "SMB2_COMMAND_NEGOTIATE_PROTOCOL",
        SESSION_SETUP => "SMB2_COMMAND_SESSION_SETUP",
        2 => "SMB2_COMMAND_SESSION_LOGOFF",
        TREE_CONNECT => "SMB2_COMMAND_TREE_CONNECT",
        4 => "SMB2_COMMAND_TREE_DISCONNECT",
        CREATE => "SMB2_COMMAND_CREATE",
        CLOSE => "SMB2_COMMAND_CLOSE",
        7 => "SMB2_COMMAND_FLUSH",
        READ => "SMB2_COMMAND_READ",
        WRITE => "SMB2_COMMAND_WRITE",
        10 => "SMB2_COMMAND_LOCK",
        11 => "SMB2_COMMAND_IOCTL",
        CANCEL => "SMB2_COMMAND_CANCEL",
        ECHO => "SMB2_COMMAND_KEEPALIVE",
        14 => "SMB2_COMMAND_FIND",
        15 => "SMB2_COMMAND_CHANGE_NOTIFY",
        16 => "SMB2_COMMAND_GET_INFO",
        17 => "SMB2_COMMAND_SET_INFO",
        18 => "SMB2_COMMAND_OPLOCK_BREAK",
        _ => "unknown",
    }
}

/// MS-CIFS §2.2.2.1, those that are seen most.
pub(super) fn first_generation(code: u8) -> &'static str {
    match code {
        0x04 => "SMB1_COMMAND_CLOSE",
        0x25 => "SMB1_COMMAND_TRANS",
        0x2e => "SMB1_COMMAND_READ_ANDX",
        0x2f => "SMB1_COMMAND_WRITE_ANDX",
        0x32 => "SMB1_COMMAND_TRANS2",
        0x71 => "SMB1_COMMAND_TREE_DISCONNECT",
        0x72 => "SMB1_COMMAND_NEGOTIATE_PROTOCOL",
        0x73 => "SMB1_COMMAND_SESSION_SETUP_ANDX",
        0x74 => "SMB1_COMMAND_LOGOFF_ANDX",
        0x75 => "SMB1_COMMAND_TREE_CONNECT_ANDX",
        0xa0 => "SMB1_COMMAND_NT_TRANS",
        0xa2 => "SMB1_COMMAND_NT_CREATE_ANDX",
        _ => "unknown",
    }
}

/// §2.2.13.
fn disposition(disposition: u32) -> &'static str {
    match disposition {
        0 => "FILE_SUPERSEDE",
        1 => "FILE_OPEN",
        2 => "FILE_CREATE",
        3 => "FILE_OPEN_IF",
        4 => "FILE_OVERWRITE",
        5 => "FILE_OVERWRITE_IF",
        _ => "UNKNOWN",
    }
}

/// §2.2.10.
fn share_type(share: u8) -> &'static str {
    match share {
        1 => "FILE",
        2 => "PIPE",
        3 => "PRINT",
        _ => "UNKNOWN",
    }
}
