//! A flow that no parser claims: each direction is one instance of [`Field::Payload`], split only by gaps.

use dlp_patterns::Field;

use super::{
    AppAnomaly, AppProtocol, AppSink,
    emitter::Outlet,
    first_line::{FirstLine, Named},
};
use crate::{flow::Direction, reassembly::StreamChunk};

/// Both directions as payload.
#[derive(Debug)]
pub struct Payload {
    protocol: AppProtocol,
    /// What it was, where that was broken.
    broken: Option<AppProtocol>,
    /// What made way for it.
    before: Option<AppProtocol>,
    outlets: [Outlet; 2],
    /// What the client begins with, while it is open whether that was meant as HTTP.
    first_line: Option<FirstLine>,
}

impl Payload {
    /// Payload from the first byte on.
    pub(super) fn unknown() -> Self {
        Payload::unproven(Outlet::both(), true)
    }

    /// What follows behind a parser that never came to read; `is_first_line` says that the bytes of the
    /// client which come next are the first of its stream.
    pub(super) fn unproven(outlets: [Outlet; 2], is_first_line: bool) -> Self {
        let first_line = is_first_line.then(FirstLine::default);
        Payload { protocol: AppProtocol::Unknown, broken: None, before: None, outlets, first_line }
    }

    /// What follows behind a parser that gave up, or whose work is done; an outlet that is open has payload
    /// under way.
    pub(super) fn behind(protocol: AppProtocol, outlets: [Outlet; 2]) -> Self {
        Payload { protocol, broken: None, before: None, outlets, first_line: None }
    }

    /// What follows behind the parser of a protocol that an end has broken.
    pub(super) fn failed(broken: AppProtocol, outlets: [Outlet; 2]) -> Self {
        Payload { broken: Some(broken), ..Payload::behind(AppProtocol::Failed, outlets) }
    }

    /// The same, known as `protocol`; nothing of it remains here.
    pub(super) fn take_as(&mut self, protocol: AppProtocol) -> Payload {
        let (outlets, first_line) = (self.outlets, self.first_line.take());
        Payload { protocol, broken: None, before: self.before, outlets, first_line }
    }

    /// `outer` made way for what follows; the outermost counts.
    pub(super) fn follow(&mut self, outer: AppProtocol) {
        self.before.get_or_insert(outer);
    }

    /// What the flow spoke before.
    pub(super) fn before(&self) -> Option<AppProtocol> {
        self.before
    }

    /// The protocol that an end has broken, where it is that.
    pub(super) fn broken(&self) -> Option<AppProtocol> {
        self.broken
    }

    /// Nothing is read any more: what it spoke is all that is kept.
    pub(super) fn forget(&mut self) {
        (self.outlets, self.first_line) = (Outlet::both(), None);
    }

    /// What the client begins with is known to be HTTP.
    pub(super) fn unwatch(&mut self) {
        self.first_line = None;
    }

    /// Delivers the next piece of one direction. Bytes behind a gap are an instance of their own, because
    /// nothing that spans the gap was ever sent like that.
    pub(super) fn advance<S: AppSink>(&mut self, direction: Direction, chunk: StreamChunk<'_>, sink: &mut S) {
        let chunk = match chunk {
            StreamChunk::Data(bytes) if direction == Direction::ToServer && self.first_line.is_some() => {
                StreamChunk::Data(self.watch(bytes, sink))
            }
            _ => chunk,
        };
        let [to_server, to_client] = &mut self.outlets;
        let mut out = match direction {
            Direction::ToServer => to_server.to(sink),
            Direction::ToClient => to_client.to(sink),
        };
        match chunk {
            StreamChunk::Data(bytes) => return out.data(Field::Payload, bytes),
            StreamChunk::Gap(0) => return,
            StreamChunk::Gap(_) | StreamChunk::Fin => out.end(),
        }
        if direction == Direction::ToServer {
            self.first_line = None;
        }
    }

    /// Reads on in the client's first line: one that names HTTP may be served as HTTP, though its fields went by unread. What
    /// was not delivered yet is left: all, unless that has to be told between two bytes.
    fn watch<'c, S: AppSink>(&mut self, bytes: &'c [u8], sink: &mut S) -> &'c [u8] {
        let Some(first_line) = &mut self.first_line else { return bytes };
        let mut behind = bytes;
        match first_line.read(&mut behind) {
            Named::Undecided => return bytes,
            Named::Not => behind = bytes,
            Named::Http => {
                let line = bytes.get(..bytes.len() - behind.len()).unwrap_or_default();
                let [to_server, _] = &mut self.outlets;
                to_server.to(sink).data(Field::Payload, line);
                sink.anomaly(Direction::ToServer, AppProtocol::Http, AppAnomaly::RequestLine);
            }
        }
        self.first_line = None;
        behind
    }

    pub(super) fn finish<S: AppSink>(&mut self, sink: &mut S) {
        for outlet in &mut self.outlets {
            outlet.to(sink).end();
        }
    }

    pub(super) fn protocol(&self) -> AppProtocol {
        self.protocol
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::app::http::conversations::listen;

    proptest! {
        /// Whatever comes: what is not HTTP comes out as payload, each byte once and in order.
        #[test]
        fn unknown_bytes_are_payload_once(
            chunks in vec((any::<bool>(), prop_oneof![
                vec(any::<u8>(), 0..40),
                "(GET|POST|X) ?(/[a-z%]*)? ?(HTTP/1|RTSP/1.0\r\n)?".prop_map(String::into_bytes),
            ]), 0..6),
        ) {
            let direction = |to_client| if to_client { Direction::ToClient } else { Direction::ToServer };
            let pieces: Vec<_> = chunks
                .iter()
                .map(|(to_client, bytes)| (direction(*to_client), StreamChunk::Data(bytes)))
                .collect();
            let (app, recorder) = listen(&pieces);
            prop_assume!(matches!(app.protocol(), AppProtocol::Unknown | AppProtocol::Pending));
            for (of, sent) in [false, true].map(|end| (direction(end), end)) {
                let sent: Vec<u8> =
                    chunks.iter().filter(|(end, _)| *end == sent).flat_map(|(_, bytes)| bytes.clone()).collect();
                let told = recorder.instances(of, Field::Payload);
                prop_assert!(told.len() <= 1);
                prop_assert_eq!(told.concat(), sent);
            }
        }
    }
}
