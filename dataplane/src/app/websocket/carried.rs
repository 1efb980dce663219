//! [`Carried`]: what the begin of an end's messages says of a connection that they carry.
//!
//! Protocols that are at home in WebSocket, by their own specifications or as web consoles use it (MQTT, STOMP, XMPP, SIP, VNC),
//! are not looked for.

use arrayvec::ArrayVec;

use crate::app::signature::{Answer, Prefix, Signature, of_stream};
use crate::app::{AppProtocol, openvpn, rdp, smb, ssh, tls};
use crate::flow::Direction;
use crate::limits::CARRIED_BYTES_HELD_MAX;

const SIGNATURES: &[Signature] =
    &[openvpn::SIGNATURE, rdp::SIGNATURE, smb::SIGNATURE, ssh::SIGNATURE, tls::SIGNATURE];

/// The first bytes of one end's messages, one behind the other, until they tell.
#[derive(Debug, Default)]
pub(super) struct Carried {
    held: ArrayVec<u8, CARRIED_BYTES_HELD_MAX>,
    is_over: bool,
}

impl Carried {
    /// Looks at the next bytes; what they are the begin of, once.
    pub(super) fn look(&mut self, direction: Direction, bytes: &[u8]) -> Option<AppProtocol> {
        if self.is_over {
            return None;
        }
        let room = self.held.remaining_capacity();
        self.held.extend(bytes.iter().copied().take(room));
        let told = of_stream(SIGNATURES, Prefix::of(direction, &self.held));
        self.is_over = told != Err(Answer::More) || self.held.is_full();
        told.ok().map(|(protocol, _)| protocol)
    }
}
