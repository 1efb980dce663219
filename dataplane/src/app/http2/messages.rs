//! What header blocks make of streams: requests, responses, trailers.

use dlp_patterns::Field;

use super::{
    Block, Http2, Out,
    grpc::Grpc,
    header_list::{Known, ListKind},
    hpack::HpackError,
    streams::{Part, Stream},
};
use crate::app::{
    AppAnomaly, AppProtocol, AppSink, HttpProduct,
    http::{UriDecoder, media_type},
};
use crate::flow::Direction;
use crate::limits::{HTTP_LOGGED_BYTES_MAX, HTTP_SPARE_BUFFER_BYTES_MAX, MESSAGE_BYTES_KEPT_MAX};

impl Http2 {
    /// A header block is complete.
    pub(super) fn headers<S: AppSink>(
        &mut self,
        direction: Direction,
        block: Block,
        bytes: &[u8],
        out: &mut Out<'_, S>,
    ) -> Result<(), AppAnomaly> {
        self.list.clear(HTTP_SPARE_BUFFER_BYTES_MAX);
        let list = &mut self.list;
        let read = self.sides[direction as usize].hpack.decode(bytes, |name, value| list.add(name, value));
        read.map_err(|error| match error {
            HpackError::Broken => AppAnomaly::Http2HeaderBlock,
            HpackError::TooLong => AppAnomaly::Http2HeaderList,
        })?;
        let told = match (direction, block.promised) {
            (Direction::ToServer, Some(_)) => Err(AppAnomaly::Http2Frame),
            (Direction::ToServer, None) => self.client_headers(block, out),
            (Direction::ToClient, Some(promised)) => self.promise(promised, out),
            (Direction::ToClient, None) => self.server_headers(block, out),
        };
        self.streams.count(block.promised.unwrap_or(block.stream));
        told
    }

    fn client_headers<S: AppSink>(&mut self, block: Block, out: &mut Out<'_, S>) -> Result<(), AppAnomaly> {
        let (id, direction) = (block.stream, Direction::ToServer);
        if id.is_multiple_of(2) {
            return Err(AppAnomaly::Http2Frame);
        }
        let part = self.streams.find(id).map(|stream| stream.halves[direction as usize].part);
        let last = &mut self.sides[direction as usize].last_stream;
        let is_new = id > *last;
        *last = id.max(*last);
        let kind =
            if is_new || self.list.has(Known::Method) { ListKind::Request } else { ListKind::Trailers };
        self.tell_list(direction, kind, out);
        match (part, kind) {
            (None, ListKind::Request) if is_new => {
                self.abuse.opened();
                self.open(direction, id, out);
                self.begin_body(direction, block, out);
            }
            (Some(Part::Body), ListKind::Trailers) => self.trailers(direction, id, block, out),
            // Its stream was cancelled.
            (None, ListKind::Trailers) => {}
            _ => self.report(direction, Some(AppAnomaly::Http2StreamReuse), out),
        }
        self.weigh(direction, id, block.weight);
        if block.is_last {
            self.end_half(direction, id, out);
        }
        Ok(())
    }

    fn server_headers<S: AppSink>(&mut self, block: Block, out: &mut Out<'_, S>) -> Result<(), AppAnomaly> {
        let (id, direction) = (block.stream, Direction::ToClient);
        if self.is_idle(direction, id) {
            return Err(AppAnomaly::Http2Frame);
        }
        let part = self.streams.find(id).map(|stream| stream.halves[direction as usize].part);
        let kind = match part {
            Some(Part::Body) => ListKind::Trailers,
            None if !self.list.has(Known::Status) => ListKind::Trailers,
            _ => ListKind::Response,
        };
        self.tell_list(direction, kind, out);
        match part {
            Some(Part::Head) => self.respond(id, block, out),
            Some(Part::Body) => self.trailers(direction, id, block, out),
            Some(Part::Over) => self.report(direction, Some(AppAnomaly::Http2StreamReuse), out),
            // It was cancelled, and the server could not know.
            None => {}
        }
        self.weigh(direction, id, block.weight);
        if block.is_last {
            self.end_half(direction, id, out);
        }
        Ok(())
    }

    /// RFC 9113 §8.4: a request that the server answers before it was asked.
    fn promise<S: AppSink>(&mut self, id: u32, out: &mut Out<'_, S>) -> Result<(), AppAnomaly> {
        let last = &mut self.sides[Direction::ToClient as usize].last_stream;
        if !id.is_multiple_of(2) || id <= *last {
            return Err(AppAnomaly::Http2Frame);
        }
        *last = id;
        self.tell_list(Direction::ToClient, ListKind::Request, out);
        self.open(Direction::ToClient, id, out);
        if let Some(stream) = self.streams.find(id) {
            stream.halves[Direction::ToServer as usize].part = Part::Over;
        }
        Ok(())
    }

    /// Tells what is in the list at hand, and what is wrong with it.
    fn tell_list<S: AppSink>(&mut self, direction: Direction, kind: ListKind, out: &mut Out<'_, S>) {
        let mut told = self.sides[direction as usize].outlet.to(out.sink);
        if kind == ListKind::Request {
            let mut decoder = UriDecoder::default();
            decoder.decode(self.list.value(Known::Path), &mut told);
            decoder.finish(&mut told);
        }
        told.data(Field::HttpHeaders, self.list.lines());
        told.end();
        let faults = self.list.faults(kind).to_vec();
        for fault in faults {
            self.report(direction, Some(fault), out);
        }
    }

