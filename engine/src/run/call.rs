//! What somebody with a right to it wants of the engine that works on a link.

use std::io::BufReader;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::asker::{Asker, FLOWS, RELOAD, UPGRADE};
use super::call_socket::{Stranger, trusted_peer};
use super::hand_over::{ASK, read_line};
use super::successor::Successor;
use crate::flows::FlowQuery;

/// It asks as soon as it is connected.
const ASK_WITHIN: Duration = Duration::from_millis(500);

/// A call on the socket of a claim, by a process of the same user, or of root.
#[derive(Debug)]
pub(super) enum Call {
    /// Another engine is ready to work on links of this one.
    HandOver(Successor),
    /// Packs are to be loaded anew.
    Reload(Asker),
    /// The engine's binary is to be started anew, to take over.
    Upgrade(Asker),
    /// Live flows are to be listed.
    List(Asker, FlowQuery),
}

impl Call {
    /// What is wanted on a connection, if anything is, by somebody who may. Others only wanted to know who is here.
    pub(super) fn of(stream: UnixStream) -> Option<Call> {
        let pid = match trusted_peer(&stream).ok()? {
            Ok(pid) => pid,
            Err(Stranger { pid, uid }) => {
                // Told to those who look for it only: it may call as often as it likes.
                tracing::debug!(process = pid, user = uid, "a process of another user calls");
                return None;
            }
        };
        stream.set_nonblocking(false).ok()?;
        stream.set_read_timeout(Some(ASK_WITHIN)).ok()?;
        let mut stream = BufReader::new(stream);
        match read_line(&mut stream).ok()?.as_str() {
            ASK => Successor::read(stream, pid).map(Call::HandOver),
            RELOAD => Some(Call::Reload(Asker::new(stream.into_inner()))),
            UPGRADE => Some(Call::Upgrade(Asker::new(stream.into_inner()))),
            FLOWS => {
                let query = serde_json::from_str(&read_line(&mut stream).ok()?).ok()?;
                Some(Call::List(Asker::new(stream.into_inner()), query))
            }
            _ => None,
        }
    }
}
