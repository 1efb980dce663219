//! Couchbase: the binary protocol of memcached with commands of its own, by which it is told,
//! <https://github.com/couchbase/kv_engine/blob/master/docs/BinaryProtocol.md>.

use dlp_patterns::Field;

use super::{
    AppProtocol, AppSink,
    beside::Beside,
    memcached::{Binary, FLEXIBLE_REQUEST, Frame, Memcached, binary_begins},
    parser::{AppParser, Outcome},
    signature::Signature,
};
use crate::flow::Direction;

/// Clients say HELLO first; what else only Couchbase has is as good.
pub(super) const SIGNATURE: Signature = Signature {
    protocol: AppProtocol::Couchbase,
    stream: Some(|prefix| binary_begins(prefix, is_couchbase)),
    datagram: None,
};

const HELLO: u8 = 0x1f;
const SELECT_BUCKET: u8 = 0x89;
const GET_CLUSTER_CONFIG: u8 = 0xb5;
const GET_ERROR_MAP: u8 = 0xfe;

fn is_couchbase(frame: Frame) -> bool {
    let value_bytes = frame.body_bytes as usize - frame.key_bytes - frame.extras_bytes;
    match frame.operation {
        _ if frame.magic == FLEXIBLE_REQUEST => frame.key_bytes > 0,
        // A list of features, two bytes each.
        HELLO => frame.extras_bytes == 0 && value_bytes.is_multiple_of(2) && value_bytes > 0,
        SELECT_BUCKET => frame.extras_bytes == 0 && frame.key_bytes > 0 && value_bytes == 0,
        GET_CLUSTER_CONFIG => frame.key_bytes == 0 && value_bytes == 0,
        GET_ERROR_MAP => frame.key_bytes == 0 && value_bytes == 2,
        _ => false,
    }
}

/// Both ends of one connection.
#[derive(Debug, Default)]
pub(super) struct Couchbase(Binary);

impl AppParser for Couchbase {
    const FIELDS: &'static [Field] = Memcached::FIELDS;

    fn data<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        self.0.read(direction, bytes, out)
    }

    fn gap<S: AppSink>(&mut self, direction: Direction, bytes: u32, _: &mut Beside<'_, S>) -> Outcome {
        if self.0.skip(direction, bytes) { Outcome::More } else { Outcome::GaveUp }
    }

    fn finish<S: AppSink>(&mut self, out: &mut Beside<'_, S>) {
        self.0.finish(out);
    }

    fn is_between_messages(&self) -> bool {
        self.0.is_idle()
    }

    fn held_bytes(&self) -> usize {
        self.0.held_bytes()
    }
}
