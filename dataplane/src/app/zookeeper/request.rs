//! What a client of ZooKeeper asks, and what its server says of sessions and nodes.

use dlp_patterns::Field;

use crate::app::{
    AppSink, Record,
    beside::Beside,
    names::{Names, named},
    wire::Wire,
};
use crate::flow::Direction;

/// A request as records tell it.
#[derive(Debug)]
pub(super) struct Request {
    operation: u32,
    paths: Names,
    scheme: Vec<u8>,
    user: Vec<u8>,
    timeout_ms: Option<u32>,
    is_read_only: bool,
    bytes: u64,
}

/// `OpCode` of its source; a session that opens has none.
const CONNECT: u32 = u32::MAX;
const CREATE: u32 = 1;
const GET_DATA: u32 = 4;
const SET_DATA: u32 = 5;
const SET_ACL: u32 = 7;
const PING: u32 = 11;
const MULTI: u32 = 14;
const CREATE_2: u32 = 15;
const RECONFIGURE: u32 = 16;
const CREATE_CONTAINER: u32 = 19;
const CREATE_TTL: u32 = 21;
const MULTI_READ: u32 = 22;
const AUTH: u32 = 100;
const SET_WATCHES: u32 = 101;
const SASL: u32 = 102;
const SET_WATCHES_2: u32 = 105;
const WHO_AM_I: u32 = 107;
const CLOSE_SESSION: u32 = (-11_i32).cast_unsigned();

impl Request {
    fn new(operation: u32, bytes: u64) -> Request {
        Request {
            operation,
            paths: Names::default(),
            scheme: Vec::new(),
            user: Vec::new(),
            timeout_ms: None,
            is_read_only: false,
            bytes,
        }
    }

    /// What opens a session, or resumes one.
    pub(super) fn connect(mut wire: Wire<'_>) -> Option<Request> {
        let bytes = wire.rest().len() as u64 + 4;
        let (_version, _last, timeout_ms) = (wire.u32()?, wire.u64()?, wire.u32()?);
        let (_session, _password) = (wire.u64()?, buffer(&mut wire)?);
        let is_read_only = wire.u8() == Some(1);
        Some(Request { timeout_ms: Some(timeout_ms), is_read_only, ..Request::new(CONNECT, bytes) })
    }

    /// An operation with what stands behind it; what is there of it is told. `None` where there is no such operation.
    pub(super) fn read<S: AppSink>(
        operation: u32,
        mut wire: Wire<'_>,
        bytes: u64,
        out: &mut Beside<'_, S>,
    ) -> Option<Request> {
        let mut request = Request::new(operation, bytes);
        name(operation)?;
        // Where it is not all there, what is there was told.
        let _all = match operation {
            MULTI | MULTI_READ => request.multi(&mut wire, out),
            AUTH => request.auth(&mut wire, out),
            // Lists of watches: for data, for being there, for children.
            SET_WATCHES | SET_WATCHES_2 => {
                wire.u64().and_then(|_| (0..3).try_for_each(|_| request.paths(&mut wire, out)))
            }
            SASL | PING | RECONFIGURE | WHO_AM_I | CLOSE_SESSION => Some(()),
            _ => request.node(operation, &mut wire, out),
        };
        Some(request)
    }

    /// A path, and behind it the data of the node where one is written.
    fn node<S: AppSink>(
        &mut self,
        operation: u32,
        wire: &mut Wire<'_>,
        out: &mut Beside<'_, S>,
    ) -> Option<()> {
        let path = buffer(wire)?;
        out.field(Direction::ToServer, Field::MqTopic, path);
        self.paths.add(path);
        if matches!(operation, CREATE | CREATE_2 | CREATE_CONTAINER | CREATE_TTL | SET_DATA) {
            out.field(Direction::ToServer, Field::MqMessage, buffer(wire)?);
        }
        Some(())
    }

    /// Operations, each behind a header, up to a header that says so.
    fn multi<S: AppSink>(&mut self, wire: &mut Wire<'_>, out: &mut Beside<'_, S>) -> Option<()> {
        loop {
            let (operation, is_last, _error) = (wire.u32()?, wire.u8()? != 0, wire.u32()?);
            if is_last {
                return Some(());
            }
            self.node(operation, wire, out)?;
            match operation {
                // Whom it is for, and its flags; of what lives for a time, that.
                CREATE | CREATE_2 | CREATE_CONTAINER | CREATE_TTL => {
                    acl(wire)?;
                    wire.take(if operation == CREATE_TTL { 12 } else { 4 })?;
                }
                // Read, and children: whether to watch.
                GET_DATA | 8 => {
                    wire.u8()?;
                }
                SET_ACL => return None,
                // The version that must be there.
                _ => {
                    wire.u32()?;
                }
            }
        }
    }

