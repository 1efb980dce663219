//! [`Decoders`]: what the bodies of a worker are decoded with, used again and within its memory.

use arrayvec::ArrayVec;

use super::{brotli::Brotli, coding::Coding, inflate::Inflate, layer::Layer, zstandard::Zstandard};
use crate::account::Account;
use crate::limits::{
    APP_BYTES_PER_WORKER_MAX, CONTENT_DECODERS_SPARE_MAX, CONTENT_LAYERS_MAX, CONTENT_ROOM_BYTES,
    CONTENT_SPARE_BYTES_MAX,
};
use crate::spare::Spare;

/// Where one layer writes for the next.
pub(super) type Room = Box<[u8; CONTENT_ROOM_BYTES]>;

/// The decoders of a worker that no body is using.
#[derive(Debug)]
pub struct Decoders {
    account: Account,
    inflates: Spare<Inflate, CONTENT_DECODERS_SPARE_MAX>,
    zstandards: Spare<Zstandard, CONTENT_DECODERS_SPARE_MAX>,
    /// As many as were needed at once.
    rooms: Vec<Room>,
}

impl Default for Decoders {
    fn default() -> Decoders {
        Decoders::with_bytes_max(APP_BYTES_PER_WORKER_MAX)
    }
}

impl Decoders {
    /// None yet; they may take so many bytes.
    pub fn with_bytes_max(bytes_max: usize) -> Decoders {
        Decoders::charged_to(Account::new(bytes_max))
    }

    /// None yet; what they take is charged there.
    pub(crate) fn charged_to(account: Account) -> Decoders {
        Decoders {
            account,
            inflates: Spare::default(),
            zstandards: Spare::default(),
            rooms: Vec::with_capacity(CONTENT_LAYERS_MAX),
        }
    }

    /// Memory of decoders in use, in bytes, as they are charged.
    pub fn bytes_in_use(&self) -> usize {
        self.account.taken_bytes()
    }

    /// A decoder at the begin of a stream; `None` where there is no room for one.
    pub(super) fn begin(&mut self, coding: Coding) -> Option<Layer> {
        match coding {
            Coding::Gzip | Coding::Deflate | Coding::RawDeflate | Coding::Member | Coding::Stream => {
                let charge = self.account.charge(Inflate::BYTES)?;
                let mut inflate = self.inflates.pop().unwrap_or_else(|| Box::new(Inflate::new()));
                match coding {
                    Coding::Deflate => inflate.begin_deflate(),
                    Coding::RawDeflate => inflate.begin_raw(),
                    Coding::Member => inflate.begin_member(),
                    Coding::Stream => inflate.begin_stream(),
                    _ => inflate.begin_gzip(),
                }
                Some(Layer::Inflate { inflate, _charge: charge })
            }
            Coding::Brotli => {
                let charge = self.account.charge(Brotli::BYTES)?;
                Some(Layer::Brotli(Box::new(Brotli::new(charge))))
            }
            Coding::Zstd => match self.zstandards.pop() {
                Some(zstandard) => Some(Layer::Zstandard(zstandard)),
                None => {
                    let charge = self.account.charge(Zstandard::BYTES)?;
                    Some(Layer::Zstandard(Box::new(Zstandard::new(charge)?)))
                }
            },
        }
    }

    /// Takes one in whose stream is over.
    pub(super) fn take_back(&mut self, layer: Layer) {
        match layer {
            Layer::Inflate { inflate, .. } => self.inflates.push(inflate),
            Layer::Zstandard(mut zstandard) => {
                if zstandard.bytes() <= CONTENT_SPARE_BYTES_MAX && zstandard.begin() {
                    self.zstandards.push(zstandard);
                }
            }
            Layer::Brotli(_) => {}
        }
    }

    /// Room for the output of so many layers, to be given back.
    pub(super) fn take_rooms(&mut self, layers: usize) -> ArrayVec<Room, CONTENT_LAYERS_MAX> {
        (0..layers).map(|_| self.rooms.pop().unwrap_or_else(|| Box::new([0; CONTENT_ROOM_BYTES]))).collect()
    }

    /// Takes rooms back.
    pub(super) fn take_back_rooms(&mut self, rooms: ArrayVec<Room, CONTENT_LAYERS_MAX>) {
        self.rooms.extend(rooms);
    }
}
