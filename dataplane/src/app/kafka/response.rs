//! What a broker of Kafka answers: records that are fetched, and whether a login worked.

use super::{api, reader::Reader, records::Records, request::Request};
use crate::app::{AppSink, Record, beside::Beside, wire::Wire};
use crate::flow::Direction;

/// A response as records tell it.
#[derive(Debug, Default)]
pub(super) struct Response {
    records: Records,
    error: Option<u16>,
    bytes: u64,
}

impl Response {
    /// Reads what stands behind the correlation, and tells the records in it.
    pub(super) fn read<S: AppSink>(
        request: &Request,
        direction: Direction,
        wire: Wire<'_>,
        bytes: u64,
        out: &mut Beside<'_, S>,
    ) -> Response {
        let mut body = Reader { wire, is_flexible: request.api.is_flexible(request.version) };
        let mut response = Response { bytes, ..Response::default() };
        // Where it is not all there, what is there was told.
        let _all = response.body(request, direction, &mut body, out);
        response
    }

    fn body<S: AppSink>(
        &mut self,
        request: &Request,
        direction: Direction,
        read: &mut Reader<'_>,
        out: &mut Beside<'_, S>,
    ) -> Option<()> {
        // Its response never has tagged fields in front, so that any client can read it.
        if request.api.key != api::API_VERSIONS {
            read.tags()?;
        }
        match (request.api.key, request.version) {
            (api::FETCH, version @ ..=18) => self.fetch(version, direction, read, out),
            (api::SASL_HANDSHAKE | api::SASL_AUTHENTICATE | api::API_VERSIONS, _) => {
                self.error = Some(read.wire.u16()?);
                Some(())
            }
            _ => Some(()),
        }
    }

    fn fetch<S: AppSink>(
        &mut self,
        version: u16,
        direction: Direction,
        read: &mut Reader<'_>,
        out: &mut Beside<'_, S>,
    ) -> Option<()> {
        read.skip(if version >= 1 { 4 } else { 0 })?;
        if version >= 7 {
            self.error = Some(read.wire.u16()?);
            let _session = read.wire.u32()?;
        }
        read.array(|read| {
            if version >= 13 {
                let _topic = read.wire.take(16)?;
            } else {
                let _topic = read.string()?;
            }
            read.array(|read| self.partition(version, direction, read, out))?;
            read.tags()
        })
    }

    fn partition<S: AppSink>(
        &mut self,
        version: u16,
        direction: Direction,
        read: &mut Reader<'_>,
        out: &mut Beside<'_, S>,
    ) -> Option<()> {
        let (_index, _error, _high) = (read.wire.u32()?, read.wire.u16()?, read.wire.u64()?);
        read.skip(if version >= 4 { 8 } else { 0 } + if version >= 5 { 8 } else { 0 })?;
        if version >= 4 {
            read.array(|aborted| {
                aborted.skip(16)?;
                aborted.tags()
            })?;
        }
        read.skip(if version >= 11 { 4 } else { 0 })?;
        let (records, is_whole) = read.bytes()?;
        self.records.read(direction, records, out);
        if is_whole { read.tags() } else { None }
    }

    pub(super) fn tell(&self, record: &mut Record) {
        self.records.tell(record);
        if let Some(error) = self.error {
            record.number("error_code", error.into());
        }
        record.number("response_bytes", self.bytes);
    }
}