    /// Of scheme `digest` it is a name and a password.
    fn auth<S: AppSink>(&mut self, wire: &mut Wire<'_>, out: &mut Beside<'_, S>) -> Option<()> {
        let _kind = wire.u32()?;
        let scheme = buffer(wire)?;
        self.scheme = named(scheme);
        let proof = buffer(wire)?;
        if let (b"digest", Some(colon)) = (scheme, memchr::memchr(b':', proof)) {
            let user = proof.get(..colon)?;
            out.field(Direction::ToServer, Field::DbUser, user);
            self.user = named(user);
        }
        Some(())
    }

    fn paths<S: AppSink>(&mut self, wire: &mut Wire<'_>, out: &mut Beside<'_, S>) -> Option<()> {
        for _ in 0..wire.u32()?.cast_signed().max(0) {
            let path = buffer(wire)?;
            out.field(Direction::ToServer, Field::MqTopic, path);
            self.paths.add(path);
        }
        Some(())
    }

    /// Whether its answer begins with the data of a node.
    pub(super) fn asks_for_data(&self) -> bool {
        self.operation == GET_DATA
    }

    /// Whether a record tells of it.
    pub(super) fn is_told(&self) -> bool {
        self.operation != PING
    }

    pub(super) fn tell(&self, record: &mut Record) {
        record.text("operation", name(self.operation).unwrap_or_default().as_bytes());
        self.paths.tell("paths", record);
        record.text_if_any("scheme", &self.scheme);
        record.text_if_any("user", &self.user);
        if let Some(timeout_ms) = self.timeout_ms {
            record.number("timeout_ms", timeout_ms.into());
            record.flag("read_only", self.is_read_only);
        }
        record.number("request_bytes", self.bytes);
    }
}

/// What a server says of a session that opens.
#[derive(Debug)]
pub(super) struct Connected {
    timeout_ms: u32,
    session: u64,
}

impl Connected {
    pub(super) fn parse(mut wire: Wire<'_>) -> Option<Connected> {
        let (_version, timeout_ms, session) = (wire.u32()?, wire.u32()?, wire.u64()?);
        Some(Connected { timeout_ms, session })
    }

    pub(super) fn tell(&self, record: &mut Record) {
        record.display("session_id", format_args!("{:#x}", self.session));
        record.number("granted_timeout_ms", self.timeout_ms.into());
    }
}

/// A watch that fired.
pub(super) fn tell_notification<S: AppSink>(id: u64, mut wire: Wire<'_>, out: &mut Beside<'_, S>) {
    let (Some(kind), Some(_state)) = (wire.u32(), wire.u32()) else { return };
    let path = buffer(&mut wire).unwrap_or_default();
    out.field(Direction::ToClient, Field::MqTopic, path);
    out.record(id, |record| {
        record.text("operation", b"notification");
        record.text("type", notification(kind).as_bytes());
        record.text("path", path);
    });
}

/// A `buffer` or a `ustring`: -1 where there is none, as far as it is there.
pub(super) fn buffer<'w>(wire: &mut Wire<'w>) -> Option<&'w [u8]> {
    let length = usize::try_from(wire.u32()?.cast_signed().max(0)).ok()?;
    wire.take(length.min(wire.rest().len()))
}

/// Permissions, each with a scheme and whom it names.
fn acl(wire: &mut Wire<'_>) -> Option<()> {
    for _ in 0..wire.u32()?.cast_signed().max(0) {
        let (_permissions, _scheme, _whom) = (wire.u32()?, buffer(wire)?, buffer(wire)?);
    }
    Some(())
}

fn notification(kind: u32) -> &'static str {
    match kind {
        1 => "NodeCreated",
        2 => "NodeDeleted",
        3 => "NodeDataChanged",
        4 => "NodeChildrenChanged",
        _ => "None",
    }
}

/// As its source has them.
fn name(operation: u32) -> Option<&'static str> {
    Some(match operation {
        CONNECT => "connect",
        CREATE => "create",
        2 => "delete",
        3 => "exists",
        GET_DATA => "getData",
        SET_DATA => "setData",
        6 => "getACL",
        SET_ACL => "setACL",
        8 => "getChildren",
        9 => "sync",
        PING => "ping",
        12 => "getChildren2",
        13 => "check",
        MULTI => "multi",
        CREATE_2 => "create2",
        RECONFIGURE => "reconfig",
        17 => "checkWatches",
        18 => "removeWatches",
        CREATE_CONTAINER => "createContainer",
        20 => "deleteContainer",
        CREATE_TTL => "createTTL",
        MULTI_READ => "multiRead",
        AUTH => "auth",
        SET_WATCHES => "setWatches",
        SASL => "sasl",
        103 => "getEphemerals",
        104 => "getAllChildrenNumber",
        SET_WATCHES_2 => "setWatches2",
        106 => "addWatch",
        WHO_AM_I => "whoAmI",
        CLOSE_SESSION => "closeSession",
        _ => return None,
    })
}