    /// A stream begins with the request at hand.
    fn open<S: AppSink>(&mut self, direction: Direction, id: u32, out: &mut Out<'_, S>) {
        let Some(stream) = self.streams.open(id) else {
            return self.report(direction, Some(AppAnomaly::Http2Streams), out);
        };
        let list = &self.list;
        let host = if list.has(Known::Authority) { Known::Authority } else { Known::Host };
        let transaction = &mut stream.transaction;
        for (slot, known) in [
            (&mut transaction.method, Known::Method),
            (&mut transaction.url, Known::Path),
            (&mut transaction.host, host),
            (&mut transaction.user_agent, Known::UserAgent),
            (&mut transaction.referer, Known::Referer),
        ] {
            slot.extend_from_slice(logged(list.value(known)));
        }
        transaction.files[Direction::ToServer as usize].name_by(list.value(Known::ContentDisposition));
        let half = &mut stream.halves[Direction::ToServer as usize];
        (half.part, half.length) = (Part::Body, list.length());
        stream.told().headers[Direction::ToServer as usize].extend_from_slice(list.logged());
        if list.is_grpc() && direction == Direction::ToServer {
            let mut grpc = Box::<Grpc>::default();
            grpc.headers(direction, list);
            stream.grpc = Some(grpc);
            self.is_grpc = true;
        }
    }

    fn respond<S: AppSink>(&mut self, id: u32, block: Block, out: &mut Out<'_, S>) {
        let direction = Direction::ToClient;
        let list = &self.list;
        let status = list.status().unwrap_or_default();
        // RFC 9113 §8.1: interim responses come before the one that counts, and end no stream.
        if status / 100 == 1 {
            return self.report(direction, block.is_last.then_some(AppAnomaly::Http2PseudoHeader), out);
        }
        let Some(stream) = self.streams.find(id) else { return };
        let transaction = &mut stream.transaction;
        transaction.status = status;
        let content_type = media_type(list.value(Known::ContentType));
        transaction.content_type.extend_from_slice(logged(content_type));
        transaction.product = list.product();
        if status / 100 == 3 {
            transaction.redirect.extend_from_slice(logged(list.value(Known::Location)));
        }
        transaction.files[direction as usize].name_by(list.value(Known::ContentDisposition));
        let is_bodiless = transaction.method == b"HEAD" || matches!(status, 204 | 304);
        let half = &mut stream.halves[direction as usize];
        (half.part, half.length) = (Part::Body, list.length().filter(|_| !is_bodiless));
        stream.told().headers[direction as usize].extend_from_slice(list.logged());
        if let Some(grpc) = &mut stream.grpc {
            grpc.headers(direction, list);
            // A service that is not there is answered, too.
            let transaction = &mut stream.transaction;
            if let Some(product) = HttpProduct::of_grpc(&transaction.url).filter(|_| grpc.is_served()) {
                HttpProduct::see(&mut transaction.product, product);
            }
        }
        if let Some(product) = stream.transaction.product {
            out.sink.product(product);
        }
        self.begin_body(direction, block, out);
    }

    /// What follows the headers at hand, where anything does.
    fn begin_body<S: AppSink>(&mut self, direction: Direction, block: Block, out: &mut Out<'_, S>) {
        if !block.is_last
            && let Some(stream) = self.streams.find(block.stream)
        {
            stream.begin_body(direction, &self.list, out);
        }
    }

    /// RFC 9113 §8.1: they end their stream.
    fn trailers<S: AppSink>(&mut self, direction: Direction, id: u32, block: Block, out: &mut Out<'_, S>) {
        if let Some(stream) = self.streams.find(id) {
            stream.end(direction, out);
            if let Some(grpc) = &mut stream.grpc {
                grpc.headers(direction, &self.list);
            }
        }
        self.report(direction, (!block.is_last).then_some(AppAnomaly::Http2PseudoHeader), out);
    }

    /// One direction of a stream is complete.
    pub(super) fn end_half<S: AppSink>(&mut self, direction: Direction, id: u32, out: &mut Out<'_, S>) {
        let Some(stream) = self.streams.find(id) else { return };
        stream.end_all(direction, out);
        stream.transaction.files[direction as usize].complete();
        let half = &mut stream.halves[direction as usize];
        half.part = Part::Over;
        // RFC 9113 §8.1.1.
        let is_other = half.length.take().is_some_and(|length| length != half.bytes);
        let is_over = stream.is_over();
        self.report(direction, is_other.then_some(AppAnomaly::ContentLength), out);
        if is_over && let Some(stream) = self.streams.close(id) {
            self.tell_stream(stream, out);
        }
    }

    /// A stream that is over or never will be: what it has open ends, and its transaction is told.
    pub(super) fn tell_stream<S: AppSink>(&mut self, mut stream: Stream, out: &mut Out<'_, S>) {
        for direction in Direction::BOTH {
            stream.end_all(direction, out);
        }
        let [request, response] = &stream.halves;
        (stream.transaction.request_bytes, stream.transaction.response_bytes) =
            (request.bytes, response.bytes);
        out.sink.transaction(&stream.transaction);
        if let Some(grpc) = &stream.grpc {
            out.record.begin(AppProtocol::Grpc, stream.transaction.id);
            grpc.record(&stream.transaction.url, out.record);
            out.sink.record(out.record);
        }
        self.streams.recycle(stream);
    }

    /// Gives memory back, while no message is under way.
    pub(super) fn trim(&mut self) {
        self.list.clear(MESSAGE_BYTES_KEPT_MAX);
        self.streams.trim();
        for side in &mut self.sides {
            side.hpack.trim(MESSAGE_BYTES_KEPT_MAX);
            side.block_bytes.shrink_to(MESSAGE_BYTES_KEPT_MAX);
        }
    }
}

/// What events repeat of a value.
fn logged(value: &[u8]) -> &[u8] {
    value.get(..HTTP_LOGGED_BYTES_MAX).unwrap_or(value)
}
