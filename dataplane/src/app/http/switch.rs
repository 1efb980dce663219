//! What a connection of HTTP/1 goes on with when its ends agree that it is HTTP/1 no more (RFC 9110 §7.8, §9.3.6).

use super::{Http, Part};
use crate::app::{App, AppSink, Deflate, Http2, HttpTransaction, WebSocket, emitter::Emitter, probe::Probe};
use crate::flow::Direction;

/// What the header lines of a response say of what follows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Offer {
    upgrade: Upgrade,
    deflate: Option<Deflate>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Upgrade {
    /// Its first bytes tell.
    #[default]
    Unknown,
    WebSocket,
    Http2,
}

/// Another protocol follows in both directions.
#[derive(Debug)]
pub(in crate::app) struct Switch {
    offer: Offer,
    /// The request that HTTP/2 is to answer.
    request: Option<Box<HttpTransaction>>,
}

impl Offer {
    /// The value of Upgrade (RFC 9110 §7.8).
    pub(super) fn upgrade(&mut self, value: &[u8]) {
        let value = value.trim_ascii();
        if value.eq_ignore_ascii_case(b"websocket") {
            self.upgrade = Upgrade::WebSocket;
        } else if value.eq_ignore_ascii_case(b"h2c") {
            self.upgrade = Upgrade::Http2;
        }
    }

    /// The value of Sec-WebSocket-Extensions (RFC 7692 §7.1). How large windows are does not matter to who takes the largest.
    pub(super) fn extensions(&mut self, value: &[u8]) {
        for extension in value.split(|byte| *byte == b',') {
            let mut parts = extension.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
            if !parts.next().is_some_and(|name| name.eq_ignore_ascii_case(b"permessage-deflate")) {
                continue;
            }
            let mut deflate = Deflate::default();
            for part in parts {
                for (direction, name) in [
                    (Direction::ToServer, &b"client_no_context_takeover"[..]),
                    (Direction::ToClient, b"server_no_context_takeover"),
                ] {
                    deflate.is_fresh[direction as usize] |= part.eq_ignore_ascii_case(name);
                }
            }
            self.deflate.get_or_insert(deflate);
        }
    }
}

impl Switch {
    /// Who reads on.
    pub(in crate::app) fn app(self) -> App {
        match (self.offer.upgrade, self.request) {
            (Upgrade::WebSocket, _) => App::WebSocket(Box::new(WebSocket::new(self.offer.deflate))),
            (Upgrade::Http2, Some(request)) => App::Http2(Box::new(Http2::upgraded(&request))),
            (Upgrade::Unknown | Upgrade::Http2, _) => App::Probing(Probe::default()),
        }
    }
}

impl Http {
    /// What follows the response at hand, which is complete: another protocol, where all that was asked is answered. Else what
    /// both ends still say of HTTP/1 is told apart as such, and the rest is payload.
    pub(super) fn switch<S: AppSink>(&mut self, is_upgrade: bool, sink: &mut S) {
        let offer = if is_upgrade { self.server.message.offer() } else { Offer::default() };
        let is_http2 = offer.upgrade == Upgrade::Http2;
        let request = self.transactions.awaiting().filter(|_| is_http2).map(|of| Box::new(of.clone()));
        let is_asked = self.transactions.awaiting().is_some();
        self.transactions.response_complete(&mut self.server.outlet.to(sink));
        let is_over = self.client.part == Part::StartLine && !self.client.lost;
        if is_asked && is_over && self.transactions.is_idle() {
            self.switch = Some(Switch { offer, request });
        }
    }

    /// What the client has said of what follows: it was taken for a request line.
    pub(in crate::app) fn take_early<S: AppSink>(&mut self, sink: &mut S) -> Vec<u8> {
        let mut out: Emitter<'_, S> = self.client.outlet.to(sink);
        self.request_line.abandon(&mut out);
        let early = self.request_line.held().to_vec();
        self.request_line.clear();
        early
    }
}
